// Reads SentencePiece's own file, tokenizer.model: a protobuf message of pieces, what the trainer was told and what is
// done to a text first. Only the fields that ids depend on are looked at, and no library is linked for it.
#include <bit>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <simdjson.h>

#include "lstar/base/atomic_file.h"
#include "lstar/tokenizer/pipeline.h"

namespace lstar {
namespace {

constexpr size_t kLargestFile = size_t{1} << 28;  // bytes; a vocabulary of 256,000 has 4 MB

// A field of a message: a number, or the bytes of a string or of a message within.
struct Field {
  uint64_t number = 0;
  uint64_t value = 0;      // of a varint, or the bits of a fixed32
  std::string_view bytes;  // of a string
};

// Walks over the fields of a message.
class Message {
 public:
  explicit Message(std::string_view bytes) : bytes_(bytes) {}

  // The next field; nothing at the end, or where the message is broken.
  std::optional<Field> next() {
    if (at_ == bytes_.size()) return std::nullopt;
    Field field;
    uint64_t size = 0;
    const auto key = varint();
    if (!key) return broken();
    field.number = *key >> 3;
    switch (*key & 7) {
      case 0: {
        const auto value = varint();
        if (!value) return broken();
        field.value = *value;
        return field;
      }
      case 1: size = 8; break;
      case 2: {
        const auto length = varint();
        if (!length) return broken();
        size = *length;
        break;
      }
      case 5: size = 4; break;
      default: return broken();
    }
    if (size > bytes_.size() - at_) return broken();
    field.bytes = bytes_.substr(at_, size);
    at_ += size;
    if ((*key & 7) == 5)
      for (size_t i = 4; i-- > 0;) field.value = field.value << 8 | static_cast<unsigned char>(field.bytes[i]);
    return field;
  }

  bool is_broken() const { return broken_; }

 private:
  std::optional<Field> broken() {
    broken_ = true;
    return std::nullopt;
  }

  std::optional<uint64_t> varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at_ < bytes_.size(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  std::string_view bytes_;
  size_t at_ = 0;
  bool broken_ = false;
};

// The message as far as it is read, with the defaults of its definition. Views look into the file's bytes.
struct Proto {
  std::vector<std::string_view> pieces;
  std::vector<float> scores;
  std::vector<SentencePieceBpe::Type> types;
  uint64_t model_type = 1;  // 1 unigram, 2 BPE
  bool byte_fallback = false, space_behind = false;
  int64_t unknown = 0, bos = 1, eos = 2;
  std::string_view charsmap;
  bool dummy_prefix = true, removes_spaces = true, marks_spaces = true;
};

bool read_piece(std::string_view bytes, Proto& proto) {
  Message message(bytes);
  std::string_view piece;
  float score = 0;
  uint64_t type = 1;
  while (const auto field = message.next()) {
    if (field->number == 1) piece = field->bytes;
    if (field->number == 2) score = std::bit_cast<float>(static_cast<uint32_t>(field->value));
    if (field->number == 3) type = field->value;
  }
  if (message.is_broken() || type < 1 || type > 6 || !simdjson::validate_utf8(piece.data(), piece.size())) return false;
  proto.pieces.push_back(piece);
  proto.scores.push_back(score);
  proto.types.push_back(static_cast<SentencePieceBpe::Type>(type));
  return true;
}

bool read_trainer(std::string_view bytes, Proto& proto) {
  Message message(bytes);
  while (const auto field = message.next()) {
    const auto id = static_cast<int32_t>(field->value);
    if (field->number == 3) proto.model_type = field->value;
    if (field->number == 24) proto.space_behind = field->value != 0;
    if (field->number == 35) proto.byte_fallback = field->value != 0;
    if (field->number == 40) proto.unknown = id;
    if (field->number == 41) proto.bos = id;
    if (field->number == 42) proto.eos = id;
  }
  return !message.is_broken();
}

bool read_normalizer(std::string_view bytes, Proto& proto) {
  Message message(bytes);
  while (const auto field = message.next()) {
    if (field->number == 2) proto.charsmap = field->bytes;
    if (field->number == 3) proto.dummy_prefix = field->value != 0;
    if (field->number == 4) proto.removes_spaces = field->value != 0;
    if (field->number == 5) proto.marks_spaces = field->value != 0;
  }
  return !message.is_broken();
}

Result<Proto> parse(std::string_view bytes) {
  Proto proto;
  Message message(bytes);
  while (const auto field = message.next()) {
    if (field->number == 1 && !read_piece(field->bytes, proto))
      return fail(Error{.what = "broken piece", .at = fmt::format("piece {}", proto.pieces.size())});
    if (field->number == 2 && !read_trainer(field->bytes, proto)) return fail("broken trainer_spec");
    if (field->number == 3 && !read_normalizer(field->bytes, proto)) return fail("broken normalizer_spec");
  }
  if (message.is_broken() || proto.pieces.empty()) return fail("not a SentencePiece model");
  return proto;
}

Result<Model> make_model(const Proto& proto) {
  std::vector<VocabularyEntry> entries;
  for (const std::string_view piece : proto.pieces) entries.push_back({piece, static_cast<int64_t>(entries.size())});
  LSTAR_ASSIGN(Vocabulary vocabulary, Vocabulary::make(entries));
  if (proto.model_type == 1) {
    LSTAR_ASSIGN(Model model, Unigram::make(std::move(vocabulary), {proto.scores.begin(), proto.scores.end()},
                                            proto.unknown, proto.byte_fallback));
    return model;
  }
  if (proto.model_type == 2) {
    LSTAR_ASSIGN(Model model, SentencePieceBpe::make(std::move(vocabulary), proto.scores, proto.types));
    return model;
  }
  return fail({.what = "model type not supported",
               .expected = "unigram (1) or BPE (2)",
               .found = fmt::format("{}", proto.model_type)});
}

// What SentencePiece does to a text, in its order.
Result<void> set_normalizer(const Proto& proto, SentencePieceRule rule, TokenizerPipeline& pipeline) {
  using Prepend = MarkSpaces::Prepend;
  if (proto.space_behind) return fail("a model that puts spaces behind words is not supported");
  auto& steps = pipeline.normalizer.steps;
  pipeline.marks_spaces = true;
  const std::string marker(kMarker);
  const bool first_only = rule == SentencePieceRule::file_first;
  if (rule != SentencePieceRule::as_the_file_says && !first_only) {
    if (proto.model_type == 1)
      return fail({.what = "LlamaTokenizer over another kind of model is not supported",
                   .expected = "BPE (2)",
                   .found = "unigram (1)"});
    const Prepend prepend = rule == SentencePieceRule::llama_first   ? Prepend::first
                            : rule == SentencePieceRule::llama_never ? Prepend::never
                                                                     : Prepend::always;
    pipeline.pre_tokenizer.steps.emplace_back(MarkSpaces{.marker = marker, .prepend = prepend});
    return {};
  }
  if (!proto.charsmap.empty()) {
    LSTAR_ASSIGN(Charsmap map, Charsmap::make(proto.charsmap));
    steps.emplace_back(MappedText{std::make_shared<const Charsmap>(std::move(map))});
  }
  if (proto.removes_spaces) {
    LSTAR_ASSIGN(Regex ends, Regex::compile(R"(\A +| +\z)"));
    LSTAR_ASSIGN(Regex runs, Regex::compile(" {2,}"));
    steps.emplace_back(ReplaceText{.pattern = std::move(ends)});
    steps.emplace_back(ReplaceText{.pattern = std::move(runs), .content = " "});
  }
  if (proto.marks_spaces) steps.emplace_back(ReplaceText{.pattern = " ", .content = marker});
  if (!proto.dummy_prefix) return {};
  if (!first_only) {  // a "▁" goes in front of each stretch, also of one that begins with "▁"
    LSTAR_ASSIGN(Regex start, Regex::compile("\\A\u2581"));
    steps.emplace_back(ReplaceText{.pattern = std::move(start), .content = marker + marker});
  }
  pipeline.pre_tokenizer.steps.emplace_back(
      MarkSpaces{.marker = marker, .prepend = first_only ? Prepend::first : Prepend::always});
  return {};
}

Result<SentencePieceFile> read(std::string_view bytes, SentencePieceRule rule, const std::string& path) {
  using Type = SentencePieceBpe::Type;
  LSTAR_ASSIGN(const Proto proto, parse(bytes));
  SentencePieceFile file{.pipeline = std::make_shared<TokenizerPipeline>()};
  file.pipeline->source = path;
  LSTAR_ASSIGN(file.pipeline->model, make_model(proto));
  LSTAR_TRY(set_normalizer(proto, rule, *file.pipeline));
  for (size_t id = 0; id < proto.pieces.size(); ++id) {
    const Type type = proto.types[id];
    if (type != Type::control && type != Type::unknown && type != Type::user_defined) continue;
    file.pipeline->added.add({.content = std::string(proto.pieces[id]),
                              .special = type != Type::user_defined,
                              .normalized = type == Type::user_defined},
                             file.pipeline->model.vocabulary());
  }
  const auto text_of = [&](int64_t id) {
    return id >= 0 && id < static_cast<int64_t>(proto.pieces.size()) ? proto.pieces[static_cast<size_t>(id)]
                                                                     : std::string_view();
  };
  file.defaults.bos = text_of(proto.bos);
  file.defaults.eos = text_of(proto.eos);
  return file;
}

}  // namespace

Result<SentencePieceFile> read_sentencepiece_model(const std::string& path, SentencePieceRule rule) {
  LSTAR_ASSIGN(const std::string bytes, read_file(path, kLargestFile));
  return parse_sentencepiece_model(bytes, rule, path);
}

Result<SentencePieceFile> parse_sentencepiece_model(std::string_view bytes, SentencePieceRule rule,
                                                    const std::string& source) {
  auto file = read(bytes, rule, source);
  if (!file) return fail(std::move(file).error().in(source));
  return file;
}

}  // namespace lstar
