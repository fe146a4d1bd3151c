"""Small tokenizers with the pipelines of published models, trained on the lines, one folder each."""
import io
import json

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

FLAGGED = [AddedToken("<|strip|>", lstrip=True, rstrip=True), AddedToken("<|word|>", single_word=True), AddedToken("<é>")]


def fields(message):
    """The fields of a protobuf message: (number, value); strings as bytes."""
    at = 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = number()
        if key & 7 == 0:
            yield key >> 3, number()
            continue
        size = number() if key & 7 == 2 else 4 if key & 7 == 5 else 8
        yield key >> 3, message[at : at + size]
        at += size


def train_sentencepiece(lines, **options):
    """A model of 1600 pieces at most, from the lines of European scripts; the bytes of its file."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(line for line in lines if line.strip() and len(line) < 2000 and max(line) < "\u0530"), model_writer=model,
        character_coverage=0.995, num_threads=1, minloglevel=2, **{"vocab_size": 1600, "model_type": "bpe", **options})
    return model.getvalue()


def charsmap_of(model):
    normalizer = dict(fields(model))[3]
    return dict(fields(normalizer))[2]


def pieces_of(model):
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    return [(processor.id_to_piece(i), round(processor.get_score(i), 4)) for i in range(processor.get_piece_size())]


def bpe_of(model, **options):
    """The merges of a SentencePiece BPE model: every split of a piece into two, the best piece first."""
    pieces = pieces_of(model)
    ids = {piece: i for i, (piece, _) in enumerate(pieces)}
    merges = []
    for piece, score in pieces:
        merges += [(-score, ids[piece[:i]], ids[piece[i:]], piece[:i], piece[i:]) for i in range(1, len(piece)) if piece[:i] in ids and piece[i:] in ids]
    return models.BPE(vocab=ids, merges=[tuple(merge[3:]) for merge in sorted(merges)], byte_fallback=True, fuse_unk=True, **options)


def template(tokenizer, single, *tokens):
    return processors.TemplateProcessing(single=single, special_tokens=[(token, tokenizer.token_to_id(token)) for token in tokens])


def bert_style(lines):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(lines, trainers.WordPieceTrainer(vocab_size=2600, limit_alphabet=900, special_tokens=specials, show_progress=False))
    tokenizer.add_tokens(FLAGGED)
    tokenizer.post_processor = template(tokenizer, "[CLS] $A [SEP]", "[CLS]", "[SEP]")
    tokenizer.enable_truncation(12)  # which a call does not ask for by default
    tokenizer.enable_padding(length=12)
    return tokenizer


def llama2_style(model):
    tokenizer = Tokenizer(bpe_of(model, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.add_tokens(FLAGGED)
    tokenizer.post_processor = template(tokenizer, "<s> $A", "<s>")
    return tokenizer


def mistral_style(model):
    tokenizer = Tokenizer(bpe_of(model, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.post_processor = template(tokenizer, "<s> $A </s>", "<s>", "</s>")
    return tokenizer


def gemma_style(model):
    tokenizer = Tokenizer(bpe_of(model, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>", "<|im_start|>"])
    tokenizer.add_tokens([AddedToken("\n\n", normalized=False), AddedToken("▁▁▁", normalized=False)])
    tokenizer.post_processor = template(tokenizer, "<s> $A", "<s>")
    return tokenizer


def t5_style(model):
    tokenizer = Tokenizer(models.Unigram(pieces_of(model), 2, False))
    tokenizer.normalizer = normalizers.Precompiled(charsmap_of(model))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")])
    tokenizer.add_special_tokens(["<pad>", "</s>", "<unk>"])
    tokenizer.add_tokens(FLAGGED)
    tokenizer.post_processor = template(tokenizer, "$A </s>", "</s>")
    return tokenizer


def albert_style(model):
    tokenizer = Tokenizer(models.Unigram(pieces_of(model), 0, True))
    steps = [normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Replace(Regex(" {2,}"), " ")]
    tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.add_tokens(FLAGGED)
    tokenizer.post_processor = processors.BertProcessing(("</s>", 2), ("<s>", 1))
    return tokenizer


def word_level_style(lines):
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Strip(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=False)])
    tokenizer.train_from_iterator(lines, trainers.WordLevelTrainer(vocab_size=1500, special_tokens=["<unk>", "<s>"], show_progress=False))
    tokenizer.add_tokens(FLAGGED)
    return tokenizer


def clip_style(lines):
    tokenizer = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>", continuing_subword_prefix=""))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    pattern = Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(pattern, "removed", invert=True)
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=2400, limit_alphabet=900, special_tokens=["<|endoftext|>"], end_of_word_suffix="</w>", show_progress=False))
    tokenizer.add_tokens(FLAGGED)
    tokenizer.post_processor = processors.RobertaProcessing(("<|endoftext|>", 0), ("<|endoftext|>", 0))
    return tokenizer


def styles(lines):
    """Name -> tokenizer."""
    bpe = train_sentencepiece(lines, byte_fallback=True, unk_id=0, bos_id=1, eos_id=2, normalization_rule_name="identity", remove_extra_whitespaces=False)
    t5 = train_sentencepiece(lines, model_type="unigram", vocab_size=1200, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    albert = train_sentencepiece(lines, model_type="unigram", vocab_size=1400, byte_fallback=True, normalization_rule_name="identity")
    return {
        "bert-style": bert_style(lines), "llama2-style": llama2_style(bpe), "mistral-style": mistral_style(bpe), "gemma-style": gemma_style(bpe),
        "t5-style": t5_style(t5), "albert-style": albert_style(albert), "word-level-style": word_level_style(lines), "clip-style": clip_style(lines)}


def sentencepiece_files(lines):
    """Name -> tokenizer.model: as Llama 2 and Gemma have it, and a unigram model with SentencePiece's own normalisation."""
    identity = {"normalization_rule_name": "identity", "remove_extra_whitespaces": False, "byte_fallback": True}
    return {
        "llama": train_sentencepiece(lines, unk_id=0, bos_id=1, eos_id=2, **identity),
        "gemma": train_sentencepiece(lines, add_dummy_prefix=False, user_defined_symbols=["\n", "\n\n", "▁▁", "▁▁▁", "<b>"], control_symbols=["<mask>", "<|im_start|>"],
                                     pad_id=0, eos_id=1, bos_id=2, unk_id=3, pad_piece="<pad>", eos_piece="<eos>", bos_piece="<bos>", **identity),
        "unigram": train_sentencepiece(lines, model_type="unigram", vocab_size=1200, unk_id=0, bos_id=1, eos_id=2),
    }


def make_styles(lines, write_folder, data):
    for name, tokenizer in styles(lines).items():
        write_folder(name, json.loads(tokenizer.to_str()), {"tokenizer_class": "PreTrainedTokenizerFast"})
    vocabulary = json.loads((data / "bert-style" / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    (data / "vocabularies").mkdir(exist_ok=True)
    for name, model in sentencepiece_files(lines).items():
        (data / "vocabularies" / name).mkdir(exist_ok=True)
        (data / "vocabularies" / name / "tokenizer.model").write_bytes(model)
    (data / "vocabularies" / "bert").mkdir(exist_ok=True)
    (data / "vocabularies" / "bert" / "vocab.txt").write_text("".join(piece + "\n" for piece in sorted(vocabulary, key=vocabulary.get)), encoding="utf-8")
