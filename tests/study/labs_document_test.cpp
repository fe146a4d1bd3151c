// What README says of the labs' checkpoints is what the manifest says, and both what the published calibration table
// does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "lstar/base/atomic_file.h"
#include "lstar/base/json.h"
#include "lstar/study/study.h"
#include "tests/support/recorded.h"

namespace lstar {
namespace {

using ::testing::HasSubstr;

TEST(LabsDocument, SaysWhatTheCalibrationSaw) {
  const auto published = JsonDocument::read(testing::source_path("data/published.json"));
  ASSERT_TRUE(published) << published.error().message();
  std::map<std::string, std::set<std::string>> seen;  // models by lab
  for (const Json row : testing::items(*published->root().find("calibration"), "rows"))
    seen[*row.string("lab")].insert(*row.string("model"));
  EXPECT_EQ(seen.at("Google"), std::set<std::string>{"gemma-2b"});

  const std::string readme = *read_file(testing::source_path("README.md"));
  for (const char* file : {"manifests/labs.toml", "manifests/labs-all.toml"}) {
    const auto study = read_manifest(testing::source_path(file));
    ASSERT_TRUE(study) << study.error().message();
    EXPECT_EQ(study->in_sample.size(), seen.size());
    for (const std::string& lab : study->in_sample) EXPECT_TRUE(seen.contains(lab)) << lab;
    for (const ModelEntry& model : study->models) {
      const auto found = seen.find(model.lab);
      const std::string said = found == seen.end() ? "saw no model of this lab" : "saw " + *found->second.begin();
      EXPECT_THAT(model.note, HasSubstr(said)) << model.name;
      for (const std::string packing : {"Q4_1", "Q4_K_M"}) {
        if (model.note.find(packing) == std::string::npos) continue;
        EXPECT_THAT(readme, HasSubstr("(" + packing + ")")) << model.name;
      }
    }
  }
  EXPECT_THAT(readme, HasSubstr("gemma-2b, of this lab"));
  EXPECT_THAT(readme, HasSubstr("every second layer of Microsoft's MiniLM-L12-H384-uncased"));
}

}  // namespace
}  // namespace lstar
