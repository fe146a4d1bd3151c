// docs/results.md names every key and column that is written, and every one that it names is written somewhere: what is
// written is walked, not a list of what we think is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "lstar/analysis/detectors.h"
#include "lstar/analysis/estimators.h"
#include "lstar/analysis/formulas.h"
#include "lstar/base/json.h"
#include "tests/cli/support.h"
#include "tests/support/recorded.h"

namespace lstar {
namespace {

using testing::lstar_program;

// What a section of the document names, without the brackets at its end; whether it says that it may be absent.
std::map<std::string, bool> documented(const std::string& heading) {
  std::istringstream document(read_file(testing::source_path("docs/results.md")).value_or(""));
  std::map<std::string, bool> names;
  bool inside = false;
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with("#")) inside = line == "## " + heading;
    if (!inside || !line.starts_with("| `")) continue;
    const std::string cell = line.substr(0, line.find(" |", 2));
    const bool optional = line.find("*optional*") != std::string::npos;
    for (size_t at = cell.find('`'); at != std::string::npos; at = cell.find('`', at + 1)) {
      const size_t end = cell.find('`', at + 1);
      std::string name = cell.substr(at + 1, end - at - 1);
      while (name.ends_with("[]")) name.resize(name.size() - 2);
      names.emplace(name, optional);
      at = end;
    }
  }
  EXPECT_FALSE(names.empty()) << heading;
  return names;
}

// A key as the document has it: names that are data have one name in capitals.
std::string key_of(const std::string& parent, std::string_view key, const std::string& command) {
  const auto below = [&](std::string_view name) { return parent == name || parent.ends_with("." + std::string(name)); };
  if (parent.empty() && command == "detect") return "NAME";
  if ((below("by_estimator") || below("mean") || below("trace") || below("rounding_floor") ||
       (below("l_star") && command == "trace")) &&
      find_estimator(key))
    return "ESTIMATOR";
  if ((below("l_star") || parent.ends_with("l_star.ESTIMATOR") || parent == "NAME") && find_detector(key))
    return "DETECTOR";
  if (below("by_formula")) return "FORMULA";
  if (below("simpler") || below("leave_out") || below("gain_bound")) return "KEY";
  if (below("series") && key != "greatest_gain") return "KEY";
  if (below("baselines") || below("predictions")) return find_formula(key) ? "FORMULA" : "KEY";
  return below("reasons") ? "KEY" : std::string(key);
}

struct Walk {
  std::string command;
  std::set<std::string> leaves, empty;  // values, and lists, objects and nulls that have none within

  void through(Json value, const std::string& path) {
    if (value.is_object() && value.size() > 0) {
      for (const auto& [key, inner] : value.fields())
        through(inner, path + (path.empty() ? "" : ".") + key_of(path, key, command));
    } else if (value.is_array() && value.size() > 0) {
      for (Json item : value.items()) through(item, path + "[]");
    } else {
      std::string name = path;
      while (name.ends_with("[]")) name.resize(name.size() - 2);
      const std::string headline = "by_estimator.ESTIMATOR.";
      if (command == "run" && name.starts_with(headline)) name = name.substr(headline.size());
      (value.is_null() || value.is_array() || value.is_object() ? empty : leaves).insert(name);
    }
  }
};

bool begins_with(const std::string& whole, const std::string& part) {
  return whole == part || whole.starts_with(part + ".") || whole.starts_with(part + "[");
}

// A detection within a trace, and the sides of a difference: their row names what lies below.
bool names_what_is_below(const std::string& name) {
  return name.ends_with("l_star.DETECTOR") || name.ends_with("[].a") || name.ends_with("[].b");
}

void expect_documented(const std::string& heading, const std::string& command,
                       const std::vector<std::string>& outputs) {
  const auto names = documented(heading);
  Walk walk{.command = command};
  for (const std::string& output : outputs) {
    const auto document = JsonDocument::parse(output, command);
    ASSERT_TRUE(document) << document.error().message();
    walk.through(document->root(), "");
  }
  for (const std::string& leaf : walk.leaves)
    EXPECT_TRUE(std::any_of(names.begin(), names.end(),
                            [&](const auto& name) {
                              return leaf == name.first ||
                                     (names_what_is_below(name.first) && begins_with(leaf, name.first));
                            }))
        << heading << ": " << leaf << " is written and not in docs/results.md";
  for (const std::string& path : walk.empty)
    EXPECT_TRUE(std::any_of(names.begin(), names.end(),
                            [&](const auto& name) {
                              return begins_with(name.first, path) ||
                                     (names_what_is_below(name.first) && begins_with(path, name.first));
                            }))
        << heading << ": " << path << " is written and not in docs/results.md";
  for (const auto& [name, optional] : names) {
    const auto is_written = [&](const std::string& path) { return begins_with(path, name); };
    EXPECT_TRUE(optional || name == "by_estimator.ESTIMATOR" ||
                std::any_of(walk.leaves.begin(), walk.leaves.end(), is_written) ||
                std::any_of(walk.empty.begin(), walk.empty.end(), is_written))
        << heading << ": " << name << " is in docs/results.md and not written";
  }
}

// Columns of a table's header against a section's.
void expect_columns(const std::string& heading, const std::string& csv) {
  std::set<std::string> written, named, optional;
  std::istringstream header(csv.substr(0, csv.find('\n')));
  for (std::string column; std::getline(header, column, ',');) written.insert(column);
  for (const auto& [name, is_optional] : documented(heading)) {
    if (!name.starts_with("ESTIMATOR")) {
      (is_optional ? optional : named).insert(name);
      continue;
    }
    for (const Estimator& estimator : estimators())
      if (estimator.kind != EstimatorKind::factor)
        (estimator.wants.has(Want::overlap) ? optional : named)
            .insert(std::string(estimator.name) + name.substr(std::string("ESTIMATOR").size()));
  }
  for (const std::string& name : optional)
    if (written.contains(name)) named.insert(name);
  EXPECT_EQ(written, named) << heading;
}

const std::string kModel = "zoo/gpt2-12x12";

TEST(ResultsDocument, NamesWhatIsWritten) {
  const testing::TemporaryFolder folder;
  // A model that is missing, one twice, a prompt that fails, ids instead of a text; then prompts too many to be shown.
  const std::string few = " --prompt 'The quick brown fox' --token-ids '5 17 3' --token-ids 999999";
  std::string many;
  for (int i = 0; i < 9; ++i) many += " --token-ids '1 2 " + std::to_string(i) + "'";
  const std::string out = folder / "out", asked = " --deterministic-timestamp t --figures none --out ";
  const auto ran = lstar_program("run zoo/gpt2-12x12 $PWD/zoo/gpt2-12x12 zoo/neox-24x16 nowhere --per-head --json" +
                                 few + asked + out);
  ASSERT_EQ(ran.status, 1) << ran.err;
  const std::string of_many =
      lstar_program("run --json --spectral --shadow=float64 --mca 2 --controls untrained=2 --lengths 3 " + kModel +
                    many)
          .out;
  expect_documented("lstar run --json", "run", {ran.out, of_many});

  const auto file = [&](const char* stem) { return read_file(out + "/" + stem + "_t.csv").value_or(""); };
  expect_columns("l_star_cross_heritage_T.csv", file("l_star_cross_heritage"));
  expect_columns("l_star_prompts_T.csv", file("l_star_prompts"));
  expect_columns("l_star_traces_T.csv and lstar trace --csv", file("l_star_traces"));
  expect_columns("l_star_heads_T.csv and lstar trace --csv --per-head", file("l_star_heads"));
  expect_columns("l_star_traces_T.csv and lstar trace --csv", lstar_program("trace --csv " + kModel + few).out);
  const std::string with_energy = lstar_program("trace --csv --edge-energy " + kModel + few).out;
  EXPECT_NE(with_energy.find(",edge_energy,edge_energy_rounding_floor,"), std::string::npos);
  expect_columns("l_star_traces_T.csv and lstar trace --csv", with_energy);
  expect_columns("l_star_heads_T.csv and lstar trace --csv --per-head",
                 lstar_program("trace --csv --per-head " + kModel + few).out);

  const std::string of_ran = out + "/l_star_cross_heritage_t.json ", notebook = folder / "notebook.json";
  ASSERT_TRUE(write_file(notebook, R"({"backend": "another",
    "results": [{"model": "zoo/gpt2-12x12", "lab": "another", "L": 11, "L_star_empirical": 1}]})"));
  ASSERT_TRUE(write_file(folder / "many.json", of_many));
  const std::string others = lstar_program("report --json --detector central_difference " + of_ran).out;
  ASSERT_TRUE(write_file(folder / "others.json", others));
  const auto diff = [&](const std::string& b) { return lstar_program("diff --json " + of_ran + b).out; };
  expect_documented("lstar diff --json", "diff",
                    {diff(folder / "many.json"), diff(folder / "others.json"), diff(notebook)});

  const std::string store = out + "/measurements.sqlite ";
  const std::string listed = lstar_program("store list --json " + store).out;
  expect_documented("lstar store list --json", "store", {listed});
  const auto list = JsonDocument::parse(listed, "list");
  ASSERT_TRUE(list) << listed;
  const auto show = [&](const std::string& name) { return lstar_program("store show --json " + store + name).out; };
  expect_documented("lstar store show --json", "store",
                    {show(testing::items(list->root(), "models").at(0).string("content").value_or("")),
                     show(testing::items(list->root(), "runs").at(0).string("run").value_or(""))});
  expect_columns("lstar store export", lstar_program("store export " + store).out);
  expect_columns("lstar store export", lstar_program("store export --per-head " + store).out);
  expect_documented("lstar store prune --json", "store", {lstar_program("store prune --unused --json " + store).out});
  expect_documented("lstar store merge --json", "store",
                    {lstar_program("store merge --json " + (folder / "other ") + store).out});

  const std::string trace = lstar_program("trace --json --next-token 2 --spectrum 2 " + kModel + few).out;
  expect_documented("lstar trace --json", "trace",
                    {trace, lstar_program("trace --json --spectrum 1 " + kModel + many).out});
  expect_documented("lstar detect --json", "detect", {lstar_program("detect --json -", "[1, 2, 5, NaN]").out});
  expect_documented(
      "lstar predict --json", "predict",
      {lstar_program("predict -L 12 -H 12 --json").out, lstar_program("predict -L 12 -H 12 -G 2 --json").out,
       lstar_program("predict --json --gain measured " + kModel + " --token-ids '5 17 3' --token-ids '5 3'").out});
  // Shapes of which some are fitted and some are not.
  const std::string shapes = folder / "shapes.json";
  ASSERT_TRUE(write_file(shapes, R"({"detector": "argmax_step", "results": [
    {"model": "a", "lab": "A", "L": 12, "H": 12, "L_star_empirical": 6}, {"model": "b", "L": 24, "H": 16, "L_star_empirical": 14},
    {"model": "c", "L": 16, "H": 8, "L_star_empirical": 13}, {"model": "d", "L": 32, "H": 32, "L_star_empirical": 20},
    {"model": "e", "L": 18, "H": 8, "L_star_empirical": 15}, {"model": "f", "L": 6, "H": 4, "L_star_empirical": 5},
    {"model": "g", "L": 12, "H": 12, "reason": "none"}]})"));
  expect_documented("lstar fit --json", "fit",
                    {lstar_program("fit --json " + shapes).out, lstar_program("fit --json " + of_ran).out});
  expect_documented("lstar audit --json", "audit",
                    {lstar_program("audit --json").out, lstar_program("audit --json " + of_ran).out});
  expect_documented("lstar inspect --json", "inspect", {lstar_program("inspect --json " + kModel).out});
  expect_documented("lstar tokenize --json", "tokenize", {lstar_program("tokenize --json " + kModel + " hello").out});
}

// What the document promises of many prompts, on the way from the command line to the files and back.
TEST(ResultsDocument, ManyPrompts) {
  const testing::TemporaryFolder folder;
  std::string prompts;
  for (int i = 0; i < 20; ++i)
    prompts += "{\"text\": \"Once upon a time " + std::to_string(i) + "\", \"id\": \"=q\"}\n";
  ASSERT_TRUE(write_file(folder / "p.jsonl", prompts));
  const std::string asked = kModel + " --prompts " + (folder / "p.jsonl");
  const std::string out = folder / "out", kept = " --figures none --deterministic-timestamp t --out " + out;
  const auto run = lstar_program("run " + asked + kept);
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_LE(std::count(run.out.begin(), run.out.end(), '\n'), 40) << run.out;
  EXPECT_THAT(run.out, ::testing::HasSubstr("l_star_cross_heritage_t.{json,csv}, l_star_prompts_t.csv"));
  const std::string verbose = lstar_program("run --verbose " + asked).out;
  EXPECT_THAT(verbose, ::testing::HasSubstr("Prompt 20 (=q): L* = "));
  EXPECT_THAT(verbose, ::testing::HasSubstr("prompts by layer: 20 of 20 resolved"));
  const auto traced = lstar_program("trace " + asked);
  EXPECT_LE(std::count(traced.out.begin(), traced.out.end(), '\n'), 40) << traced.out;
  EXPECT_THAT(lstar_program("trace --verbose " + asked).out, ::testing::HasSubstr("\nPrompt 20 (=q): "));

  // L* is found again in the traces, with their floors, by who never saw the model.
  const auto found = JsonDocument::parse(lstar_program("detect --json " + out + "/l_star_traces_t.csv").out, "found");
  ASSERT_TRUE(found) << found.error().message();
  const auto study = JsonDocument::read(out + "/l_star_cross_heritage_t.json");
  ASSERT_TRUE(study);
  size_t number = 0;
  for (Json layer : testing::items(*study->root()["results"].at(0), "l_star_per_prompt")) {
    const std::string name = "prompt " + std::to_string(++number) + ": off_diagonal";
    EXPECT_EQ(found->root()[name]["argmax_step"]["layer"].minified(), layer.minified()) << name;
  }
  EXPECT_EQ(number, 20u);
  const auto mean =
      JsonDocument::parse(lstar_program("detect --json " + out + "/l_star_cross_heritage_t.json").out, "");
  ASSERT_TRUE(mean);
  EXPECT_TRUE(mean->root()[kModel + ": mean of 20 prompts: ov_circuit"]["argmax_step"].integer("layer"));
  for (const char* table : {"l_star_prompts_t.csv", "l_star_cross_heritage_t.csv"})
    EXPECT_THAT(lstar_program("detect " + out + "/" + table).err,
                ::testing::HasSubstr("a table of a study, which holds no traces; its l_star_traces CSV does"));
}

TEST(ResultsDocument, PerHeadNeedsAPlace) {
  EXPECT_EQ(lstar_program("run --per-head --token-ids '1 2' " + kModel).status, 2);
  EXPECT_EQ(lstar_program("trace --per-head --token-ids '1 2' " + kModel).status, 2);
}

}  // namespace
}  // namespace lstar
