#include "lstar/study/store/measurement_record.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "lstar/base/limits.h"
#include "lstar/study/store/record.h"

namespace lstar {
namespace {

ErrorKind read_kind(ByteReader& in) {
  const std::string text = in.text();
  for (uint8_t kind = 0; kind <= static_cast<uint8_t>(ErrorKind::malformed); ++kind)
    if (text == name(static_cast<ErrorKind>(kind))) return static_cast<ErrorKind>(kind);
  in.refuse("an unknown kind of error");
  return ErrorKind::malformed;
}

// A number as JSON writes it, which is how reports give it back.
bool is_number(std::string_view text) {
  const auto digits = [&] {
    const size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(count);
    return count > 0;
  };
  const auto take = [&](std::string_view any) {
    const bool is_there = !text.empty() && any.find(text[0]) != any.npos;
    if (is_there) text.remove_prefix(1);
    return is_there;
  };
  take("-");
  if (!take("0") && !digits()) return false;
  if (take(".") && !digits()) return false;
  if (take("eE")) {
    take("+-");
    if (!digits()) return false;
  }
  return text.empty();
}

void write(ByteWriter& out, const ModelShape& shape) {
  out.text(shape.family);
  out.text(shape.notebook_name);
  for (const int size : {shape.layers, shape.heads, shape.kv_heads, shape.head_dim, shape.hidden})
    out.number(static_cast<int32_t>(size));
  for (const bool flag : {shape.causal, shape.has_sinks, shape.has_output_norm}) out.flag(flag);
}

ModelShape read_shape(ByteReader& in) {
  ModelShape shape;
  shape.family = in.text();
  shape.notebook_name = in.text();
  for (int* size : {&shape.layers, &shape.heads, &shape.kv_heads, &shape.head_dim, &shape.hidden})
    *size = in.number<int32_t>();
  for (bool* flag : {&shape.causal, &shape.has_sinks, &shape.has_output_norm}) *flag = in.flag();
  return shape;
}

// 0 where the shape is no model's.
int64_t pairs_in(const ModelShape& shape) {
  return shape.heads < 1 || shape.heads > limits::kHeads ? 0 : int64_t{shape.heads} * (shape.heads + 1) / 2;
}

// The values of an array, whose sizes the shape gives.
Array2<double> read_array(ByteReader& in, int layers, int64_t width) {
  const std::vector<double> values = in.numbers<double>();
  if (values.empty() || in.failed()) return {};
  const auto rows = static_cast<size_t>(layers), cols = static_cast<size_t>(width);
  if (layers < 1 || width < 1 || values.size() / rows != cols || values.size() % rows != 0) {
    in.refuse("an array of another size than the model's");
    return {};
  }
  Array2<double> array(rows, cols);
  for (size_t l = 0; l < rows; ++l)
    std::copy_n(values.begin() + static_cast<ptrdiff_t>(l * cols), cols, array[l].begin());
  return array;
}

void write(ByteWriter& out, const WeightNorms& weights) {
  for (const auto* values : {&weights.w_v_sq, &weights.w_v_cut_sq, &weights.w_v_head_sq.values(),
                             &weights.ov_sq.values(), &weights.w_o_sq, &weights.w_v_spectral, &weights.w_o_spectral})
    out.numbers(std::span(*values));
  out.numbers(std::span(weights.ov_products.values()));
}

// Version 1 had no products.
WeightNorms read_weights(ByteReader& in, const ModelShape& shape, uint8_t version) {
  WeightNorms weights;
  weights.w_v_sq = in.numbers<double>();
  weights.w_v_cut_sq = in.numbers<double>();
  weights.w_v_head_sq = read_array(in, shape.layers, shape.kv_heads);
  weights.ov_sq = read_array(in, shape.layers, shape.heads);
  for (auto* values : {&weights.w_o_sq, &weights.w_v_spectral, &weights.w_o_spectral}) *values = in.numbers<double>();
  if (version >= 2) weights.ov_products = read_array(in, shape.layers, pairs_in(shape));
  return weights;
}

// All of a measurement but its prompts and what was seen of them.
void write_model(ByteWriter& out, const Measurement& m) {
  write(out, m.identity);
  write(out, m.shape);
  out.text(name(m.numerics.dtype));
  out.text(name(m.numerics.head_layout));
  out.text(m.backend);
  out.texts(m.warnings);
  write(out, m.weights);
}

Measurement read_model(ByteReader& in, uint8_t version) {
  Measurement m;
  m.identity = read_identity(in);
  m.shape = read_shape(in);
  m.numerics.dtype = read_dtype(in);
  m.numerics.head_layout = read_head_layout(in);
  m.backend = in.text();
  m.warnings = in.texts();
  m.weights = read_weights(in, m.shape, version);
  m.weights.has_output_norm = m.shape.has_output_norm;
  return m;
}

void write(ByteWriter& out, const MeasuredPrompt& prompt) {
  out.optional(prompt.text, [&](const std::string& text) { out.text(text); });
  out.numbers(std::span(prompt.ids));
  out.optional(prompt.row, [&](size_t row) { out.number(static_cast<uint32_t>(row)); });
  out.optional(prompt.error, [&](const Error& error) { write(out, error); });
  write(out, prompt.id);
}

MeasuredPrompt read_prompt(ByteReader& in) {
  MeasuredPrompt prompt;
  prompt.text = in.optional([&] { return in.text(); });
  prompt.ids = in.numbers<int32_t>();
  prompt.row = in.optional([&] { return size_t{in.number<uint32_t>()}; });
  prompt.error = in.optional([&] { return read_error(in); });
  prompt.id = read_prompt_id(in);
  return prompt;
}

void write(ByteWriter& out, const PromptObservation& seen) {
  out.numbers(std::span(seen.ids));
  out.optional(seen.text, [&](const std::string& text) { out.text(text); });
  out.number(static_cast<uint32_t>(seen.layers));
  out.number(static_cast<uint32_t>(seen.heads));
  for (const auto* values : {&seen.diagonal, &seen.off_diagonal, &seen.entropy, &seen.rounded_sum, &seen.residual_norm})
    out.numbers(std::span(*values));
  out.optional(seen.next_tokens, [&](const std::vector<TokenScore>& tokens) {
    out.number(static_cast<uint32_t>(tokens.size()));
    for (const TokenScore& token : tokens) {
      out.number(token.id);
      out.number(token.logit);
    }
  });
  out.optional(seen.next_pieces, [&](const std::vector<std::string>& pieces) { out.texts(pieces); });
  out.numbers(std::span(seen.output_scale_sq));
  out.numbers(std::span(seen.overlap));
}

// Version 1 had neither output scales nor overlaps.
PromptObservation read_observation(ByteReader& in, uint8_t version) {
  PromptObservation seen;
  seen.ids = in.numbers<int32_t>();
  seen.text = in.optional([&] { return in.text(); });
  const auto layers = in.number<uint32_t>(), heads = in.number<uint32_t>();
  if (layers < 1 || layers > uint32_t{limits::kLayers} || heads < 1 || heads > uint32_t{limits::kHeads})
    in.refuse("layers or heads that no model has");
  seen.layers = static_cast<int>(layers);
  seen.heads = static_cast<int>(heads);
  const auto read = [&](std::vector<double>& values, size_t size) {
    values = in.numbers<double>();
    if (!values.empty() && values.size() != size) in.refuse("an array of another size than the model's");
  };
  for (auto* values : {&seen.diagonal, &seen.off_diagonal, &seen.entropy}) read(*values, size_t{layers} * heads);
  read(seen.rounded_sum, layers);
  read(seen.residual_norm, size_t{layers} + 1);
  seen.next_tokens = in.optional([&] {
    std::vector<TokenScore> tokens(in.count(sizeof(int32_t) + sizeof(double)));
    for (TokenScore& token : tokens) {
      token.id = in.number<int32_t>();
      token.logit = in.number<double>();
    }
    return tokens;
  });
  seen.next_pieces = in.optional([&] { return in.texts(); });
  const size_t tokens = seen.next_tokens ? seen.next_tokens->size() : 0;
  if (seen.next_pieces && !seen.next_pieces->empty() && seen.next_pieces->size() != tokens)
    in.refuse("texts of other next tokens");
  if (version >= 2) {
    read(seen.output_scale_sq, layers);
    read(seen.overlap, layers * pairs_of(heads));
  }
  return seen;
}

// Where a measurement's array is one of the shape's or empty.
bool fits(const Array3<double>& array, size_t rows, int layers, int64_t width) {
  return array.empty() || (array.dim0() == rows && array.dim1() == static_cast<size_t>(layers) &&
                           array.dim2() == static_cast<size_t>(width));
}
bool fits(const Array2<double>& array, size_t rows, int64_t width) {
  return array.empty() || (array.dim0() == rows && array.dim1() == static_cast<size_t>(width));
}

}  // namespace

Result<void> check_fits(const Measurement& m, const std::string& source) {
  const auto refused = [&](const char* what) {
    return fail({.what = std::string("a measurement that contradicts itself: ") + what, .file = source});
  };
  const ModelShape& s = m.shape;
  const bool is_model = s.layers >= 1 && s.layers <= limits::kLayers && s.heads >= 1 && s.heads <= limits::kHeads &&
                        s.kv_heads >= 1 && s.kv_heads <= s.heads && s.head_dim >= 0 && s.head_dim <= limits::kWidth &&
                        s.hidden >= 0 && s.hidden <= limits::kWidth;
  if (!is_model) return refused("its layers, heads or widths are no model's");
  const auto layers = static_cast<size_t>(s.layers);
  const WeightNorms& w = m.weights;
  for (const auto* norms : {&w.w_v_sq, &w.w_v_cut_sq, &w.w_o_sq, &w.w_v_spectral, &w.w_o_spectral})
    if (!norms->empty() && norms->size() != layers) return refused("its weight norms are not one a layer");
  if (!fits(w.w_v_head_sq, layers, s.kv_heads) || !fits(w.ov_sq, layers, s.heads) ||
      !fits(w.ov_products, layers, pairs_in(s)))
    return refused("its weight norms are not one a head");
  if (w.has_output_norm != s.has_output_norm) return refused("its weight norms are of another model");

  const Observation& seen = m.seen;
  const size_t rows = seen.tokens.size();
  if (!fits(seen.diagonal, rows, s.layers, s.heads) || !fits(seen.off_diagonal, rows, s.layers, s.heads) ||
      !fits(seen.entropy, rows, s.layers, s.heads) || !fits(seen.overlap, rows, s.layers, pairs_in(s)) ||
      !fits(seen.rounded_sum, rows, s.layers) || !fits(seen.residual_norm, rows, s.layers + 1) ||
      !fits(seen.output_scale_sq, rows, s.layers))
    return refused("its observations are not of its prompts, layers and heads");
  if ((!seen.next_tokens.empty() && seen.next_tokens.size() != rows) ||
      (!m.next_pieces.empty() && m.next_pieces.size() != seen.next_tokens.size()))
    return refused("its next tokens are not of its prompts");
  for (size_t row = 0; row < m.next_pieces.size(); ++row)
    if (!m.next_pieces[row].empty() && m.next_pieces[row].size() != seen.next_tokens[row].size())
      return refused("its texts are not of its next tokens");

  std::vector<bool> taken(rows, false);
  size_t ran = 0;
  for (const MeasuredPrompt& prompt : m.prompts) {
    if (prompt.row.has_value() == prompt.error.has_value()) return refused("a prompt neither ran nor failed");
    if (!prompt.row) continue;
    if (*prompt.row >= rows || taken[*prompt.row]) return refused("a prompt has no row of its own");
    if (seen.tokens[*prompt.row] != static_cast<int64_t>(prompt.ids.size())) return refused("a prompt of other tokens");
    taken[*prompt.row] = true;
    ++ran;
  }
  if (ran != rows) return refused("a row is no prompt's");
  return {};
}

Result<std::string> measurement_record(const Measurement& m) {
  LSTAR_TRY(check_fits(m, m.identity.model));
  ByteWriter out;
  write_model(out, m);
  out.optional(m.prompts_read, [&](const PromptsRead& read) { write(out, read); });
  out.number(static_cast<uint32_t>(m.prompts.size()));
  for (const MeasuredPrompt& prompt : m.prompts) write(out, prompt);
  for (const MeasuredPrompt& prompt : m.prompts)
    if (prompt.row) write(out, observation_of(m, prompt));
  return seal_record(RecordKind::measurement, out.take());
}

Result<Measurement> read_measurement_record(std::string_view bytes, const std::string& source) {
  LSTAR_ASSIGN(const OpenedRecord record, open_record(RecordKind::measurement, bytes, source));
  ByteReader in(record.payload, source);
  Measurement m = read_model(in, record.version);
  m.prompts_read = in.optional([&] { return read_prompts_read(in); });
  constexpr size_t kSmallestPrompt = 8;  // a count and four flags
  m.prompts.resize(in.count(kSmallestPrompt));
  for (MeasuredPrompt& prompt : m.prompts) prompt = read_prompt(in);
  std::vector<PromptObservation> rows(static_cast<size_t>(
      std::count_if(m.prompts.begin(), m.prompts.end(), [](const auto& prompt) { return prompt.row.has_value(); })));
  for (const MeasuredPrompt& prompt : m.prompts) {
    if (!prompt.row || in.failed()) continue;
    if (*prompt.row >= rows.size()) {
      in.refuse("a prompt without a row");
      break;
    }
    PromptObservation& row = rows[*prompt.row];
    row = read_observation(in, record.version);
    if (row.layers != m.shape.layers || row.heads != m.shape.heads || row.ids != prompt.ids)
      in.refuse("an observation of another model or prompt");
  }
  LSTAR_TRY(in.end());
  set_rows(m, rows);
  LSTAR_TRY(check_fits(m, source));
  return m;
}

std::string model_record(const Measurement& m) {
  ByteWriter out;
  write_model(out, m);
  return seal_record(RecordKind::model, out.take());
}

Result<Measurement> read_model_record(std::string_view bytes, const std::string& source) {
  LSTAR_ASSIGN(const OpenedRecord record, open_record(RecordKind::model, bytes, source));
  ByteReader in(record.payload, source);
  Measurement m = read_model(in, record.version);
  LSTAR_TRY(in.end());
  LSTAR_TRY(check_fits(m, source));
  return m;
}

std::string prompt_record(const PromptObservation& seen) {
  ByteWriter out;
  write(out, seen);
  return seal_record(RecordKind::prompt, out.take());
}

Result<PromptObservation> read_prompt_record(std::string_view bytes, const std::string& source) {
  LSTAR_ASSIGN(const OpenedRecord record, open_record(RecordKind::prompt, bytes, source));
  ByteReader in(record.payload, source);
  PromptObservation seen = read_observation(in, record.version);
  LSTAR_TRY(in.end());
  return seen;
}

void write(ByteWriter& out, const Error& error) {
  out.text(name(error.kind));
  for (const std::string* part : {&error.what, &error.file, &error.at, &error.expected, &error.found}) out.text(*part);
}

Error read_error(ByteReader& in) {
  Error error{.kind = read_kind(in)};
  for (std::string* part : {&error.what, &error.file, &error.at, &error.expected, &error.found}) *part = in.text();
  return error;
}

void write(ByteWriter& out, const Identity& identity) {
  out.text(identity.model);
  out.text(identity.path);
  out.optional(identity.revision, [&](const std::string& revision) { out.text(revision); });
  out.text(identity.format);
  out.number(static_cast<uint32_t>(identity.files.size()));
  for (const FileIdentity& file : identity.files) {
    out.text(file.file);
    out.number(file.bytes);
    out.text(file.sha256);
  }
  out.text(identity.stored_dtype);
}

Identity read_identity(ByteReader& in) {
  Identity identity;
  identity.model = in.text();
  identity.path = in.text();
  identity.revision = in.optional([&] { return in.text(); });
  identity.format = in.text();
  identity.files.resize(in.count(sizeof(uint64_t) + 2 * sizeof(uint32_t)));
  for (FileIdentity& file : identity.files) {
    file.file = in.text();
    file.bytes = in.number<uint64_t>();
    file.sha256 = in.text();
  }
  identity.stored_dtype = in.text();
  return identity;
}

void write(ByteWriter& out, const std::optional<PromptId>& id) {
  out.optional(id, [&](const PromptId& given) {
    out.text(given.text);
    out.flag(given.is_number);
  });
}

std::optional<PromptId> read_prompt_id(ByteReader& in) {
  return in.optional([&] {
    PromptId id;
    id.text = in.text();
    id.is_number = in.flag();
    if (id.is_number && !is_number(id.text)) in.refuse("a prompt's number that is none");
    return id;
  });
}

void write(ByteWriter& out, const PromptsRead& read) {
  out.text(read.file);
  out.text(read.format);
  out.number(static_cast<uint64_t>(read.count));
}

PromptsRead read_prompts_read(ByteReader& in) {
  PromptsRead read;
  read.file = in.text();
  read.format = in.text();
  read.count = static_cast<size_t>(in.number<uint64_t>());
  return read;
}

Dtype read_dtype(ByteReader& in) {
  const auto dtype = parse_dtype(in.text());
  if (!dtype) in.refuse("an unknown dtype");
  return dtype.value_or(Dtype::float32);
}

HeadLayout read_head_layout(ByteReader& in) {
  const auto layout = parse_head_layout(in.text());
  if (!layout) in.refuse("an unknown head layout");
  return layout.value_or(HeadLayout::actual);
}

}  // namespace lstar
