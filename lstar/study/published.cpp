#include "lstar/study/published.h"

#include <cmath>
#include <limits>
#include <utility>

#include "lstar/base/catch_memory.h"
#include "lstar/base/json.h"

namespace lstar {

extern const char* const kPublished;  // made by CMake from the file

namespace {

constexpr size_t kLabGains = 16;  // of the first of the two files of gains

// Reads on after a fault, and keeps the first.
class PublishedReader {
 public:
  explicit PublishedReader(std::string source) : source_(std::move(source)) {}

  Result<Published> read(Json root) {
    Published all;
    all.traces = traces(root["traces"]);
    all.more_traces = traces(root["more_traces"]);
    all.by_argmax_step = rows(root["cross_heritage"]["argmax_step"]["results"], "L_star_empirical", "L_star_predicted");
    all.by_sign_change = rows(root["cross_heritage"]["sign_change"]["results"], "L_star_empirical", "L_star_predicted");
    all.calibration = rows(root["calibration"]["rows"], "l_star", "predicted");
    for (const Json row : root["residual_gain"]["rows"].items())
      (all.lab_gains.size() < kLabGains ? all.lab_gains : all.pythia_gains)
          .push_back({text(row, "model"), text(row, "lab"), whole(row, "L"), number(row, "gain_mean")});
    for (const Json claim : root["claims"].items())
      all.claims.push_back({text(claim, "id"), text(claim, "claim"), claim.number("value"), claim.number("p")});
    if (missing_.empty()) return all;
    return fail({.what = "not the published numbers as lstar has them", .file = source_, .at = "key " + missing_});
  }

 private:
  std::string text(Json of, const char* key) { return required(of.string(key), key); }
  double number(Json of, const char* key) { return required(of.number(key), key); }
  int whole(Json of, const char* key) {
    constexpr int64_t kMost = 100'000;
    const int64_t value = required(of.integer(key), key);
    if (value < 1 || value > kMost) missing_ = key;
    return static_cast<int>(value);
  }
  template <class T>
  T required(std::optional<T> value, const char* key) {
    if (!value && missing_.empty()) missing_ = key;
    return value ? *std::move(value) : T();
  }

  std::vector<PublishedModelTraces> traces(Json list) {
    std::vector<PublishedModelTraces> all;
    for (const Json entry : list.items()) {
      PublishedModelTraces one{.model = text(entry, "model"),
                               .lab = text(entry, "lab"),
                               .layers = whole(entry, "layers"),
                               .heads = whole(entry, "heads")};
      one.l_star = static_cast<int>(required(entry.integer("l_star_published"), "l_star_published"));
      for (auto& [key, trace] :
           {std::pair{"off_diagonal_trace", &one.off_diagonal}, std::pair{"multi_head_trace", &one.multi_head}}) {
        for (const Json value : entry[key].items())
          trace->push_back(value.is_null() ? std::numeric_limits<double>::quiet_NaN() : required(value.number(), key));
        if (trace->size() != static_cast<size_t>(one.layers)) missing_ = key;
      }
      all.push_back(std::move(one));
    }
    return all;
  }

  std::vector<PublishedRow> rows(Json list, const char* l_star, const char* predicted) {
    constexpr int kPrompts = 5;  // that the L* of the tables across labs is the mean of
    std::vector<PublishedRow> all;
    for (const Json row : list.items())
      all.push_back({.model = text(row, "model"),
                     .point = {.layers = whole(row, "L"),
                               .heads = whole(row, "H"),
                               .l_star = number(row, l_star),
                               .lab = text(row, "lab"),
                               .prompts = row.has("L_star_std") ? kPrompts : 1},
                     .predicted = number(row, predicted)});
    return all;
  }

  std::string source_, missing_;
};

}  // namespace

Result<Published> parse_published(std::string_view json, const std::string& source) {
  return catch_memory("reading published numbers", source, [&]() -> Result<Published> {
    LSTAR_ASSIGN(const JsonDocument document, JsonDocument::parse(json, source));
    return PublishedReader(source).read(document.root());
  });
}

Result<Published> bundled_published() { return parse_published(kPublished, "published.json"); }

std::string_view bare_name(std::string_view model) {
  while (model.ends_with('/')) model.remove_suffix(1);
  const size_t slash = model.rfind('/');
  return slash == model.npos ? model : model.substr(slash + 1);
}

}  // namespace lstar
