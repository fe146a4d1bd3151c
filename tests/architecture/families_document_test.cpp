// docs/families.md is made from the registry (`make families`): every family has its line.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "lstar/architecture/family.h"
#include "tests/support/recorded.h"

namespace lstar {
namespace {

TEST(FamiliesDocument, ListsTheRegistry) {
  std::ifstream file(testing::source_path("docs/families.md"));
  std::stringstream text;
  text << file.rdbuf();
  int lines = 0;
  for (std::string line; std::getline(text, line);)
    lines += line.starts_with("| `") && !line.starts_with("| `model_type`");
  EXPECT_EQ(lines, static_cast<int>(families().size())) << "run `make families`";
  for (const Family& family : families()) {
    const std::string start = fmt::format("| `{}` | {} | {} | ", family.model_type,
                                          family.gguf.empty() ? "–" : fmt::format("`{}`", family.gguf), family.models);
    EXPECT_NE(text.str().find(start), std::string::npos) << start << ": run `make families`";
  }
}

}  // namespace
}  // namespace lstar
