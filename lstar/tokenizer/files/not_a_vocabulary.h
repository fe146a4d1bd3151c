// What lies in a vocabulary's place and is none. Asked only where reading has failed.
#pragma once

#include <string>

#include "lstar/base/result.h"

namespace lstar {

// The error put better where the file that it names holds tiktoken's ranks. (What else may lie there in place of any
// file is told by checkpoint/handed_over.h.)
Error explained_vocabulary(Error error);

// A tokenizer's file in a folder that has none we read, and what to do about it; empty where there is none.
std::string unread_vocabulary(const std::string& folder);

}  // namespace lstar
