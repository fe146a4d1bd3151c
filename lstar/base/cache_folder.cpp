#include "lstar/base/cache_folder.h"

#include <cstdlib>

namespace lstar {

std::string cache_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache) return std::string(cache) + "/lstar";
  if (const char* home = std::getenv("HOME"); home && *home) return std::string(home) + "/.cache/lstar";
  return {};
}

}  // namespace lstar
