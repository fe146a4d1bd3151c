// What a store does not keep: where on this machine a model was found. A user's own words stay as they are. Pure.
#pragma once

#include <string>

#include "lstar/study/study.h"

namespace lstar {

// The identity without its path, unless the user called the model by that.
Identity without_path(Identity);

// A text in which the model's path stands as the model's name, where it says more than that.
std::string without_path(std::string text, const Identity&);

// An error of one of a study's models: the path as the study has it, and elsewhere the file's name alone. `located` is
// where it was found, which may be elsewhere.
Error without_path(Error, const ModelEntry&, const std::string& located);
Error without_path(Error, const ModelEntry&);

// The same of a folder of this machine, the hub's cache, which an error names where no model was found.
Error without_folder(Error, const std::string& folder, const std::string& by);

// A measurement of it: the path, the warnings and the errors of prompts as the study has them.
Measurement without_path(Measurement, const ModelEntry&, const std::string& located);

}  // namespace lstar
