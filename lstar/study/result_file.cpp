#include "lstar/study/result_file.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "lstar/base/catch_memory.h"
#include "lstar/base/json.h"
#include "lstar/base/text.h"

namespace lstar {
namespace {

// Reads on after a fault, and keeps the first.
class ResultReader {
 public:
  explicit ResultReader(const std::string& source) { result_.source = source; }

  Result<ResultFile> read(Json root) {
    if (!root.is_object() || (!root.has("results") && !root.has("failed")))
      return fail({.what = root.find("layers") || root["prompts"].at(0).value_or(Json()).has("layers")
                               ? "what lstar trace prints, no result of lstar run"
                               : "no result of lstar run",
                   .file = result_.source});
    read_study(root);
    const Json blocks = object(root, "by_estimator");
    for (const auto& [name, block] : blocks.fields()) read_block(std::string(name), block);
    // All there was before by_estimator, and where that says less of a model than the headline's list.
    const auto headline = text(root, "estimator").value;
    read_block(headline ? *headline : result_.summaries.empty() ? "headline" : result_.summaries[0].estimator, root);
    read_tokenizations(root);
    read_failed(root);
    read_traces(root);
    put_headline_first();
    if (fault_) return fail(*std::move(fault_));
    return std::move(result_);
  }

 private:
  static std::string cut(std::string_view name) {
    constexpr size_t kMost = 80;
    return valid_utf8(name.substr(0, kMost));
  }
  void wrong(std::string_view key, const char* expected, Json found) {
    if (fault_) return;
    fault_ = Error{.what = "not as lstar run writes it",
                   .file = result_.source,
                   .at = fmt::format("{}key {}", of_.empty() ? "" : cut(of_) + ", ", cut(key)),
                   .expected = expected,
                   .found = found.shown(40)};
  }

  // The value under a key, by what makes a T of Json; `made` has nothing for a value of another type.
  template <class T, class Made>
  Reported<T> value(Json of, std::string_view key, const char* expected, Made made) {
    if (!of.has(key)) return {};
    const Json found = of[key];
    Reported<T> reported{.is_there = true};
    if (found.is_null()) return reported;
    reported.value = made(found);
    if (!reported.value) wrong(key, expected, found);
    return reported;
  }
  static std::optional<std::string> as_text(Json v) {
    const auto text = v.string();
    return text ? std::optional(std::string(*text)) : std::nullopt;
  }
  static std::optional<double> as_number(Json v) {
    const auto number = v.number();
    return number && std::isfinite(*number) ? number : std::nullopt;
  }
  Reported<std::string> text(Json of, std::string_view key) { return value<std::string>(of, key, "a text", as_text); }
  Reported<double> number(Json of, std::string_view key) {
    return value<double>(of, key, "a finite number", as_number);
  }
  Reported<int64_t> integer(Json of, std::string_view key) {
    return value<int64_t>(of, key, "a whole number", [](Json v) { return v.integer(); });
  }
  Reported<bool> flag(Json of, std::string_view key) {
    return value<bool>(of, key, "true or false", [](Json v) { return v.boolean(); });
  }
  // A list, each of whose items `item` makes a T of.
  template <class T, class Item>
  Reported<std::vector<T>> list(Json of, std::string_view key, const char* expected, Item item) {
    return value<std::vector<T>>(of, key, expected, [&](Json v) -> std::optional<std::vector<T>> {
      if (!v.is_array()) return std::nullopt;
      std::vector<T> items;
      for (const Json each : v.items()) {
        std::optional<T> one = item(each);
        if (!one) return std::nullopt;
        items.push_back(*std::move(one));
      }
      return items;
    });
  }
  Reported<std::vector<std::string>> texts(Json of, std::string_view key) {
    return list<std::string>(of, key, "a list of texts", as_text);
  }
  static std::optional<std::vector<double>> numbers_of(Json list) {  // null is a number that is not finite
    if (!list.is_array()) return std::nullopt;
    std::vector<double> numbers;
    for (const Json each : list.items()) {
      const auto number = each.is_null() ? std::optional(std::numeric_limits<double>::quiet_NaN()) : as_number(each);
      if (!number) return std::nullopt;
      numbers.push_back(*number);
    }
    return numbers;
  }
  static std::optional<std::vector<int64_t>> whole_numbers_of(Json list) {
    if (!list.is_array()) return std::nullopt;
    std::vector<int64_t> numbers;
    for (const Json each : list.items()) {
      const auto number = each.integer();
      if (!number) return std::nullopt;
      numbers.push_back(*number);
    }
    return numbers;
  }
  std::vector<double> numbers(Json of, std::string_view key) {
    return value<std::vector<double>>(of, key, "a list of numbers", numbers_of).value.value_or(std::vector<double>());
  }
  Json object(Json of, std::string_view key) {
    const Json found = of[key];
    if (!found.is_null() && !found.is_object()) wrong(key, "an object", found);
    return found;
  }
  // A list of objects, in their order.
  template <class Use>
  void each(Json of, std::string_view key, Use use) {
    const Json found = of[key];
    if (!found.is_null() && !found.is_array()) return wrong(key, "a list", found);
    for (const Json item : found.items()) {
      if (!item.is_object()) return wrong(key, "a list of objects", item);
      use(item);
    }
  }

  Reported<std::vector<ReportedPrompt>> prompts(Json of, std::string_view key) {
    Reported<std::vector<ReportedPrompt>> all{.is_there = of.has(key)};
    if (!all.is_there || of[key].is_null()) return all;
    all.value.emplace();
    each(of, key, [&](Json prompt) {
      ReportedPrompt one;
      if (const auto id = prompt.find("id")) one.id = id->minified();
      one.text = text(prompt, "text").value;
      one.ids = value<std::vector<int64_t>>(prompt, "token_ids", "a list of whole numbers", whole_numbers_of)
                    .value.value_or(std::vector<int64_t>());
      all.value->push_back(std::move(one));
    });
    return all;
  }

  void read_study(Json root) {
    result_.run = text(root, "run");
    result_.timestamp = text(root, "timestamp");
    result_.version = text(root, "version");
    result_.formula = text(root, "formula_name");
    result_.formula_text = text(root, "formula");
    result_.detector = text(root, "detector");
    result_.dtype = text(root, "dtype");
    result_.head_layout = text(root, "head_layout");
    result_.backend = text(root, "backend");
    result_.device = text(root, "device");
    result_.numerics = integer(root, "numerics");
    result_.seed = value<uint64_t>(root, "seed", "a whole number", [](Json v) { return v.unsigned_integer(); });
    result_.estimators = texts(root, "estimators");
    result_.in_sample = texts(root, "in_sample");
    result_.prompts = prompts(root, "prompts");
  }

  // The model of a name, the n-th of those that bear it.
  ReportedModel& model(const std::string& name, size_t n) {
    std::vector<size_t>& places = places_[name];
    while (places.size() <= n) {
      places.push_back(result_.models.size());
      result_.models.push_back({.name = name});
    }
    return result_.models[places[n]];
  }
  std::string name_of(Json entry) {
    of_ = {};
    std::string name = text(entry, "model").value.value_or("");
    if (name.empty()) wrong("model", "a model's name", entry["model"]);
    of_ = name;
    return name;
  }

  void read_block(const std::string& estimator, Json block) {
    if (!block.is_object()) return wrong(estimator, "an object", block);
    const bool is_new = estimators_.insert(estimator).second;
    if (is_new)
      result_.summaries.push_back({.estimator = estimator,
                                   .verdict = text(block, "verdict"),
                                   .overall_mape = number(block, "overall_mape"),
                                   .mape_of_actual = number(block, "mape_of_actual"),
                                   .asked = integer(block, "n_asked"),
                                   .models = integer(block, "n_models"),
                                   .resolved = integer(block, "n_resolved"),
                                   .caveats = texts(block, "verdict_caveats")});
    std::map<std::string, size_t> seen;
    each(block, "results", [&](Json entry) {
      const std::string name = name_of(entry);
      ReportedModel& of_model = model(name, seen[name]++);
      read_model(entry, of_model);
      if (is_new) of_model.estimates.push_back(read_estimate(entry, estimator));
    });
    of_ = {};
  }

  // What several lists say of a model; the first that does is taken.
  void read_model(Json entry, ReportedModel& m) {
    const auto put = [](auto& to, auto from) {
      if (!to.is_there) to = std::move(from);
    };
    const Json checkpoint = object(entry, "checkpoint");
    put(m.lab, text(entry, "lab"));
    put(m.layers, integer(entry, "L"));
    put(m.heads, integer(entry, "H"));
    put(m.family, text(entry, "family"));
    put(m.predicted, number(entry, "L_star_predicted"));
    put(m.gain, number(entry, "gain"));
    put(m.revision, text(checkpoint, "revision"));
    put(m.stored_dtype, text(checkpoint, "stored_dtype"));
    if (!m.files.is_there && checkpoint.has("files")) {
      m.files = {.is_there = true, .value = std::vector<ReportedFile>()};
      each(checkpoint, "files", [&](Json file) {
        m.files.value->push_back({text(file, "file").value.value_or(""), text(file, "sha256").value});
      });
    }
    if (m.failed_prompts.empty())
      each(entry, "failed_prompts", [&](Json failed) {
        if (const auto number = integer(failed, "prompt").value; number && *number >= 1)
          m.failed_prompts.insert(static_cast<size_t>(*number - 1));
      });
    if (m.ids.is_there || !entry.has("prompts")) return;  // in the first results they stood with each model
    m.ids.is_there = true;
    if (auto own = prompts(entry, "prompts").value) {
      ReportedIds ids;
      for (ReportedPrompt& prompt : *own) ids.emplace_back(std::move(prompt.ids));
      m.ids.value = std::make_shared<const ReportedIds>(std::move(ids));
    }
    size_t next = 0;
    for (const Json prompt : entry["prompts"].items()) {
      if (prompt.string("error")) m.failed_prompts.insert(next);
      ++next;
    }
  }

  ReportedEstimate read_estimate(Json entry, const std::string& estimator) {
    ReportedEstimate e{.score = {.estimator = estimator,
                                 .l_star = number(entry, "L_star_empirical"),
                                 .deviation = number(entry, "L_star_std"),
                                 .error_pct = number(entry, "error_pct"),
                                 .resolved = flag(entry, "resolved"),
                                 .reason = text(entry, "reason")}};
    if (const Json decides = object(entry, "decides"); !decides.is_null())
      e.score.decided_by = text(decides, "verdict");
    else
      e.score.decided_by.is_there = entry.has("decides");
    e.l_star_per_prompt = per_prompt<int64_t>(entry, "l_star_per_prompt", [](Json v) { return v.integer(); });
    e.resolved_per_prompt = per_prompt<bool>(entry, "resolved_per_prompt", [](Json v) { return v.boolean(); });
    e.margin_per_prompt = per_prompt<double>(entry, "margin_per_prompt", as_number);
    return e;
  }

  // A value of each prompt; null where it has none.
  template <class T, class As>
  Reported<std::vector<std::optional<T>>> per_prompt(Json entry, std::string_view key, As as) {
    constexpr const char* kPerPrompt = "a list with a value or null of each prompt";
    auto values = list<std::optional<T>>(entry, key, kPerPrompt, [&](Json v) -> std::optional<std::optional<T>> {
      const std::optional<T> value = as(v);
      if (!value && !v.is_null()) return std::nullopt;
      return std::optional<std::optional<T>>(std::in_place, value);
    });
    const auto& prompts = result_.prompts.value;
    if (values.value && prompts && values.value->size() != prompts->size()) wrong(key, kPerPrompt, entry[key]);
    return values;
  }

  // What models made of the prompts: ids stand once for all whose tokenizers agree. An entry costs what it says, and a
  // name its models, however many entries and names there are.
  void read_tokenizations(Json root) {
    const size_t count = result_.prompts.value ? result_.prompts.value->size() : 0;
    std::set<std::string> named;
    each(root, "tokenizations", [&](Json entry) {
      const Json all = entry["token_ids"];
      if (!all.is_array() || all.size() != count) return wrong("token_ids", "a list for each prompt", all);
      ReportedIds ids;
      ids.reserve(count);
      for (const Json of_prompt : all.items()) {
        std::optional<std::vector<int64_t>> own;
        if (!of_prompt.is_null()) {  // else it was given as ids
          own = whole_numbers_of(of_prompt);
          if (!own) return wrong("token_ids", "a list of whole numbers or null for each prompt", of_prompt);
        }
        ids.push_back(std::move(own));
      }
      const auto shared = std::make_shared<const ReportedIds>(std::move(ids));
      for (const std::string& name : texts(entry, "models").value.value_or(std::vector<std::string>())) {
        const auto places = places_.find(name);
        if (places == places_.end() || !named.insert(name).second) continue;  // the first that names it is taken
        for (const size_t place : places->second)
          if (ReportedModel& m = result_.models[place]; !m.ids.is_there) m.ids = {true, shared};
      }
    });
  }

  // Behind the others, and never the same as one of them.
  void read_failed(Json root) {
    for (const char* key : {"failed", "duplicates"})
      each(root, key, [&](Json entry) {
        ReportedModel failed{.name = name_of(entry)};
        failed.lab = text(entry, "lab");
        failed.error = text(entry, "error");
        failed.same_as = text(entry, "same_as");
        result_.models.push_back(std::move(failed));
      });
    of_ = {};
  }

  void read_traces(Json root) {
    std::map<std::string, size_t> seen;
    each(root, "traces", [&](Json entry) {
      const std::string name = name_of(entry);
      const size_t n = seen[name]++;
      const auto found = places_.find(name);
      if (found == places_.end() || found->second.size() <= n) return;  // of no model that the result is of
      ReportedModel& m = result_.models[found->second[n]];
      for (const char* key : {"w_v_frobenius_sq", "w_v_as_written_frobenius_sq", "w_o_frobenius_sq"})
        m.weight_norms[key] = numbers(entry, key);
      m.residual_norm = list<std::vector<double>>(entry, "residual_norm", "lists of numbers", numbers_of)
                            .value.value_or(std::vector<std::vector<double>>());
      m.residual_norm_mean = numbers(entry, "residual_norm_mean");
      for (const auto& [estimator, mean] : object(entry, "mean").fields())
        m.traces[std::string(estimator)].mean = {numbers(mean, "trace"), numbers(mean, "rounding_floor")};
      for (const auto& [estimator, rows] : object(entry, "by_estimator").fields()) {
        if (!rows.is_array()) return wrong(estimator, "a list", rows);
        for (const Json row : rows.items())
          m.traces[std::string(estimator)].prompts.push_back({numbers(row, "trace"), numbers(row, "rounding_floor")});
      }
    });
    of_ = {};
  }

  void put_headline_first() {
    std::vector<ReportedSummary>& all = result_.summaries;
    const auto& names = result_.estimators.value;
    if (!names || names->empty()) return;
    const auto headline =
        std::find_if(all.begin(), all.end(), [&](const auto& s) { return s.estimator == names->front(); });
    if (headline != all.end()) std::rotate(all.begin(), headline, headline + 1);
  }

  ResultFile result_;
  std::map<std::string, std::vector<size_t>> places_;  // of models that ran, by name
  std::set<std::string> estimators_;
  std::string of_;  // the model at hand
  std::optional<Error> fault_;
};

}  // namespace

Result<ResultFile> read_result(const std::string& path) {
  return catch_memory("reading a result", path, [&]() -> Result<ResultFile> {
    LSTAR_ASSIGN(const JsonDocument document, JsonDocument::read(path));
    return ResultReader(path).read(document.root());
  });
}

Result<ResultFile> parse_result(std::string_view text, const std::string& source) {
  return catch_memory("reading a result", source, [&]() -> Result<ResultFile> {
    LSTAR_ASSIGN(const JsonDocument document, JsonDocument::parse(text, source));
    return ResultReader(source).read(document.root());
  });
}

}  // namespace lstar
