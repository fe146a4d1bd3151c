// BERT and RoBERTa (transformers: models/bert, models/roberta): encoders. Every token sees every other; the norms stand
// behind the additions, and one more behind the sum of word, position and type embeddings. Every token has type 0,
// which is what a tokenizer gives a single text.
#include "lstar/architecture/family.h"

namespace lstar {
namespace {

Architecture read_encoder(Config& config, int64_t first_position_row) {
  Architecture a;
  a.causal = a.predicts_next = false;
  a.layers = config.size({"num_hidden_layers"});
  a.hidden = a.embedding = config.size({"hidden_size"});
  a.heads = a.kv_heads = config.size({"num_attention_heads"});
  a.head_dim = a.hidden / a.heads;
  a.mlp = config.size({"intermediate_size"});
  a.vocab = config.vocab_size();
  a.token_types = config.size_or({"type_vocab_size"}, 2);
  a.first_position_row = first_position_row;
  a.max_positions = config.size({"max_position_embeddings"}) - first_position_row;
  a.positions_are_limited = true;
  config.need_in_gguf({"layer_norm_eps"});
  a.norm_epsilon = config.positive_or({"layer_norm_eps"}, 1e-12, 1);
  a.norm_place = NormPlace::after;
  a.final_norm = false;
  a.activation = config.activation({"hidden_act"}, "gelu");
  config.require(a.max_positions > 0, "key max_position_embeddings", "more than the first position's row",
                 std::to_string(a.max_positions + first_position_row));
  config.require(!config.flag_or({"is_decoder"}, false), "key is_decoder", "false", "true");
  const std::string positions =
      config.has("position_embedding_type") ? config.text_or({"position_embedding_type"}, "absolute") : "absolute";
  config.require(positions == "absolute", "key position_embedding_type", "absolute", positions);
  config.require(a.hidden % a.heads == 0, "key hidden_size", "a multiple of num_attention_heads",
                 std::to_string(a.hidden));

  a.split_heads();
  a[Role::token_embedding] = {"embeddings.word_embeddings"};
  a[Role::token_type_embedding] = {"embeddings.token_type_embeddings"};
  a[Role::position_embedding] = {"embeddings.position_embeddings"};
  a[Role::embedding_norm] = {.pattern = "embeddings.LayerNorm", .bias = true};
  a[Role::query] = {.pattern = "encoder.layer.{}.attention.self.query", .bias = true};
  a[Role::key] = {.pattern = "encoder.layer.{}.attention.self.key", .bias = true};
  a[Role::value] = {.pattern = "encoder.layer.{}.attention.self.value", .bias = true};
  a[Role::attention_out] = {.pattern = "encoder.layer.{}.attention.output.dense", .bias = true};
  a[Role::attention_norm] = {.pattern = "encoder.layer.{}.attention.output.LayerNorm", .bias = true};
  a[Role::mlp_up] = {.pattern = "encoder.layer.{}.intermediate.dense", .bias = true};
  a[Role::mlp_down] = {.pattern = "encoder.layer.{}.output.dense", .bias = true};
  a[Role::mlp_norm] = {.pattern = "encoder.layer.{}.output.LayerNorm", .bias = true};
  // No next token is predicted; the output of a masked one may be where the embedding was kept.
  a.ties_output = config.flag_or({"tie_word_embeddings"}, true);
  return a;
}

}  // namespace

Architecture read_bert(Config& config, const Checkpoint&) {
  Architecture a = read_encoder(config, 0);
  a.prefixes = {"bert.", ""};
  a[Role::output] = {"cls.predictions.decoder"};
  return a;
}

// Positions count the tokens that are not padding, from the row behind the padding token's own on.
Architecture read_roberta(Config& config, const Checkpoint&) {
  config.require(!config.is_null("pad_token_id"), "key pad_token_id", "a token, from which positions count", "null");
  const int padding = config.count_or({"pad_token_id"}, 1);
  Architecture a = read_encoder(config, padding + 1);
  a.padding_token = padding;
  a.prefixes = {"roberta.", ""};
  a[Role::output] = {"lm_head.decoder"};
  return a;
}

}  // namespace lstar
