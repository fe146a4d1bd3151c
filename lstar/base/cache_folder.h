// Where this program keeps what it can make again.
#pragma once

#include <string>

namespace lstar {

// $XDG_CACHE_HOME/lstar, else ~/.cache/lstar; empty where neither variable is set. It need not exist.
std::string cache_folder();

}  // namespace lstar
