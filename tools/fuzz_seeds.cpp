// Writes the seeds of the fuzz targets that run whole models and pipelines or read records,
// fuzz/corpus/{model,config,pipeline,measurement}: tiny models of made-up numbers, whole and broken by hand, a text in
// front of tokenizers, and what a store keeps. `make fuzz-seeds` runs it in the source folder; what fuzzing found lies
// beside them and stays.
#include <cstdio>
#include <functional>

#include <fmt/format.h>

#include "fuzz/made_up.h"
#include "lstar/architecture/family.h"
#include "lstar/base/json.h"
#include "lstar/base/text_file.h"
#include "lstar/study/store/record.h"
#include "tests/study/store_support.h"
#include "tests/support/checkpoint_writer.h"

namespace lstar {
namespace {

using Tensors = std::vector<testing::StoredTensor>;

struct Seed {
  const char* name;
  const char* config;
};
constexpr Seed kModels[] = {
    {"llama", R"({"model_type":"llama","num_hidden_layers":2,"hidden_size":8,"num_attention_heads":2,
"num_key_value_heads":1,"intermediate_size":8,"vocab_size":10,"rms_norm_eps":1e-5,"max_position_embeddings":64,
"rope_theta":10000.0,"tie_word_embeddings":false,"torch_dtype":"float16"})"},
    {"gpt2", R"({"model_type":"gpt2","n_layer":2,"n_embd":8,"n_head":2,"n_inner":8,"n_positions":32,"vocab_size":10,
"layer_norm_epsilon":1e-5,"activation_function":"gelu_new"})"},
    {"gpt_neox", R"({"model_type":"gpt_neox","num_hidden_layers":2,"hidden_size":8,"num_attention_heads":2,
"intermediate_size":8,"vocab_size":10,"max_position_embeddings":32,"layer_norm_eps":1e-5,"rotary_pct":0.5,
"use_parallel_residual":true,"hidden_act":"gelu"})"},
    {"bloom", R"({"model_type":"bloom","n_layer":2,"hidden_size":8,"n_head":2,"vocab_size":10,"seq_length":32})"},
    {"gemma2", R"({"model_type":"gemma2","num_hidden_layers":2,"hidden_size":6,"num_attention_heads":2,
"num_key_value_heads":1,"head_dim":4,"intermediate_size":6,"vocab_size":10,"rms_norm_eps":1e-6,"sliding_window":3,
"query_pre_attn_scalar":9,"attn_logit_softcapping":5.0,"final_logit_softcapping":3.0,"max_position_embeddings":64,
"hidden_activation":"gelu_pytorch_tanh"})"},
    {"bert", R"({"model_type":"bert","architectures":["BertForMaskedLM"],"num_hidden_layers":2,"hidden_size":6,
"num_attention_heads":2,"intermediate_size":6,"vocab_size":10,"max_position_embeddings":32,"type_vocab_size":2,
"layer_norm_eps":1e-12,"hidden_act":"gelu"})"},
    {"mixtral", R"({"model_type":"mixtral","num_hidden_layers":2,"hidden_size":4,"num_attention_heads":2,
"num_key_value_heads":1,"intermediate_size":4,"vocab_size":10,"rms_norm_eps":1e-5,"num_local_experts":3,
"num_experts_per_tok":2,"max_position_embeddings":64,"sliding_window":null})"},
    {"gpt_oss", R"({"model_type":"gpt_oss","num_hidden_layers":2,"hidden_size":4,"num_attention_heads":2,
"num_key_value_heads":1,"head_dim":4,"intermediate_size":4,"vocab_size":10,"rms_norm_eps":1e-5,"num_local_experts":3,
"num_experts_per_tok":2,"sliding_window":3,"swiglu_limit":2.0,"attention_bias":true,"max_position_embeddings":64,
"layer_types":["sliding_attention","full_attention"]})"},
};
constexpr Seed kGgufs[] = {
    {"gguf-llama", R"({"model_type":"llama","block_count":2,"embedding_length":8,"attention.head_count":2,
"attention.head_count_kv":1,"feed_forward_length":8,"context_length":64,"attention.layer_norm_rms_epsilon":1e-5,
"vocab_size":10})"},
    {"gguf-qwen2moe", R"({"model_type":"qwen2moe","block_count":2,"embedding_length":4,"attention.head_count":2,
"attention.head_count_kv":1,"feed_forward_length":4,"expert_feed_forward_length":4,"expert_count":2,
"expert_shared_feed_forward_length":4,"expert_used_count":1,"context_length":64,
"attention.layer_norm_rms_epsilon":1e-5,"vocab_size":10})"},
};

const std::string kTokenizer = R"({"added_tokens":[{"id":8,"content":"<s>","special":true},
{"id":9,"content":"<q>","special":false}],"normalizer":null,
"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},
"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},{"Sequence":{"id":"A"}}],
"special_tokens":{"<s>":{"id":"<s>","ids":[8],"tokens":["<s>"]}}},
"model":{"type":"BPE","unk_token":"<u>","vocab":{"<u>":0,"a":1,"b":2,"\u0120":3,"ab":4,"l":5,"o":6,"lo":7},
"merges":["a b","l o"]}})";

std::string read_or_end(const std::string& path) {
  auto text = read_text_file(path);
  fuzz::require(text.has_value(), path.c_str());
  return *std::move(text);
}

void write(const std::string& target, const std::string& name, const std::string& bytes) {
  testing::write_bytes("fuzz/corpus/" + target + "/" + name, bytes);
}

// What the configuration asks for, with made-up numbers.
Tensors tensors_of(const std::string& config, const char* format) {
  const auto document = JsonDocument::parse(config, "seed");
  fuzz::require(document.has_value(), "a seed's configuration is JSON");
  fuzz::MadeUp made(Configuration(document->root()), format);
  const auto a = read_architecture(made);
  const bool done = a && fuzz::complete(*a, made, 200);
  if (!done) {
    const auto bound = a ? bind(*a, made) : fail(a.error());
    std::fprintf(stderr, "%s: %s\n", config.c_str(), bound ? "" : bound.error().message().c_str());
  }
  fuzz::require(done, "a seed's model is complete");
  Tensors tensors;
  for (const TensorInfo& tensor : made.tensors()) {
    if (tensor.name == fuzz::MadeUp::buffer(format)) continue;
    std::vector<float> values(static_cast<size_t>(tensor.shape.elements()));
    fuzz::require(made.read(tensor, {0, tensor.shape.rows()}, std::span<float>(values)).has_value(), "numbers");
    const bool is_gguf_vector = std::string_view(format) == "gguf" && tensor.shape.dims.size() == 1;
    tensors.push_back(testing::make_tensor(tensor.name, tensor.shape.dims, values,
                                           is_gguf_vector ? StoredType::float32 : StoredType::float16));
  }
  return tensors;
}

// The class says that tokenizer.json is followed to the letter: a family's own class would ask for pieces of its own.
std::string folder_of(const std::string& config, const Tensors& tensors, const std::string& tokenizer = kTokenizer) {
  return "%%%% config.json\n" + config + "%%%% tokenizer_config.json\n" +
         R"({"tokenizer_class":"PreTrainedTokenizerFast"})" + "%%%% tokenizer.json\n" + tokenizer +
         "%%%% model.safetensors\n" + testing::safetensors_bytes(tensors);
}

std::string gguf_of(const std::string& config, const Tensors& tensors) {
  const auto document = JsonDocument::parse(config, "seed");
  testing::GgufPairs pairs;
  const std::string family = document->root().string("model_type").value_or("");
  pairs.emplace_back("general.architecture", family);
  fuzz::require(document->root().is_object(), "a configuration is an object");
  for (const auto& [name, value] : document->root().fields()) {
    if (name == "model_type") continue;
    const std::string key = family + "." + std::string(name);
    if (const auto whole = value.integer())
      pairs.emplace_back(key, static_cast<uint32_t>(*whole));
    else
      pairs.emplace_back(key, static_cast<float>(value.number().value_or(0)));
  }
  pairs.emplace_back("tokenizer.ggml.model", std::string("gpt2"));
  pairs.emplace_back("tokenizer.ggml.pre", std::string("gpt-2"));
  pairs.emplace_back("tokenizer.ggml.tokens",
                     std::vector<std::string>{"<u>", "a", "b", "\xc4\xa0", "ab", "l", "o", "lo", "<s>", "<q>"});
  pairs.emplace_back("tokenizer.ggml.token_type", std::vector<int32_t>{1, 1, 1, 1, 1, 1, 1, 1, 3, 4});
  pairs.emplace_back("tokenizer.ggml.merges", std::vector<std::string>{"a b", "l o"});
  pairs.emplace_back("tokenizer.ggml.bos_token_id", uint32_t{8});
  return testing::gguf_bytes(pairs, tensors);
}

// Every number of the tensors whose name has this in it, as float32.
Tensors with_numbers(Tensors tensors, std::string_view part, float value) {
  for (testing::StoredTensor& tensor : tensors) {
    if (tensor.name.find(part) == std::string::npos) continue;
    size_t count = 1;
    for (const int64_t dim : tensor.dims) count *= static_cast<size_t>(dim);
    tensor = testing::make_tensor(tensor.name, tensor.dims, std::vector<float>(count, value));
  }
  return tensors;
}
Tensors without(Tensors tensors, std::string_view name) {
  const size_t gone = std::erase_if(tensors, [&](const testing::StoredTensor& tensor) { return tensor.name == name; });
  fuzz::require(gone == 1, "what is taken away is there");
  return tensors;
}
Tensors with(Tensors tensors, const std::string& name) {
  tensors.push_back(testing::make_tensor(name, {1, 1}, {0.5F}, StoredType::float16));
  return tensors;
}
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  fuzz::require(at != text.npos, "what is replaced is there");
  return text.replace(at, from.size(), to);
}

void write_models() {
  for (const Seed& seed : kModels) {
    write("model", seed.name, folder_of(seed.config, tensors_of(seed.config, "safetensors")));
    write("config", std::string("small-") + seed.name, seed.config);
  }
  for (const Seed& seed : kGgufs) write("model", seed.name, gguf_of(seed.config, tensors_of(seed.config, "gguf")));

  const std::string config = kModels[0].config;
  const Tensors llama = tensors_of(config, "safetensors");
  const auto broken = [](const char* name, const std::string& bytes) {
    write("model", std::string("bad-") + name, bytes);
  };
  broken("zero", folder_of(config, with_numbers(llama, "", 0)));
  broken("huge", folder_of(config, with_numbers(llama, "proj", 1e38F)));
  broken("huge-values", folder_of(config, with_numbers(llama, "v_proj", 3e38F)));
  broken("nan", folder_of(config, with_numbers(llama, "1.mlp.up_proj", NAN)));
  broken("infinite-norm", folder_of(config, with_numbers(llama, "layernorm", INFINITY)));
  broken("missing", folder_of(config, without(llama, "model.layers.1.self_attn.v_proj.weight")));
  broken("no-output", folder_of(config, without(llama, "lm_head.weight")));
  broken("extra-layer", folder_of(config, with(llama, "model.layers.2.self_attn.q_proj.weight")));
  broken("adapter", folder_of(config, with(llama, "model.layers.0.self_attn.q_proj.lora_A.weight")));
  broken("other-part", folder_of(config, with(llama, "vision.patch.weight")));
  broken("no-tokenizer", replaced(folder_of(config, llama), "tokenizer.json", "nothing.json"));
  broken("large-id", folder_of(config, llama, replaced(kTokenizer, "\"a\":1", "\"a\":10000")));
  const std::string one_layer = replaced(config, "\"num_hidden_layers\":2", "\"num_hidden_layers\":1");
  broken("one-layer", folder_of(one_layer, tensors_of(one_layer, "safetensors")));
  broken("cut", folder_of(config, llama).substr(0, 4000));
}

void write_pipelines() {
  const std::string text =
      "Hello, world! It's 2024.\n\tna\xc3\xafve <s> e\xcc\x81 \xe4\xb8\xad\xe6\x96\x87 \xf0\x9f\x99\x82 ab<q>b";
  const auto pipeline = [](const std::string& name, const std::string& in, const std::string& json) {
    write("pipeline", name, in + std::string(1, '\0') + json);
  };
  pipeline("small", "ab lo <s><q>", kTokenizer);
  for (const char* name :
       {"albert-style", "bert-style", "clip-style", "gemma-style", "llama2-style", "smollm-style", "word-level-style",
        "component-051", "component-096", "component-108", "component-156", "component-171", "component-198"})
    pipeline(name, text, read_or_end(std::string("fuzz/corpus/tokenizer_json/") + name));

  // Each asks for more than its text may cost.
  const auto bpe = [](const std::string& rest) {
    return R"({"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]},)" + rest + "}";
  };
  const auto split = [&](const std::string& regex) {
    return bpe(R"("pre_tokenizer":{"type":"Split","pattern":{"Regex":")" + regex + R"("},"behavior":"Isolated"})");
  };
  const std::string letters(100, 'a');
  pipeline("goes-back", letters, split("(?:.{1,3}){1,14}(?<!.)"));
  pipeline("goes-back-everywhere", letters + letters, split(".*.*(?<!.)"));
  pipeline("looks-ahead", letters, split("(?=.*)a"));
  pipeline("calls-itself", letters, split(R"((?<g>x?){0}(?<h>\\g<g>\\g<g>){0}\\g<h>\\g<h>)"));
  const std::string step = R"({"type":"ByteLevel","add_prefix_space":true,"use_regex":false})";
  pipeline("doubles", "\xc3\xa9\xc3\xa9 a",
           bpe(R"("pre_tokenizer":{"type":"Sequence","pretokenizers":[)" + step + "," + step + "," + step + "," + step +
               "]}"));
  pipeline(
      "grows", "aaaa",
      bpe(R"("normalizer":{"type":"Replace","pattern":{"String":"a"},"content":")" + std::string(2000, 'a') + "\"}"));
  pipeline("prepends", "<1><2>",
           bpe(R"("normalizer":{"type":"Prepend","prepend":")" + std::string(2000, 'b') +
               R"("},"added_tokens":[{"id":3,"content":"<1>"},{"id":4,"content":"<2>"}])"));
  pipeline("one-piece", letters,
           R"({"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",-9],["a",-1],[")" + std::string(2000, 'a') +
               R"(",-2]]},"normalizer":{"type":"Replace","pattern":{"String":"a"},"content":")" + std::string(30, 'a') +
               "\"}}");
  pipeline("no-words", letters, split(""));
}

void write_records() {
  const Measurement m = testing::made_up_of_everything();
  const auto record = [](const std::string& name, const std::string& sealed) {
    const auto kind = static_cast<RecordKind>(sealed[2]);
    write("measurement", name, sealed[2] + std::string(open_record(kind, sealed, name)->payload));
  };
  record("whole", *measurement_record(m));
  record("model", model_record(m));
  record("prompt", prompt_record(observation_of(m, m.prompts.front())));
  record("least-prompt", prompt_record({.ids = {1}, .layers = 1, .heads = 1, .residual_norm = {1, 2}}));
  Study study = testing::made_up_study();
  study.models.resize(2);
  record("study", study_record(study));
  StoredOutcome outcome{.key = testing::key_of(m), .identity = m.identity, .warnings = m.warnings};
  outcome.prompts = {{.ids_digest = digest_of_ids(m.prompts.front().ids)}, {.ids = {}, .error = m.prompts[1].error}};
  record("outcome", outcome_record(outcome));
  outcome = {.error = Error{.kind = ErrorKind::missing, .what = "no such folder", .file = "models/x"}};
  record("failure", outcome_record(outcome));
}

}  // namespace
}  // namespace lstar

int main() {
  lstar::write_models();
  lstar::write_pipelines();
  lstar::write_records();
  return 0;
}
