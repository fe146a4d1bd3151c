// Manifests in TOML. Every key is known or refused by name, so that a misspelt option never passes unnoticed.
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include <fmt/core.h>
#include <toml++/toml.h>

#include "lstar/base/atomic_file.h"
#include "lstar/base/cache_folder.h"
#include "lstar/base/catch_memory.h"
#include "lstar/base/expand.h"
#include "lstar/base/text_file.h"
#include "lstar/study/prompts.h"
#include "lstar/study/study.h"
#include "lstar/study/toml_limits.h"

namespace lstar {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLargestManifest = size_t{16} << 20;

std::string position(const toml::node& node) { return fmt::format("line {}", node.source().begin.line); }

class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  Result<Study> read(const toml::table& table) {
    Study study;
    const bool known =
        only(table, {"formula", "dtype", "estimators", "detector", "head_layout", "in_sample", "prompts", "prompt_set",
                     "seed", "note", "shadow", "mca", "untrained", "lengths", "spectral", "model"});
    if (known) {
      text(table, "formula", study.formula);
      text(table, "note", study.note);
      texts(table, "estimators", study.estimators);
      text(table, "detector", study.detector);
      texts(table, "in_sample", study.in_sample);
      choice(table, "dtype", study.dtype, parse_dtype, "float32, float16, bfloat16, float64");
      choice(table, "head_layout", study.head_layout, parse_head_layout, "true, thirds");
      int64_t seed = 0;
      integer(table, "seed", seed, 0, INT64_MAX);
      study.seed = static_cast<uint64_t>(seed);
      controls(table, study.controls);
      flag(table, "spectral", study.spectral);
      prompts(table, study);
      prompt_set(table, study);
      models(table, study.models);
    }
    if (fault_) return fail(*fault_);
    return study;
  }

 private:
  void record(std::string at, std::string what, std::string expected = "", std::string found = "") {
    if (!fault_)
      fault_ = Error{ErrorKind::argument, std::move(what), file_, std::move(at), std::move(expected), std::move(found)};
  }

  bool only(const toml::table& table, std::initializer_list<std::string_view> keys) {
    for (const auto& [key, value] : table)
      if (std::find(keys.begin(), keys.end(), key.str()) == keys.end()) {
        std::string expected;
        for (std::string_view k : keys) expected += (expected.empty() ? "one of " : ", ") + std::string(k);
        record(position(value), "unknown key", expected, std::string(key.str()));
        return false;
      }
    return true;
  }

  void text(const toml::table& table, std::string_view key, std::string& out) {
    const toml::node* node = table.get(key);
    if (!node) return;
    if (const auto value = node->value_exact<std::string>())
      out = *value;
    else
      record(position(*node), fmt::format("{} is not a text", key));
  }

  void texts(const toml::table& table, std::string_view key, std::vector<std::string>& out) {
    const toml::node* node = table.get(key);
    if (!node) return;
    const toml::array* array = node->as_array();
    if (!array) return record(position(*node), fmt::format("{} is not an array of texts", key));
    out.clear();
    for (const toml::node& item : *array) {
      const auto value = item.value_exact<std::string>();
      if (!value) return record(position(item), fmt::format("{} holds something other than a text", key));
      out.push_back(*value);
    }
  }

  template <class T, class Parse>
  void choice(const toml::table& table, std::string_view key, T& out, Parse parse, std::string_view expected) {
    std::string word;
    text(table, key, word);
    if (word.empty()) return;
    if (const auto value = parse(word))
      out = *value;
    else
      record(position(*table.get(key)), fmt::format("unknown {}", key), fmt::format("one of {}", expected), word);
  }

  bool integer(const toml::table& table, std::string_view key, int64_t& out, int64_t low, int64_t high) {
    const toml::node* node = table.get(key);
    if (!node) return false;
    const auto value = node->value_exact<int64_t>();
    if (value && *value >= low && *value <= high) {
      out = *value;
      return true;
    }
    record(position(*node), fmt::format("{} is not an integer of at least {}", key, low));
    return false;
  }

  void flag(const toml::table& table, std::string_view key, bool& out) {
    const toml::node* node = table.get(key);
    if (!node) return;
    if (const auto value = node->value_exact<bool>())
      out = *value;
    else
      record(position(*node), fmt::format("{} is neither true nor false", key));
  }

  // Of a 16-bit run the command line adds the shadow that is not named here.
  void controls(const toml::table& table, ControlWishes& wishes) {
    if (table.contains("shadow")) {
      Dtype shadow = Dtype::float32;
      choice(table, "shadow", shadow, parse_dtype, "float32, float64");
      if (shadow != Dtype::float32 && shadow != Dtype::float64)
        return record(position(*table.get("shadow")), "unknown shadow", "one of float32, float64",
                      std::string(name(shadow)));
      wishes.shadow = shadow;
    }
    if (int64_t seeds = 0; integer(table, "mca", seeds, 0, kMostSeeds)) wishes.mca = static_cast<int>(seeds);
    if (int64_t seeds = 0; integer(table, "untrained", seeds, 0, kMostSeeds))
      wishes.untrained = static_cast<int>(seeds);
    const toml::node* node = table.get("lengths");
    if (!node) return;
    const toml::array* array = node->as_array();
    if (!array || array->size() > kMostLengths)
      return record(position(*node), fmt::format("lengths is not an array of at most {} integers", kMostLengths));
    for (const toml::node& item : *array) {
      const auto tokens = item.value_exact<int64_t>();
      if (!tokens || *tokens < 2 || *tokens > kLongestCut)
        return record(position(item), fmt::format("a length is not an integer from 2 to {}", kLongestCut));
      wishes.lengths.push_back(static_cast<int>(*tokens));
    }
    std::sort(wishes.lengths.begin(), wishes.lengths.end());
  }

  // Texts, lists of token ids or tables in the manifest itself, or the name of a file that holds prompts.
  void prompts(const toml::table& table, Study& study) {
    const toml::node* node = table.get("prompts");
    if (!node) return;
    if (const auto file = node->value_exact<std::string>()) {
      const std::string path = located(expanded(*file));
      struct stat status;
      if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))  // a pipe would wait for ever
        return record(position(*node), "prompts is not a regular file", "", path);
      auto read = read_prompt_file(path);
      if (!read) {
        if (!fault_) fault_ = std::move(read).error();
        return;
      }
      study.prompts_read = {.file = path, .format = read->format, .count = read->prompts.size()};
      study.prompts = std::move(read->prompts);
      return;
    }
    const toml::array* array = node->as_array();
    if (!array) return record(position(*node), "prompts is neither a list of prompts nor a file's name");
    for (const toml::node& item : *array) {
      Prompt prompt;
      if (const auto text = item.value_exact<std::string>())
        prompt.text = *text;
      else if (item.is_array())
        ids(item, prompt.ids);
      else if (item.is_table())
        prompt_table(*item.as_table(), position(item), prompt);
      else
        record(position(item), "prompts holds something other than a text");
      if (fault_) return;
      study.prompts.push_back(std::move(prompt));
    }
    study.prompts_read = {.file = "", .format = "", .count = study.prompts.size()};
  }

  // The name of a built-in set, or a list of such names.
  void prompt_set(const toml::table& table, Study& study) {
    const toml::node* node = table.get("prompt_set");
    if (!node) return;
    if (table.contains("prompts")) return record(position(*node), "a study has either prompts or prompt_set");
    std::vector<std::string> names(1);
    if (node->is_array())
      texts(table, "prompt_set", names);
    else
      text(table, "prompt_set", names[0]);
    if (fault_) return;
    auto sets = prompts_of_sets(names);
    if (!sets) {
      fault_ = std::move(sets).error();
      fault_->file = file_;
      fault_->at = position(*node);
      return;
    }
    study.prompts = std::move(sets->prompts);
    study.prompts_read = std::move(sets->read);
  }

  void prompt_table(const toml::table& table, const std::string& at, Prompt& prompt) {
    if (!only(table, {"text", "token_ids", "id"})) return;
    if (table.contains("text") == table.contains("token_ids"))
      return record(at, "a prompt has either text or token_ids");
    if (table.contains("text")) text(table, "text", prompt.text.emplace());
    if (table.contains("token_ids")) ids(*table.get("token_ids"), prompt.ids);
    const toml::node* id = table.get("id");
    if (!id) return;
    if (const auto word = id->value_exact<std::string>())
      prompt.id = PromptId{*word};
    else if (const auto number = id->value_exact<int64_t>())
      prompt.id = PromptId{std::to_string(*number), true};
    else
      record(position(*id), "id is neither a text nor an integer");
  }

  void ids(const toml::node& node, std::vector<int32_t>& out) {
    const toml::array* array = node.as_array();
    if (!array || array->empty()) return record(position(node), "not a list of token ids");
    for (const toml::node& item : *array) {
      const auto number = item.value_exact<int64_t>();
      if (!number || *number < 0 || *number > INT32_MAX) return record(position(item), "not a token id");
      out.push_back(static_cast<int32_t>(*number));
    }
  }

  void models(const toml::table& table, std::vector<ModelEntry>& out) {
    const toml::node* node = table.get("model");
    if (!node) return record("", "no models", "at least one [[model]]");
    const toml::array* array = node->as_array();
    if (!array) return record(position(*node), "model is not an array of tables", "[[model]]");
    for (const toml::node& item : *array) {
      const toml::table* entry = item.as_table();
      if (!entry) return record(position(item), "model is not a table", "[[model]]");
      if (!only(*entry, {"path", "name", "lab", "layers", "heads", "expected", "note"})) return;
      ModelEntry model;
      std::string path;
      text(*entry, "path", path);
      if (path.empty()) return record(position(item), "model without a path");
      model.name = path;
      text(*entry, "name", model.name);
      text(*entry, "lab", model.lab);
      text(*entry, "expected", model.expected);
      text(*entry, "note", model.note);
      if (!model.expected.empty() && model.expected != "DAMPEN" && model.expected != "EXPAND")
        return record(position(item), "unknown expected class", "DAMPEN or EXPAND", model.expected);
      int64_t number = 0;
      if (integer(*entry, "layers", number, 1, 100000)) model.layers = static_cast<int>(number);
      if (integer(*entry, "heads", number, 1, 100000)) model.heads = static_cast<int>(number);
      model.from_manifest = true;
      model.path = located(expanded(path));
      if (expanded(path) != path) model.written_path = path;
      out.push_back(std::move(model));
    }
  }

  // ${HOME} and ${LSTAR_...} are the environment's, and no other name: a manifest from somewhere else could put a
  // secret into a path that is shown. ${LSTAR_LABS} has the place where `make labs` puts checkpoints as its default.
  static std::string expanded(const std::string& path) {
    return expanded_names(path, NameForm::braced, [](const std::string& name) -> std::optional<std::string> {
      const bool may_be_asked = name == "HOME" || name.starts_with("LSTAR_");
      if (const char* value = may_be_asked ? std::getenv(name.c_str()) : nullptr) return value;
      if (name == "LSTAR_LABS") return cache_folder() + "/labs";
      return std::nullopt;  // no such place: the model fails with this path, and the study goes on
    });
  }

  // Relative to the manifest where that exists, else as it stands.
  std::string located(const std::string& path) const {
    const fs::path beside = fs::path(file_).parent_path() / path;
    return fs::path(path).is_relative() && file_exists(beside) ? beside.string() : path;
  }

  std::string file_;
  std::optional<Error> fault_;
};

}  // namespace

Result<Study> parse_manifest(std::string_view text, const std::string& source) {
  try {  // Debian's library is built to report by exceptions
    return catch_memory("reading the manifest", source, [&]() -> Result<Study> {
      LSTAR_TRY(check_toml_depth(text, source));
      return Reader(source).read(toml::parse(text));
    });
  } catch (const toml::parse_error& error) {
    return fail({.what = "not valid TOML",
                 .file = source,
                 .at = fmt::format("line {}", error.source().begin.line),
                 .found = std::string(error.description())});
  }
}

Result<Study> read_manifest(const std::string& path) {
  return catch_memory("reading the manifest", path, [&]() -> Result<Study> {
    LSTAR_ASSIGN(const std::string content, read_text_file(path, kLargestManifest));
    return parse_manifest(content, path);
  });
}

}  // namespace lstar
