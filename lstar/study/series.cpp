#include "lstar/study/series.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "lstar/analysis/statistics.h"
#include "lstar/study/study.h"

namespace lstar {
namespace {

LayerSeries series(std::vector<double> by_layer) {
  LayerSeries s{.by_layer = std::move(by_layer), .mean = {}};
  if (s.by_layer.empty()) return s;
  const double over = mean(s.by_layer);
  if (std::isfinite(over)) s.mean = over;
  return s;
}

std::vector<double> roots(std::vector<double> squares) {
  for (double& value : squares) value = std::sqrt(value);
  return squares;
}

// Each prompt's rows and all heads count alike, and then each prompt, however long it is.
std::vector<double> entropies(const Observation& seen) {
  std::vector<double> by_layer(seen.entropy.empty() ? 0 : seen.entropy.dim1());
  for (size_t l = 0; l < by_layer.size(); ++l) {
    for (size_t p = 0; p < seen.entropy.dim0(); ++p) {
      const auto heads = seen.entropy(p, l);
      by_layer[l] += std::accumulate(heads.begin(), heads.end(), 0.0) / static_cast<double>(heads.size()) /
                     static_cast<double>(seen.tokens[p]);
    }
    by_layer[l] /= static_cast<double>(seen.entropy.dim0());
  }
  return by_layer;
}

std::vector<double> gains(const Array2<double>& norms) {
  std::vector<double> by_layer(norms.empty() ? 0 : norms.dim1() - 1);
  for (size_t l = 0; l < by_layer.size(); ++l) {
    for (size_t p = 0; p < norms.dim0(); ++p) by_layer[l] += norms(p, l + 1) / norms(p, l);
    by_layer[l] /= static_cast<double>(norms.dim0());
  }
  return by_layer;
}

std::vector<LabSeries> labs_of(const StudyResult& result, const std::vector<ModelSeries>& models) {
  std::map<std::string, std::vector<const ModelSeries*>> by_lab;
  for (size_t i = 0; i < models.size(); ++i) by_lab[result.models[i].entry.lab].push_back(&models[i]);
  std::vector<LabSeries> labs;
  for (const auto& [name, of] : by_lab) {
    LabSeries lab{.lab = name, .models = static_cast<int>(of.size()), .means = {}};
    for (const SeriesMean& quantity : kSeriesMeans) {
      std::vector<double> values;
      for (const ModelSeries* model : of)
        if (const auto& over = (model->*quantity.series).mean) values.push_back(*over);
      lab.means.push_back(values.size() == of.size() ? std::optional(mean(values)) : std::nullopt);
    }
    labs.push_back(std::move(lab));
  }
  return labs;
}

}  // namespace

ModelSeries series_of(const Measurement& m) {
  const WeightNorms& w = m.weights;
  ModelSeries s{.attention_entropy = series(entropies(m.seen)),
                .w_v_frobenius = series(roots(w.w_v_sq)),
                .w_o_frobenius = series(roots(w.w_o_sq)),
                .w_v_spectral = series(w.w_v_spectral),
                .w_o_spectral = series(w.w_o_spectral),
                .residual_gain = series(gains(m.seen.residual_norm))};
  std::vector<double> ratios;
  for (size_t l = 0; l < std::min(w.w_v_sq.size(), w.w_o_sq.size()); ++l)
    ratios.push_back(s.w_v_frobenius.by_layer[l] / s.w_o_frobenius.by_layer[l]);
  s.w_v_over_w_o = series(std::move(ratios));
  const std::vector<double>& of = s.residual_gain.by_layer;
  if (s.residual_gain.mean)
    s.greatest_gain_layer = static_cast<int>(std::max_element(of.begin(), of.end()) - of.begin());
  return s;
}

StudySeries series_of(const StudyResult& result) {
  StudySeries all;
  std::vector<GainPoint> of_gain, of_greatest;
  for (const ModelResult& model : result.models) {
    all.models.push_back(series_of(model.measurement));
    const ModelSeries& s = all.models.back();
    const int layers = model.measurement.shape.layers;
    if (model.gain) of_gain.push_back({layers, *model.gain, model.gain_interval});
    if (s.greatest_gain_layer)
      of_greatest.push_back({layers, s.residual_gain.by_layer[static_cast<size_t>(*s.greatest_gain_layer)], {}});
  }
  all.labs = labs_of(result, all.models);
  all.of_gain = gain_bound(of_gain);
  all.of_greatest_layer = gain_bound(of_greatest);
  return all;
}

}  // namespace lstar
