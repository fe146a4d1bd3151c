// Each kind of error by ways to reach it through public functions: callers branch on it, and never on a message. What a
// hub answers is in tests/hub/kinds_test.cpp, each row of what people hand over in tests/checkpoint.
#include <sys/stat.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include <gtest/gtest.h>

#include "lstar/base/atomic_file.h"
#include "lstar/checkpoint/memory_checkpoint.h"
#include "lstar/hub/locate_model.h"
#include "lstar/study/inspect.h"
#include "lstar/study/open_model.h"
#include "lstar/study/prompts.h"
#include "lstar/study/study.h"
#include "lstar/study/trace_files.h"
#include "lstar/tokenizer/tokenizer.h"
#include "tests/support/checkpoint_writer.h"
#include "tests/support/recorded.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

namespace fs = std::filesystem;
using Folder = testing::TemporaryFolder;
using Kind = ErrorKind;

template <class T>
Error error_of(const Result<T>& result) {
  return result ? Error{.what = "no error"} : result.error();
}

void write(const Folder& folder, const std::string& name, const std::string& content) {
  ASSERT_TRUE(write_file(folder / name, content));
}

// A small checkpoint that is in order, to be broken.
void copy_model(const Folder& folder) {
  fs::copy(testing::source_path("tests/data/checkpoints/gpt2"), folder.path());
  fs::permissions(folder / "model.safetensors", fs::perms::owner_all);
}

void replace(const Folder& folder, const std::string& name, const std::string& from, const std::string& to) {
  std::string text = *read_file(folder / name);
  const size_t at = text.find(from);
  ASSERT_NE(at, text.npos) << from;
  write(folder, name, text.replace(at, from.size(), to));
}

Result<Measurement> measured(const Folder& folder, const MeasureOptions& options,
                             const std::vector<Prompt>& prompts = {{.text = {}, .ids = {1, 2, 3}}}) {
  return measure(folder.path(), prompts, options, {.threads = 1});
}
Error measured(const Folder& folder) { return error_of(measured(folder, {.wants = Want::diagonal})); }

// Why a prompt could not be run.
Error of_prompt(const Folder& folder, std::vector<int32_t> ids) {
  copy_model(folder);
  const auto result =
      measured(folder, {.wants = Want::diagonal}, {{.text = {}, .ids = {1}}, {.text = {}, .ids = std::move(ids)}});
  return result && result->prompts[1].error ? *result->prompts[1].error : error_of(result);
}

Study study_of(const std::string& path) {
  return {.models = {{.name = "model", .path = path}}, .prompts = {{.text = {}, .ids = {1, 2, 3}}}};
}

Error of_study(const Study& study) {
  const auto result = run_study(study, {.threads = 1, .timestamp = "now"});
  if (!result) return result.error();
  return result->failed.empty() ? Error{.what = "no error"} : result->failed[0].error;
}

Error with_names(std::string estimator, std::string detector, std::string formula) {
  Study study = study_of("a");
  study.estimators = {std::move(estimator)};
  study.detector = std::move(detector);
  study.formula = std::move(formula);
  return error_of(check(study));
}

Error prompts_of(const std::string& content, const std::string& name) { return error_of(parse_prompts(content, name)); }

struct Case {
  Kind kind;
  const char* says;  // a part of the message
  std::function<Error(const Folder&)> fail;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {Kind::argument, "a null pointer",
       [](const Folder&) {
         return error_of(MemoryCheckpoint::from({{.name = "w", .shape = {{2}}, .bytes = {}}}, "{}"));
       }},
      {Kind::argument, "unknown estimator", [](const Folder&) { return with_names("guess", "argmax_step", "v3"); }},
      {Kind::argument, "unknown detector", [](const Folder&) { return with_names("off_diagonal", "guess", "v3"); }},
      {Kind::argument, "unknown formula",
       [](const Folder&) { return with_names("off_diagonal", "argmax_step", "v0"); }},
      {Kind::argument, "no models to run", [](const Folder&) { return error_of(check(Study{})); }},
      {Kind::argument, "unknown key",
       [](const Folder&) { return error_of(parse_manifest("dtyp = 'float32'", "m.toml")); }},
      {Kind::argument, "no models",
       [](const Folder&) { return error_of(parse_manifest("dtype = 'float32'", "m.toml")); }},
      {Kind::argument, "not a token id",
       [](const Folder&) { return error_of(parse_token_ids("1 x", "", "--token-ids")); }},
      {Kind::argument, "unknown prompt set", [](const Folder&) { return error_of(prompt_set("guess")); }},
      {Kind::argument, "no tokens", [](const Folder& folder) { return of_prompt(folder, {}); }},
      {Kind::argument, "token id out of range", [](const Folder& folder) { return of_prompt(folder, {100'000}); }},
      {Kind::argument, "longer than the model's positions",
       [](const Folder& folder) { return of_prompt(folder, std::vector<int32_t>(5000, 1)); }},
      {Kind::argument, "every prompt failed: token id out of range",
       [](const Folder& folder) {
         copy_model(folder);
         Study study = study_of(folder.path());
         study.prompts[0].ids = {-1};
         return of_study(study);
       }},
      {Kind::argument, "copy it to disk first",
       [](const Folder&) { return error_of(locate_model("s3://bucket/model", {})); }},

      {Kind::missing, "not on disk",
       [](const Folder& folder) { return error_of(open_checkpoint(folder / "nowhere")); }},
      {Kind::missing, "not on disk",
       [](const Folder& folder) { return error_of(locate_model(folder / "nowhere", {})); }},
      {Kind::missing, "not on disk", [](const Folder& folder) { return of_study(study_of(folder / "nowhere")); }},
      {Kind::missing, "an empty folder", [](const Folder& folder) { return error_of(open_checkpoint(folder.path())); }},
      {Kind::missing, "no weights",
       [](const Folder& folder) {
         write(folder, "config.json", "{}");
         return error_of(open_checkpoint(folder.path()));
       }},
      {Kind::missing, "shard: cannot be opened",
       [](const Folder& folder) {
         write(folder, "config.json", "{}");
         write(folder, "model.safetensors.index.json", R"({"weight_map": {"a": "model-00001-of-00001.safetensors"}})");
         return error_of(open_checkpoint(folder.path()));
       }},
      {Kind::missing, "missing tensor",
       [](const Folder& folder) {
         copy_model(folder);
         write(folder, "model.safetensors",
               testing::safetensors_bytes(
                   {testing::make_tensor("transformer.wte.weight", {100, 32}, std::vector<float>(3200, 0.5F))}));
         return error_of(open_model(folder.path()));
       }},
      {Kind::missing, "no tokenizer found",
       [](const Folder& folder) { return error_of(open_tokenizer({.folder = folder.path()})); }},
      {Kind::missing, "cannot be read",
       [](const Folder& folder) { return error_of(read_manifest(folder / "m.toml")); }},
      {Kind::missing, "cannot be read",
       [](const Folder& folder) { return error_of(read_prompt_file(folder / "p.txt")); }},

      {Kind::missing, "a pointer of git-lfs",
       [](const Folder&) { return prompts_of("version https://git-lfs.github.com/spec/v1\n", "p.txt"); }},

      {Kind::malformed, "is it truncated?",
       [](const Folder& folder) {
         copy_model(folder);
         const std::string weights = folder / "model.safetensors";
         fs::resize_file(weights, fs::file_size(weights) - 8);
         return measured(folder);
       }},
      {Kind::malformed, "not valid JSON",
       [](const Folder& folder) {
         copy_model(folder);
         write(folder, "config.json", "{\"model_type\"");
         return measured(folder);
       }},
      {Kind::malformed, "not a size",
       [](const Folder& folder) {
         copy_model(folder);
         replace(folder, "config.json", "\"n_layer\": 4", "\"n_layer\": -4");
         return measured(folder);
       }},
      {Kind::malformed, "weight is not finite",
       [](const Folder& folder) {
         copy_model(folder);
         std::string bytes = *read_file(folder / "model.safetensors");
         std::memset(bytes.data() + bytes.size() / 2, 0xff, bytes.size() - bytes.size() / 2);  // NaN in float32
         write(folder, "model.safetensors", bytes);
         return measured(folder);
       }},
      {Kind::malformed, "truncated",
       [](const Folder& folder) {
         write(folder, "a.gguf", std::string("GGUF\3\0\0\0", 8));
         return error_of(open_checkpoint(folder / "a.gguf"));
       }},
      {Kind::malformed, "key model",
       [](const Folder& folder) {
         write(folder, "tokenizer.json", "{}");
         return error_of(open_tokenizer({.folder = folder.path()}));
       }},
      {Kind::malformed, "not valid TOML", [](const Folder&) { return error_of(parse_manifest("[", "m.toml")); }},
      {Kind::malformed, "not valid JSON", [](const Folder&) { return prompts_of("{\"text\": \"a\"\n", "p.jsonl"); }},
      {Kind::malformed, "not UTF-8", [](const Folder&) { return prompts_of("caf\xe9\n", "p.txt"); }},
      {Kind::malformed, "not a number", [](const Folder&) { return error_of(parse_traces("[1, \"a\"]", "t.json")); }},

      {Kind::unsupported, "unknown family",
       [](const Folder& folder) {
         copy_model(folder);
         replace(folder, "config.json", "\"gpt2\"", "\"mamba\"");
         return measured(folder);
       }},
      {Kind::unsupported, "unknown activation",
       [](const Folder& folder) {
         copy_model(folder);
         replace(folder, "config.json", "\"gelu_new\"", "\"mish\"");
         return error_of(inspect("model", folder.path(), HeadLayout::actual, 1));
       }},
      {Kind::unsupported, "not supported",
       [](const Folder& folder) {
         copy_model(folder);
         replace(folder, "config.json", "{", "{\"add_cross_attention\": true, ");
         return of_study(study_of(folder.path()));
       }},
      {Kind::unsupported, "not a regular file",
       [](const Folder& folder) {
         EXPECT_EQ(::mkfifo((folder / "m.toml").c_str(), 0600), 0);
         return error_of(read_manifest(folder / "m.toml"));
       }},
      {Kind::unsupported, "Is a directory",
       [](const Folder& folder) { return error_of(read_manifest(folder.path())); }},
      {Kind::unsupported, "not supported",
       [](const Folder& folder) {
         write(folder, "tokenizer.json", R"({"model": {"type": "Guess"}})");
         return error_of(open_tokenizer({.folder = folder.path()}));
       }},
      {Kind::unsupported, "chat turns",
       [](const Folder&) { return prompts_of(R"({"messages": [{"role": "user", "content": "a"}]})", "p.json"); }},
      {Kind::unsupported, "chat turns", [](const Folder&) { return prompts_of("messages\na\n", "p.csv"); }},
      {Kind::unsupported, "an HTML page", [](const Folder&) { return prompts_of("<html>", "p.txt"); }},
      {Kind::unsupported, "a PDF document", [](const Folder&) { return prompts_of("%PDF-1.7", "p.txt"); }},
      {Kind::unsupported, "UTF-16",
       [](const Folder&) {
         return prompts_of(std::string("\xff\xfe"
                                       "a\0",
                                       4),
                           "p.txt");
       }},

      {Kind::unreachable, "the hub is not asked",
       [](const Folder& folder) {
         return error_of(locate_model("org/name", {.hub = {.cache = folder.path(), .offline = true}}));
       }},
      {Kind::unreachable, "Input/output error",  // a file that is there, of the first page of this process's memory
       [](const Folder&) { return error_of(read_prompt_file("/proc/self/mem")); }},

      {Kind::changed, "changed while it was read",
       [](const Folder& folder) {
         copy_model(folder);
         MeasureOptions options{.wants = Want::diagonal};
         options.on_step = [&](const Step&) {
           std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the clock of files has moved on
           std::fstream file(folder / "model.safetensors", std::ios::in | std::ios::out | std::ios::binary);
           file.seekp(-8, std::ios::end);
           file << std::string(8, '\1');
           return true;
         };
         return error_of(measured(folder, options));
       }},

      {Kind::cancelled, "interrupted",
       [](const Folder& folder) {
         copy_model(folder);
         MeasureOptions options{.wants = Want::diagonal};
         options.on_step = [](const Step& step) { return step.phase != Phase::layers || step.done < 1; };
         return error_of(measured(folder, options));
       }},
      {Kind::cancelled, "interrupted",
       [](const Folder& folder) {
         copy_model(folder);
         const auto result = run_study(study_of(folder.path()), {.goes_on = [] { return false; }});
         return result ? result->failed.at(0).error : result.error();
       }},
  };
  return all;
}

TEST(Kinds, EachByTheWaysToReachIt) {
  for (const Case& one : cases()) {
    const Folder folder;
    const Error error = one.fail(folder);
    SCOPED_TRACE(error.message());
    EXPECT_STREQ(name(error.kind), name(one.kind));
    EXPECT_NE(error.message().find(one.says), std::string::npos) << "said nothing of: " << one.says;
  }
}

}  // namespace
}  // namespace lstar
