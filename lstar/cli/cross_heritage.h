// The study that `lstar run` does when it is told nothing: manifests/cross-heritage.toml, built into the program.
#pragma once

#include "lstar/base/result.h"
#include "lstar/study/study.h"

namespace lstar::cli {

Result<Study> cross_heritage_study();

// Says which of a study's models have to be downloaded and how large they are, and asks on a terminal unless `yes`.
// True where nothing is to be downloaded, or it may be.
bool may_download(const Study& study, bool yes, bool quiet);

}  // namespace lstar::cli
