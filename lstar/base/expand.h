// Names of the environment in a text: ${NAME}, and $NAME where that is wanted. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace lstar {

enum class NameForm { braced, any };  // ${NAME} alone; $NAME too

// Puts a name's value in its place. A name is of letters, digits and '_'; what is none, and a name without a value,
// stays as it is written.
std::string expanded_names(const std::string& text, NameForm form,
                           const std::function<std::optional<std::string>(const std::string& name)>& value);

}  // namespace lstar
