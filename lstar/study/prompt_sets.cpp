#include "lstar/study/prompt_sets.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include <fmt/format.h>

#include "lstar/base/catch_memory.h"
#include "lstar/study/prompts.h"

namespace lstar {
namespace {

// Their numbers are held to the files by a test: that they are known without reading keeps --help quick.
constexpr std::array<PromptSet, 8> kSets{{
    {"notebook", "the notebook's five sentences", 5},
    {"short", "statements and questions of about five words", 105},
    {"sentence", "sentences of about thirteen words", 130},
    {"paragraph", "paragraphs of about fifty words, from books and written anew", 100},
    {"passage", "texts of 300 to 700 words, to be cut to length", 25},
    {"languages", "twenty sentences in English, German, French, Spanish and Chinese each", 100},
    {"code", "pieces of programs in twenty-one languages", 60},
    {"mixed", "all of these but passage", 500},
}};
constexpr std::array<std::string_view, 6> kMixed{"notebook", "short", "sentence", "paragraph", "languages", "code"};

Result<std::vector<Prompt>> read_set(std::string_view name) {
  std::vector<Prompt> prompts;
  if (name == "mixed") {
    for (std::string_view part : kMixed) {
      LSTAR_ASSIGN(std::vector<Prompt> more, read_set(part));
      prompts.insert(prompts.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    }
    return prompts;
  }
  const PromptSetContent* const end = kPromptSetContents + kPromptSetContentCount;
  const PromptSetContent* const found =
      std::find_if(kPromptSetContents, end, [&](const PromptSetContent& set) { return set.name == name; });
  if (found == end) {
    std::string known;
    for (const PromptSet& set : kSets) known += fmt::format("{}{}", known.empty() ? "one of " : ", ", set.name);
    return fail({.kind = ErrorKind::argument,
                 .what = "unknown prompt set",
                 .expected = std::move(known),
                 .found = std::string(name)});
  }
  LSTAR_ASSIGN(PromptFile file, parse_prompts(found->lines, fmt::format("{}.jsonl", name)));
  return std::move(file.prompts);
}

}  // namespace

std::span<const PromptSet> prompt_sets() { return kSets; }

Result<std::vector<Prompt>> prompt_set(std::string_view name) {
  return catch_memory("reading the prompt set", name, [&] { return read_set(name); });
}

Result<PromptsOfSets> prompts_of_sets(std::span<const std::string> names) {
  return catch_memory("reading the prompt sets", "", [&]() -> Result<PromptsOfSets> {
    PromptsOfSets out;
    std::set<std::string> sets, ids;
    std::string listed;
    for (const std::string& name : names) {
      if (!sets.insert(name).second) continue;
      LSTAR_ASSIGN(std::vector<Prompt> prompts, read_set(name));
      for (Prompt& prompt : prompts)
        if (ids.insert(prompt.id->text).second) out.prompts.push_back(std::move(prompt));
      listed += (listed.empty() ? "" : ", ") + name;
    }
    if (out.prompts.empty()) return fail({.kind = ErrorKind::argument, .what = "no prompt set"});
    out.read = {.file = (sets.size() == 1 ? "prompt set " : "prompt sets ") + listed,
                .format = "built in",
                .count = out.prompts.size()};
    return out;
  });
}

}  // namespace lstar
