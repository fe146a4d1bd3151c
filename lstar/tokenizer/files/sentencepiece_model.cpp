// Reads SentencePiece's own file, tokenizer.model: a protobuf message of pieces, what the trainer was told and what is
// done to a text first. Only the fields that ids depend on are looked at, and no library is linked for it.
#include <algorithm>
#include <bit>
#include <optional>
#include <set>
#include <string_view>

#include <fmt/core.h>

#include "lstar/base/atomic_file.h"
#include "lstar/base/limits.h"
#include "lstar/base/text.h"
#include "lstar/tokenizer/pipeline/pipeline.h"

namespace lstar {
namespace {

using Type = SentencePieceBpe::Type;

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
  std::vector<Type> types;
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
  if (message.is_broken() || type < 1 || type > 6 || !is_utf8(piece)) return false;
  proto.pieces.push_back(piece);
  proto.scores.push_back(score);
  proto.types.push_back(static_cast<Type>(type));
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

// Whether the rule is LlamaTokenizer's.
bool marks_first(SentencePieceRule rule) {
  return rule == SentencePieceRule::llama_first || rule == SentencePieceRule::llama_always ||
         rule == SentencePieceRule::llama_never;
}

bool follows_file(SentencePieceRule rule) {
  return rule == SentencePieceRule::as_the_file_says || rule == SentencePieceRule::file_first;
}

// A piece gets the name that the settings have for its id, unless a piece that keeps its own has it.
void rename(const PieceNames& names, Proto& proto) {
  std::set<std::string_view> kept;
  for (size_t id = 0; id < proto.pieces.size(); ++id)
    if (!names.contains(static_cast<int64_t>(id))) kept.insert(proto.pieces[id]);
  for (const auto& [id, name] : names)
    if (id >= 0 && id < static_cast<int64_t>(proto.pieces.size()) && !kept.contains(name))
      proto.pieces[static_cast<size_t>(id)] = name;
}

std::string_view text_of(const Proto& proto, int64_t id) {
  return id >= 0 && id < static_cast<int64_t>(proto.pieces.size()) ? proto.pieces[static_cast<size_t>(id)]
                                                                   : std::string_view();
}

// The merges that `transformers` makes for a class: whatever two pieces make a third is merged, the piece of the
// smallest id first. Over its published models LlamaTokenizer's ids are SentencePiece's.
Result<WordModel> make_merges(const Proto& proto, Vocabulary vocabulary, SentencePieceRule rule) {
  std::vector<BpeMerge> merges;
  for (const std::string_view piece : proto.pieces) {
    if (piece.size() > limits::kMergedPiece)
      return fail({.kind = ErrorKind::unsupported,
                   .what = "a piece is too long to look for its merges",
                   .expected = fmt::format("at most {} bytes", limits::kMergedPiece),
                   .found = fmt::format("{}", piece.size())});
    for (size_t at = 1; at < piece.size(); ++at)
      if (vocabulary.find(piece.substr(0, at)) >= 0 && vocabulary.find(piece.substr(at)) >= 0)
        merges.push_back({piece.substr(0, at), piece.substr(at)});
  }
  BpeOptions options{.fuse_unknown = true, .byte_fallback = true};
  if (rule == SentencePieceRule::gemma) options.unknown = text_of(proto, proto.unknown);
  LSTAR_ASSIGN(WordModel model, Bpe::make(std::move(vocabulary), merges, std::move(options)));
  return model;
}

Result<WordModel> make_model(const Proto& proto, SentencePieceRule rule) {
  std::vector<VocabularyEntry> entries;
  for (const std::string_view piece : proto.pieces) entries.push_back({piece, static_cast<int64_t>(entries.size())});
  LSTAR_ASSIGN(Vocabulary vocabulary, Vocabulary::make(entries));
  const bool is_known = proto.model_type == 1 || proto.model_type == 2;
  if (is_known && (marks_first(rule) || (proto.model_type == 1 && !follows_file(rule))))
    return make_merges(proto, std::move(vocabulary), rule);
  if (proto.model_type == 1) {
    LSTAR_ASSIGN(WordModel model, Unigram::make(std::move(vocabulary), {proto.scores.begin(), proto.scores.end()},
                                                proto.unknown, proto.byte_fallback));
    return model;
  }
  if (proto.model_type == 2) {
    const bool isolates = std::find(proto.types.begin(), proto.types.end(), Type::user_defined) != proto.types.end();
    LSTAR_ASSIGN(WordModel model, SentencePieceBpe::make(std::move(vocabulary), proto.scores, proto.types,
                                                         isolates && follows_file(rule)));
    return model;
  }
  return fail({.kind = ErrorKind::unsupported,
               .what = "model type not supported",
               .expected = "unigram (1) or BPE (2)",
               .found = fmt::format("{}", proto.model_type)});
}

// What SentencePiece does to a text, in its order.
Result<void> follow_file(const Proto& proto, bool first_only, TokenizerPipeline& pipeline) {
  using Prepend = MarkSpaces::Prepend;
  auto& steps = pipeline.normalizer.steps;
  const std::string marker(kMarker);
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

Result<void> set_text(const Proto& proto, SentencePieceRule rule, TokenizerPipeline& pipeline) {
  using Prepend = MarkSpaces::Prepend;
  if (proto.space_behind) return fail(ErrorKind::unsupported, "a model that puts spaces behind words is not supported");
  pipeline.marks_spaces = true;
  const auto mark = [&](Prepend prepend) {
    pipeline.pre_tokenizer.steps.emplace_back(MarkSpaces{.marker = std::string(kMarker), .prepend = prepend});
  };
  switch (rule) {
    case SentencePieceRule::as_the_file_says: return follow_file(proto, false, pipeline);
    case SentencePieceRule::file_first: return follow_file(proto, true, pipeline);
    case SentencePieceRule::llama_first: mark(Prepend::first); break;
    case SentencePieceRule::llama_always: mark(Prepend::always); break;
    case SentencePieceRule::llama_never: mark(Prepend::never); break;
    case SentencePieceRule::gemma:
      pipeline.normalizer.steps.emplace_back(ReplaceText{.pattern = " ", .content = std::string(kMarker)});
      break;
  }
  return {};
}

// Control pieces are special tokens, by the names of the file. User-defined ones the classes find in a text like them.
// By the file's rule they are words, found behind all that is done to the text: no "▁" is put behind one.
Result<void> add_pieces(const Proto& proto, const std::vector<std::string_view>& own_names, SentencePieceRule rule,
                        SentencePieceFile& file) {
  TokenizerPipeline& pipeline = *file.pipeline;
  const Vocabulary& vocabulary = pipeline.model.vocabulary();
  const auto isolated = std::make_shared<AddedTokens>();
  for (size_t id = 0; id < proto.pieces.size(); ++id) {
    const Type type = proto.types[id];
    if (type != Type::control && type != Type::unknown && type != Type::user_defined) continue;
    if (type == Type::user_defined && follows_file(rule)) {
      isolated->add({.content = std::string(proto.pieces[id]), .normalized = false}, vocabulary);
      continue;
    }
    const bool is_special = type != Type::user_defined;
    AddedToken token{.content = std::string(own_names[id]),
                     .special = is_special,
                     .normalized = !is_special && rule == SentencePieceRule::gemma && proto.model_type == 2};
    if (type == Type::control && vocabulary.find(token.content) < 0)
      file.lost.push_back(std::move(token));
    else
      pipeline.added.add(std::move(token), vocabulary);
  }
  if (isolated->size() == 0) return {};
  LSTAR_TRY(isolated->finish({}));
  pipeline.pre_tokenizer.steps.emplace_back(PieceSplit{isolated});
  return {};
}

Result<SentencePieceFile> read(std::string_view bytes, SentencePieceRule rule, const std::string& path,
                               const PieceNames& names) {
  LSTAR_ASSIGN(Proto proto, parse(bytes));
  const std::vector<std::string_view> own_names = proto.pieces;
  if (follows_file(rule) && proto.model_type == 2) rename(names, proto);
  SentencePieceFile file{.pipeline = std::make_shared<TokenizerPipeline>()};
  file.pipeline->source = path;
  if (proto.model_type == 1 && !follows_file(rule))
    file.pipeline->warnings.emplace_back(
        "tokenizer.model is of unigrams, which its class reads as merges, as in transformers; SentencePiece has other "
        "ids");
  LSTAR_ASSIGN(file.pipeline->model, make_model(proto, rule));
  LSTAR_TRY(set_text(proto, rule, *file.pipeline));
  LSTAR_TRY(add_pieces(proto, own_names, rule, file));
  file.defaults.bos = text_of(proto, proto.bos);
  file.defaults.eos = text_of(proto, proto.eos);
  file.has_dummy_prefix = follows_file(rule) && proto.dummy_prefix;
  return file;
}

Result<SentencePieceFile> renumber(std::string_view bytes, const std::string& path, const PiecesAround& around,
                                   int64_t unknown) {
  LSTAR_ASSIGN(const Proto proto, parse(bytes));
  if (proto.model_type != 1)
    return fail({.kind = ErrorKind::unsupported,
                 .what = "model type not supported by the folder's tokenizer class",
                 .expected = "unigram (1)",
                 .found = fmt::format("{}", proto.model_type)});
  std::vector<VocabularyEntry> entries;
  std::vector<double> scores;
  const auto add = [&](std::string_view piece, double score) {
    entries.push_back({piece, static_cast<int64_t>(entries.size())});
    scores.push_back(score);
  };
  for (const auto& [piece, score] : around.front) add(piece, score);
  for (size_t id = around.skipped; id < proto.pieces.size(); ++id) add(proto.pieces[id], proto.scores[id]);
  add(around.last, 0);
  SentencePieceFile file{.pipeline = std::make_shared<TokenizerPipeline>()};
  file.pipeline->source = path;
  LSTAR_ASSIGN(Vocabulary vocabulary, Vocabulary::make(entries));
  LSTAR_ASSIGN(file.pipeline->model, Unigram::make(std::move(vocabulary), std::move(scores), unknown, false));
  if (!proto.charsmap.empty()) {
    LSTAR_ASSIGN(Charsmap map, Charsmap::make(proto.charsmap));
    file.pipeline->normalizer.steps.emplace_back(MappedText{std::make_shared<const Charsmap>(std::move(map))});
  }
  for (size_t id = 0; id < proto.pieces.size(); ++id)
    if (proto.types[id] == Type::control || proto.types[id] == Type::user_defined)
      file.pipeline->added.add(
          {.content = std::string(proto.pieces[id]), .special = proto.types[id] == Type::control, .normalized = false},
          file.pipeline->model.vocabulary());
  return file;
}

}  // namespace

Result<SentencePieceFile> read_sentencepiece_unigrams(const std::string& path, const PiecesAround& around,
                                                      int64_t unknown) {
  LSTAR_ASSIGN(const std::string bytes, read_file(path, kLargestFile));
  auto file = renumber(bytes, path, around, unknown);
  if (!file) return fail(std::move(file).error().in(path));
  return file;
}

Result<SentencePieceFile> read_sentencepiece_model(const std::string& path, SentencePieceRule rule,
                                                   const PieceNames& names) {
  LSTAR_ASSIGN(const std::string bytes, read_file(path, kLargestFile));
  return parse_sentencepiece_model(bytes, rule, path, names);
}

Result<SentencePieceFile> parse_sentencepiece_model(std::string_view bytes, SentencePieceRule rule,
                                                    const std::string& source, const PieceNames& names) {
  auto file = read(bytes, rule, source, names);
  if (!file) return fail(std::move(file).error().in(source));
  return file;
}

}  // namespace lstar
