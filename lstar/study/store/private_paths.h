// What a store does not keep: where on this machine a model was found. A user's own words stay as they are. Pure.
#pragma once

#include <string>

#include "lstar/study/study.h"

namespace lstar {

// The identity without its path, unless the user called the model by that.
Identity without_path(Identity);

// A text in which the model's path stands as the model's name, where it says more than that.
std::string without_path(std::string text, const Identity&);

// An error of one of a study's models: the path as the study has it, and elsewhere the file's name alone.
Error without_path(Error, const ModelEntry&);

// A path as the study has it: with its variables, where a manifest wrote it with some.
const std::string& shown_path(const ModelEntry&);

}  // namespace lstar
