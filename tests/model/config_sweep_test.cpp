// Every key of a configuration left out, null, doubled, halved or flipped, for every family, once as its lab published
// it and once as transformers 5 saves it: the numbers of `transformers` in float64
// (tools/oracle/record_config_sweep.py), or a refusal that names the key.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include <fmt/format.h>

#include "tests/support/recorded_model.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using testing::items;
using testing::numbers;
using testing::source_path;

std::string quoted(std::string_view key) { return fmt::format("\"{}\"", key); }

// The text of `object` with what stands at `path` replaced by `value`, which is left out where it is empty.
std::string edited(Json object, std::span<const std::string> path, const std::string& value) {
  std::string text;
  const auto add = [&](std::string_view key, const std::string& item) {
    if (!item.empty()) text += (text.empty() ? "" : ",") + quoted(key) + ":" + item;
  };
  bool found = false;
  for (const auto& field : object.get_object()) {
    const bool is_here = field.key == path[0];
    found = found || is_here;
    const std::string inner = is_here && path.size() > 1 ? edited(field.value, path.subspan(1), value) : value;
    add(field.key, is_here ? inner : std::string(simdjson::minify(field.value)));
  }
  if (!found) add(path[0], value);
  return "{" + text + "}";
}

struct Outcome {
  std::vector<double> numbers;  // the diagonal mass by layer, the last residual norm, the best logit
  std::string refusal;          // or why there are none
};

// One checkpoint whose config.json is replaced again and again.
class Sweep {
 public:
  explicit Sweep(Json recorded) : backend_(make_cpu_backend<double>(Dtype::float64, 1)) {
    const std::filesystem::path source = source_path("tests/data/checkpoints/" + *json_string(recorded, "checkpoint"));
    for (const auto& entry : std::filesystem::directory_iterator(source))
      if (entry.path().filename() != "config.json")
        std::filesystem::create_symlink(entry.path(), folder_ / entry.path().filename().string());
    for (double id : lstar::testing::numbers(recorded, "token_ids")) batch_.ids.push_back(static_cast<int32_t>(id));
    batch_.start.push_back(static_cast<int64_t>(batch_.ids.size()));
  }

  Outcome run(const std::string& config) {
    std::ofstream(folder_ / "config.json") << config;
    const auto model = open_model(folder_.path());
    if (!model) return {{}, model.error().message()};
    Observation seen;
    Wants wants = Want::diagonal | Want::residual_norm;
    const bool predicts = model->architecture.predicts_next;
    if (const auto fits = check_prompt(model->architecture, batch_.ids); !fits) return {{}, fits.error().message()};
    if (predicts) wants = wants | Want::next_token;
    const auto ran = forward(*model, batch_, {.wants = wants, .next_tokens = 1}, *backend_, seen);
    if (!ran) return {{}, ran.error().message()};
    Outcome outcome;
    for (size_t layer = 0; layer < seen.diagonal.dim1(); ++layer) {
      double sum = 0;
      for (double head : seen.diagonal(0, layer)) sum += head;
      outcome.numbers.push_back(sum / static_cast<double>(seen.diagonal(0, layer).size()));
    }
    outcome.numbers.push_back(seen.residual_norm[0].back());
    if (predicts) outcome.numbers.push_back(seen.next_tokens[0][0].logit);
    return outcome;
  }

 private:
  testing::TemporaryFolder folder_;
  Batch batch_;
  std::unique_ptr<Backend<double>> backend_;
};

bool agree(const std::vector<double>& ours, const std::vector<double>& recorded) {
  if (ours.size() != recorded.size()) return false;
  for (size_t i = 0; i < ours.size(); ++i)
    if (!(std::fabs(ours[i] - recorded[i]) <= testing::kFloat64 * std::fabs(recorded[i]))) return false;
  return true;
}

std::vector<std::string> records() {
  std::vector<std::string> lines;
  std::ifstream file(source_path("tests/data/config_sweep.jsonl"));
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

TEST(ConfigSweep, MatchesTransformersOrNamesTheKey) {
  int equal = 0, refused = 0;
  std::map<std::string, std::set<std::string>> only_refused_here, only_read_here;
  for (const std::string& line : records()) {
    const auto record = JsonDocument::parse(line, "config_sweep.jsonl");
    ASSERT_TRUE(record) << record.error().message();
    const Json root = record->root();
    const std::string name = *json_string(root, "checkpoint");
    const auto base = numbers(root, "numbers");
    const auto published = JsonDocument::read(source_path("tests/data/checkpoints/" + name + "/config.json"));
    ASSERT_TRUE(published);
    Sweep sweep(root);
    for (const std::string spelling : {"published", "saved"}) {
      const Json config = spelling == "saved" ? *json_find(root, "saved_config") : published->root();
      const Outcome whole = sweep.run(std::string(simdjson::minify(config)));
      EXPECT_TRUE(agree(whole.numbers, base)) << name << " " << spelling << " " << whole.refusal;
      for (const Json item : items(*json_find(root, "cases"), spelling)) {
        const simdjson::dom::array found = item.get_array();
        std::vector<std::string> path;
        for (const Json key : found.at(0).get_array()) path.emplace_back(std::string_view(key.get_string()));
        const std::string value = found.size() > 2 ? std::string(simdjson::minify(found.at(2).value())) : "";
        std::vector<double> recorded;
        const bool is_same = found.at(1).is_string() && std::string_view(found.at(1).get_string()) == "same";
        const bool is_refused = found.at(1).is_string() && !is_same;
        if (is_same) recorded = base;
        if (!found.at(1).is_string()) testing::flatten(found.at(1).value(), recorded);
        const Outcome ours = sweep.run(edited(config, path, value));
        const bool is_named = ours.refusal.find(path.back()) != std::string::npos;
        std::string at = path[0];
        for (size_t i = 1; i < path.size(); ++i) at += "." + path[i];
        std::ostringstream told;
        told << name << " " << spelling << " " << at << " -> " << (value.empty() ? "left out" : value) << ": recorded "
             << simdjson::minify(found.at(1).value()) << ", ours " << ours.refusal;
        for (double number : ours.numbers) told << " " << number;
        if (is_refused && ours.numbers.empty())
          ++refused;
        else if (is_refused && agree(ours.numbers, base))
          only_read_here[at + (value == "null" ? " null" : value.empty() ? " left out" : " changed")].insert(name);
        else if (is_refused)
          ADD_FAILURE() << "READ " << told.str();
        else if (ours.numbers.empty() && is_named)
          only_refused_here[at + (value == "null" ? " null" : value.empty() ? " left out" : " changed")].insert(name);
        else if (agree(ours.numbers, recorded))
          ++equal;
        else
          ADD_FAILURE() << (ours.numbers.empty() ? "UNNAMED " : "WRONG ") << told.str();
      }
    }
  }
  std::cout << equal << " equal, " << refused << " refused by both\n";
  for (const auto& [what, lists] :
       {std::pair{"refused here only", &only_refused_here}, {"read here only", &only_read_here}})
    for (const auto& [at, names] : *lists) {
      std::cout << what << ": " << at << ":";
      for (const std::string& name : names) std::cout << " " << name;
      std::cout << "\n";
    }
}

}  // namespace
}  // namespace lstar
