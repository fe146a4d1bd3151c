// A measurement of which a store knows a part, or all: what is missing is measured, kept, and put together with what
// was known. The result is, to the bit, what measuring everything would have given.
#pragma once

#include <vector>

#include "lstar/study/open_model.h"
#include "lstar/study/store/store.h"
#include "lstar/study/study.h"

namespace lstar {

struct KeptMeasurement {
  Measurement measurement;
  StoreKey key;  // its content is empty where the store took no part
  Kept kept;
};

// The store keeps both head layouts and what every estimator reads, whatever is wanted now, so that a report may ask
// for any of them later.
Result<KeptMeasurement> measure_missing(OpenModel&, const std::vector<Prompt>&, const MeasureOptions&,
                                        const KeepOptions&);

}  // namespace lstar
