// Memory that runs out is an error of kind memory, wherever it does: this program's operator new fails at the k-th
// allocation, once or for good, for many k, in a child each, so that what a process makes only once is made anew.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <new>

#include <gtest/gtest.h>

#include "lstar/base/atomic_file.h"
#include "lstar/base/json.h"
#include "lstar/base/worker_pool.h"
#include "lstar/checkpoint/memory_checkpoint.h"
#include "lstar/hub/locate_model.h"
#include "lstar/model/forward.h"
#include "lstar/model/weight_norms.h"
#include "lstar/study/evaluate_run.h"
#include "lstar/study/inspect.h"
#include "lstar/study/open_model.h"
#include "lstar/study/prompts.h"
#include "lstar/study/result_file.h"
#include "lstar/study/study.h"
#include "lstar/study/trace_files.h"
#include "lstar/tokenizer/tokenizer.h"
#include "tests/support/recorded.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_folder.h"

namespace {

enum class Refused { none, one, all };  // of the allocations from `first` on

std::atomic<Refused> refused = Refused::none;
std::atomic<int64_t> first{0}, allocations{0};

[[maybe_unused]] void* allocated(size_t bytes, size_t alignment) {
  const int64_t number = allocations.fetch_add(1, std::memory_order_relaxed);
  const Refused now = refused.load(std::memory_order_relaxed);
  if (now != Refused::none && (now == Refused::one ? number == first : number >= first)) throw std::bad_alloc();
  bytes = std::max<size_t>(bytes, 1);
  void* memory = nullptr;
  if (alignment <= alignof(std::max_align_t))
    memory = std::malloc(bytes);
  else
    memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (!memory) throw std::bad_alloc();
  return memory;
}

}  // namespace

#ifndef LSTAR_SANITIZED  // which has its own, for what is not among these too
// All others come down to these. Not inlined: GCC would see free() meet a new that it takes for its own.
[[gnu::noinline]] void* operator new(size_t bytes) { return allocated(bytes, 1); }
[[gnu::noinline]] void* operator new(size_t bytes, std::align_val_t alignment) {
  return allocated(bytes, static_cast<size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
#endif

namespace lstar {
namespace {

namespace fs = std::filesystem;

// A model of four layers with a tokenizer that normalises, splits by a pattern and merges; and files to be read.
class OutOfMemory : public ::testing::Test {
 protected:
  void SetUp() override {
    // simdjson chooses its code at its first call, in a function that may not throw.
    ASSERT_TRUE(JsonDocument::parse("{}", "a"));
    fs::copy(testing::source_path("tests/data/checkpoints/gpt2"), folder_.path());
    write("tokenizer.json", R"({"normalizer":{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Lowercase"}]},
      "pre_tokenizer":{"type":"Split","pattern":{"Regex":"\\p{L}+|\\p{N}"},"behavior":"Isolated"},
      "model":{"type":"BPE","unk_token":"a","vocab":{"a":0,"b":1,"ab":2,"c":3,"1":4},"merges":["a b"]}})");
    write("tokenizer_config.json", R"({"tokenizer_class": "PreTrainedTokenizerFast"})");  // as the file says
    write("prompts.jsonl", "{\"text\": \"abc ab\"}\n{\"token_ids\": [1, 2, 3], \"id\": 7}\n");
    write("prompts.csv", "id,text\n1,\"a, b\"\n2,c\n");
    write("study.toml", "dtype = 'float32'\nprompts = ['abc ab', [1, 2]]\n[[model]]\npath = '.'\nlab = 'A'\n");
  }
  void write(const std::string& name, const std::string& content) { ASSERT_TRUE(write_file(folder_ / name, content)); }

  MeasureOptions options() const {
    return {.wants = Want::diagonal | Want::rounded_sum | Want::entropy | Want::residual_norm,
            .next_tokens = 2,
            .hash_files = true};
  }
  const std::vector<Prompt> prompts_{{.text = "ABC \xef\xac\x81 ab", .ids = {}}, {.text = {}, .ids = {1, 2, 3}}};
  testing::TemporaryFolder folder_;
};

// The kind of the error that a call ended with; none where it succeeded.
using Outcome = std::optional<ErrorKind>;
using Call = std::function<Outcome()>;
template <class T>
Outcome outcome(const Result<T>& result) {
  return result ? std::nullopt : std::optional(result.error().kind);
}

// Of a measurement: what is there is right, too. Ids come from libraries that make their tables once.
Outcome measured(const Result<Measurement>& result) {
  if (!result) return result.error().kind;
  const MeasuredPrompt& prompt = result->prompts[0];
  if (prompt.error) return prompt.error->kind;
  constexpr int32_t kIds[] = {2, 3, 0, 0, 0, 0, 2};  // "abc fi ab": ab, c, and a for what the vocabulary lacks
  return std::equal(prompt.ids.begin(), prompt.ids.end(), std::begin(kIds), std::end(kIds))
             ? std::nullopt
             : Outcome(ErrorKind::malformed);
}

Outcome of_study(const Study& study) {
  const auto result = run_study(study, {.threads = 2, .timestamp = "now"});
  if (!result) return result.error().kind;
  return result->failed.empty() ? std::nullopt : Outcome(result->failed[0].error.kind);
}

int open_files() {
  int count = 0;
  for (int fd = 0; fd < 256; ++fd) count += ::fcntl(fd, F_GETFD) != -1;
  return count;
}

enum Exit { kFine, kNoMemory, kOtherError, kThrown, kLeftOpen };

[[noreturn]] void call_in_child(const Call& call, Refused which, int64_t from) {
  ::alarm(60);  // of a thread that is waited for and will not come
  const int files = open_files();
  Exit exit = kFine;
  try {
    first = from;
    allocations = 0;
    refused = which;
    const Outcome ended = call();
    refused = Refused::none;
    if (ended) exit = *ended == ErrorKind::memory ? kNoMemory : kOtherError;
  } catch (...) {
    exit = kThrown;
  }
  if (exit != kThrown && open_files() != files) exit = kLeftOpen;
  ::_exit(exit);
}

int status_of(const Call& call, Refused which, int64_t from) {
  const pid_t child = ::fork();
  if (child == 0) call_in_child(call, which, from);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// How many allocations a call takes in a process of its own.
int64_t allocations_of(const Call& call) {
  void* shared = ::mmap(nullptr, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const pid_t child = ::fork();
  if (child == 0) {
    allocations = 0;
    const bool fine = !call();
    *static_cast<int64_t*>(shared) = fine ? allocations.load() : -1;
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  const int64_t count = *static_cast<int64_t*>(shared);
  ::munmap(shared, sizeof(int64_t));
  return count;
}

void expect_an_error(const char* name, const Call& call) {
  SCOPED_TRACE(name);
  constexpr int64_t kAll = 15, kTries = 25;  // the first allocations are all tried; a child takes some milliseconds
  const int64_t count = allocations_of(call);
  ASSERT_GT(count, 0) << "the call fails where nothing is refused";
  const int64_t stride = std::max<int64_t>(1, count / kTries);
  int failed = 0;
  for (const Refused which : {Refused::one, Refused::all})
    for (int64_t from = 0; from < count; from += from < kAll ? 1 : stride) {
      const int status = status_of(call, which, from);
      failed += status == kNoMemory;
      ASSERT_TRUE(status == kFine || status == kNoMemory)
          << (status < 0 ? "signal " : "exit ") << std::abs(status) << " at allocation " << from << " of " << count
          << (which == Refused::one ? "" : " and all after it");
    }
  EXPECT_GT(failed, 0);
}

TEST_F(OutOfMemory, IsAnErrorOfEveryEntryPoint) {
  if (testing::kSanitized) GTEST_SKIP() << "a sanitizer's own allocator comes in between";
  // Made here: what a caller's own words take is not the library's.
  const std::string path = folder_.path(), lines = folder_ / "prompts.jsonl", table = folder_ / "prompts.csv",
                    manifest = folder_ / "study.toml", traces = "{\"a\": [1, 2, 4, 8.5], \"b\": [3, 2, 1]}", name = "t";
  Study study;
  study.models = {{.name = "model", .path = path}};
  study.prompts = {{.text = {}, .ids = {1, 2, 3}}};
  const std::string kept = folder_ / "store",
                    result = R"({"results": [{"model": "m", "resolved_per_prompt": [true]}]})";
  {
    auto store = Store::open(kept, StoreAccess::create);
    ASSERT_TRUE(store);
    RunOptions running{.threads = 1};
    running.keep = {.store = &*store, .provenance = {.time = "2026-01-01T00:00:00Z", .command = "lstar run"}};
    ASSERT_EQ(run_study(study, running)->run.size(), 64u);
  }
  const TokenizerSource source{.folder = path};
  const LocateOptions locating{.ask_hub = false};
  const std::vector<float> numbers(6);
  const std::vector<std::string> sets{"notebook"};
  const std::string config = R"({"model_type": "a type of model", "n_layer": 3})";
  std::vector<MemoryTensor> tensors(2, {.shape = {{2, 3}}, .bytes = std::as_bytes(std::span(numbers))});
  tensors[0].name = "model.layers.0.self_attn.q_proj.weight";
  tensors[1].name = "model.layers.0.self_attn.k_proj.weight";
  tensors[1].strides = {1, 2};
  const std::pair<const char*, Call> calls[] = {
      {"open_checkpoint", [&] { return outcome(open_checkpoint(path)); }},
      {"MemoryCheckpoint::from", [&] { return outcome(MemoryCheckpoint::from(std::move(tensors), config)); }},
      {"open_model", [&] { return outcome(open_model(path)); }},
      {"open_tokenizer", [&] { return outcome(open_tokenizer(source)); }},
      {"measure", [&] { return measured(measure(path, prompts_, options(), {.threads = 2})); }},
      {"run_study", [&] { return of_study(study); }},
      {"inspect", [&] { return outcome(inspect(name, path, HeadLayout::actual, 2)); }},
      {"read_prompt_file, JSON Lines", [&] { return outcome(read_prompt_file(lines)); }},
      {"read_prompt_file, CSV", [&] { return outcome(read_prompt_file(table)); }},
      {"prompts_of_sets", [&] { return outcome(prompts_of_sets(sets)); }},
      {"read_manifest", [&] { return outcome(read_manifest(manifest)); }},
      {"parse_traces", [&] { return outcome(parse_traces(traces, name)); }},
      {"parse_result", [&] { return outcome(parse_result(result, name)); }},
      {"evaluate_models",
       [&]() -> Outcome {
         auto store = Store::open(kept);
         if (!store) return store.error().kind;
         const auto run = store->find_run("");
         return run ? outcome(evaluate_models(*store, *run, run->study)) : run.error().kind;
       }},
      {"locate_model", [&] { return outcome(locate_model(path, locating)); }},
  };
  for (const auto& [what, call] : calls) expect_an_error(what, call);
}

// What is called with something that was opened before.
TEST_F(OutOfMemory, IsAnErrorOfWhatIsOpen) {
  if (testing::kSanitized) GTEST_SKIP() << "a sanitizer's own allocator comes in between";
  const auto model = open_model(folder_.path());
  const auto tokenizer = open_tokenizer({.folder = folder_.path()});
  ASSERT_TRUE(model && tokenizer);
  WorkerPool pool(1);  // a child has no other threads
  const auto backend = make_cpu_backend<float>(Dtype::float32, 1);
  Batch batch;
  batch.ids = {1, 2, 3, 4, 5};
  batch.start = {0, 3, 5};
  const PassOptions pass{.wants = options().wants | Want::next_token, .next_tokens = 2};
  const std::pair<const char*, Call> calls[] = {
      {"encode", [&] { return outcome(tokenizer->encode(*prompts_[0].text)); }},
      {"weight_norms", [&] { return outcome(weight_norms(*model, {.spectral = true}, pool)); }},
      {"forward",
       [&] {
         Observation seen;
         return outcome(forward(*model, batch, pass, *backend, seen));
       }},
  };
  for (const auto& [what, call] : calls) expect_an_error(what, call);
}

// Whatever a call had half made when memory ran out, the next one's numbers are right.
TEST_F(OutOfMemory, AModelThatStaysOpenIsAsBefore) {
  if (testing::kSanitized) GTEST_SKIP() << "a sanitizer's own allocator comes in between";
  const auto expected = measure(folder_.path(), prompts_, options(), {.threads = 1});
  auto model = OpenModel::open(folder_.path(), {.threads = 1});  // a child has no other threads
  ASSERT_TRUE(expected && model);
  expect_an_error("OpenModel::measure", [&] {
    const Outcome first_time = measured(model->measure(prompts_, options()));
    refused = Refused::none;
    const auto again = model->measure(prompts_, options());
    const bool is_same = again && again->seen.diagonal.values() == expected->seen.diagonal.values() &&
                         again->seen.entropy.values() == expected->seen.entropy.values() &&
                         again->weights.ov_sq.values() == expected->weights.ov_sq.values() &&
                         again->next_pieces == expected->next_pieces;
    return is_same ? first_time : Outcome(ErrorKind::malformed);
  });
}

}  // namespace
}  // namespace lstar
