// What was measured beside the traces, as JSON. docs/results.md names the keys.
#pragma once

#include "lstar/report/json/json_writer.h"
#include "lstar/study/series.h"

namespace lstar {

// Of one model of this depth. `spectral`: whether largest singular values were asked for.
JsonValue series_json(const ModelSeries&, int layers, bool spectral);
JsonValue lab_series_json(const StudySeries&);
JsonValue gain_bound_json(const StudySeries&);

}  // namespace lstar
