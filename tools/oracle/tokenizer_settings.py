"""What AutoTokenizer makes of a folder's settings: which class it picks, and what the class takes from tokenizer_config.json,
special_tokens_map.json, added_tokens.json and tokenizer.json.

    python tools/oracle/tokenizer_settings.py      # run from the repository root; writes tests/data/tokenizer/settings.json, settings_files.json

One small vocabulary serves all classes of merges and word pieces, another those of unigrams. A case is a folder, [base,
number of what replaces its components, number of the result, other files]; null in place of components is a folder without a
tokenizer.json, with vocab.json and merges.txt or, where the base is a path, with that file. A result is the size and the ids of the base's texts, or "refused", where
`transformers` gave an error: mostly for null where a flag should stand, which lstar takes for absent.
"""
import json
import logging
import os
import random
import re
import shutil
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
import tokenizers
import transformers
from tokenizers.pre_tokenizers import ByteLevel
from transformers import AutoTokenizer

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "<|endoftext|>", "<s>", "</s>", "<unk>", "<pad>", "<bos>", "<eos>", "<BOS_TOKEN>", "<|im_start|>"]
# Each merge is one that some class's way of cutting words prevents: a space in front, digits, signs before letters, newlines.
MERGES = ["Ġ a", "a b", "Ġa b", "1 2", "12 3", "Ġ 1", "( a", "(a b", "' S", "' s", "Ċ Ċ", "Ã ©", "Ġ Ġ", "▁ a", "▁a b", "▁ ▁", "▁ 1", "▁ab ▁ab", "b ▁"]
WORDS = ["##b", "##3", "##12", "cafe", "café", "Cafe", "Café", "paris", "Paris", "日", "本", "##本", "it", "##s", "'", "<0xE6>", "<0x97>", "<0xA5>", "<0x41>"]


def mixed_base():
    alphabet = sorted(ByteLevel.alphabet())
    pieces = [*SPECIALS, *alphabet, "▁", *(merge.replace(" ", "") for merge in MERGES), *WORDS]
    vocab = {}
    for piece in pieces:
        vocab.setdefault(piece, len(vocab))
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [added(vocab[name], name) for name in SPECIALS[:9]],
        "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": False, "byte_fallback": False, "vocab": vocab, "merges": MERGES}}


def unigram_base():
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -3.0), ("▁a", -4.0), ("a", -5.0), ("b", -5.0), ("ab", -6.0), ("▁ab", -6.5),
              ("e", -5.0), ("é", -7.0), ("1", -5.0), ("▁1", -5.5), ("12", -6.0), ("s", -5.0), ("i", -5.0), ("t", -5.0), ("f", -4.0), ("fi", -4.5), ("<mask>", 0.0)]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [added(i, pieces[i][0]) for i in range(4)],
        "normalizer": None, "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "post_processor": None, "decoder": None, "model": {"type": "Unigram", "unk_id": 3, "byte_fallback": False, "vocab": pieces}}


def added(id, content, **flags):
    return {"id": id, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True, **flags}


TEXTS = {
    "mixed": ["ab ab", " ab", "ab  ab 123 1", "(ab it's ab'S", "e\u0301 \u00e9 Caf\u00e9", "ab<|endoftext|>ab <pad> ab", "ab\n\nab", "ab<X>ab <Y> ab", "日本A",
              "<s>ab</s> <mask>ab", "[MASK] ab[CLS]", "Paris <unk> <|im_start|>ab", ""],
    "unigram": ["ab ab", " ab", "ab  12", "e\u0301 \u00e9", "ab<s>ab <mask>ab", "\ufb01 <X>ab", "z <unk> it's", ""],
}
SENTENCEPIECE = {name: f"tests/data/tokenizer/vocabularies/{name}/tokenizer.model" for name in ("llama", "unigram", "symbols", "symbols-unigram")}
for _name in SENTENCEPIECE:
    if _name.startswith("symbols"):
        TEXTS[f"{_name}.model"] = ["the <X>the", "<|im_start|>the\n", "the<X>of <X> the  <X", "<X>", "<X>the<X>", " of <|im_start|> <X>the<s> the <X>", "<Y>the<X> <Y> the", "\u2581<X>\u2581the", ""]
        continue
    TEXTS[f"{_name}.model"] = ["ab the", " ab", "  of the 12 ▁", "ab<s>ab </s> ab", "<X>the <Y> of", "é e\u0301 日", "<pad> \n the ", ""]
WORD_PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "ab", "##b", "##3", "the", "a", "1", "12", "cafe", "café", "Café", "é", "日", "'", "s", "<s>"]
TEXTS["words"] = ["ab ab", "ab  ab 123 1", "e\u0301 \u00e9 Caf\u00e9", "日本 the", "ab<X>ab <Y> ab [MASK]", "<s>ab it's", ""]
SENTENCEPIECE["unigram.bpe"], TEXTS["unigram.bpe.model"] = SENTENCEPIECE["unigram"], TEXTS["unigram.model"]  # as fairseq names it
BASES = {"mixed": mixed_base(), "words": WORD_PIECES, "unigram": unigram_base(), **{f"{name}.model": path for name, path in SENTENCEPIECE.items()}}

BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
BYTES_PREFIX = {**BYTES, "add_prefix_space": True}
DIGITS_BYTES = {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, BYTES]}
BERT_LOWER = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
BERT_CASED = {**BERT_LOWER, "lowercase": False}
LLAMA2 = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
METASPACE = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}


def template(first, last, vocab):
    def special(name):
        return [{"SpecialToken": {"id": name, "type_id": 0}}] if name else []
    return {"type": "TemplateProcessing", "single": [*special(first), {"Sequence": {"id": "A", "type_id": 0}}, *special(last)],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {name: {"id": name, "ids": [vocab[name]], "tokens": [name]} for name in (first, last) if name}}


VOCAB = BASES["mixed"]["model"]["vocab"]
POSTS = [None, template("<s>", None, VOCAB), template("[CLS]", "</s>", VOCAB),
         {"type": "RobertaProcessing", "sep": ["</s>", VOCAB["</s>"]], "cls": ["<s>", VOCAB["<s>"]], "trim_offsets": True, "add_prefix_space": True}]
PIPELINES = [{"pre_tokenizer": BYTES}, {"pre_tokenizer": BYTES_PREFIX}, {"pre_tokenizer": DIGITS_BYTES, "normalizer": {"type": "NFC"}}, {},
             {"normalizer": BERT_LOWER, "pre_tokenizer": {"type": "BertPreTokenizer"}}, {"normalizer": BERT_CASED, "pre_tokenizer": {"type": "BertPreTokenizer"}},
             {"normalizer": LLAMA2}, {"pre_tokenizer": METASPACE}]

CLASSES = ["LlamaTokenizer", "GPT2Tokenizer", "CodeGenTokenizer", "GPTNeoXTokenizer", "Qwen2Tokenizer", "GemmaTokenizer", "CohereTokenizer", "BertTokenizer",
           "RobertaTokenizer", "CodeLlamaTokenizer", "PreTrainedTokenizerFast"]
ALIASES = ["LlamaTokenizerFast", "GPT2TokenizerFast", "CodeGenTokenizerFast", "GPTNeoXTokenizerFast", "Qwen2TokenizerFast", "GemmaTokenizerFast", "CohereTokenizerFast",
           "BertTokenizerFast", "RobertaTokenizerFast", "CodeLlamaTokenizerFast", "DistilBertTokenizer", "DistilBertTokenizerFast", "ElectraTokenizer", "BartTokenizer",
           "LongformerTokenizer", "BloomTokenizerFast", "PreTrainedTokenizer", "TokenizersBackend", "FooTokenizer", "Qwen3TokenizerFast"]
WRAPPERS = ["gemma3", "llava", "llava_next", "paligemma", "internvl", "mistral3", "ministral", "ministral3", "idefics3", "smolvlm", "qwen2_vl", "qwen2_5_vl", "mllama",
            "modernbert", "distilbert", "electra", "jamba", "longformer", "xlm-roberta", "foo", None]
FLAGS = ["do_lower_case", "strip_accents", "tokenize_chinese_chars", "add_prefix_space", "split_special_tokens", "legacy", "add_bos_token", "add_eos_token", "trim_offsets",
         "clean_up_tokenization_spaces"]
ROLES = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"]
ABSENT = object()


def families():
    source = Path("lstar/architecture/family.cpp").read_text()
    return re.findall(r'^    \{"(\w+)", "', source, re.M)


def token(content, **flags):
    return {"__type": "AddedToken", "content": content, "lstrip": False, "rstrip": False, "single_word": False, "normalized": False, **flags}


TOKEN_CHOICES = ["<Y>", "</s>", "<X>", None, token("<X>", normalized=True), token("<Y>", lstrip=True), token("<mask>", lstrip=True), token("<pad>", rstrip=True, normalized=True)]
EXTRAS = [["<X>"], {"image_token": "<X>"}, {"image_token": "<X>", "b_token": "<Y>"}, None, [], {}, ["<X>", token("<Y>", normalized=True)], ["<Y>", "<s>"]]
DECODERS = [
    {}, {"5": added(0, "<s>", lstrip=True), "400": added(0, "<X>")}, {"401": added(0, "<Y>"), "400": added(0, "<X>", normalized=True, special=False)},
    {"8": added(0, "<pad>", normalized=True, rstrip=True), "6": added(0, "</s>"), "2": added(0, "[CLS]")}]
for _decoder in DECODERS:
    for _token in _decoder.values():
        del _token["id"]
MAPS = [{"bos_token": "<Y>"}, {"eos_token": {"content": "<X>", "lstrip": False, "rstrip": True, "normalized": True, "single_word": False}},
        {"additional_special_tokens": ["<X>", "<Y>"]}, {"sep_token": "<Y>", "cls_token": "<X>", "mask_token": "<mask>"}, {"pad_token": None}, {"extra_special_tokens": ["<Y>"]}]


def cases():
    """(base, replaced components, other files); a file of None is not there."""
    types = [*families(), *WRAPPERS]
    for model_type in types:
        config = {"model_type": model_type} if model_type else None
        for name in [ABSENT, *CLASSES, *ALIASES]:
            settings = {} if name is ABSENT else {"tokenizer_class": name}
            for pipeline in (PIPELINES[1], PIPELINES[3]) if name in CLASSES else (PIPELINES[1],):
                yield "mixed", {**pipeline, "post_processor": POSTS[2]}, {"config.json": config, "tokenizer_config.json": settings}
        for name in ("LlamaTokenizer", "GPT2Tokenizer", "PreTrainedTokenizerFast", "BertTokenizer"):
            files = {"config.json": {**(config or {}), "tokenizer_class": name}}
            for pipeline in (PIPELINES[1], PIPELINES[3]):
                yield "mixed", {**pipeline}, {**files, "tokenizer_config.json": {}}
                yield "mixed", {**pipeline}, {**files, "tokenizer_config.json": {"tokenizer_class": "GPTNeoXTokenizer"}}
                yield "mixed", {**pipeline}, {"config.json": config, "tokenizer_config.json": {"tokenizer_class": name, "auto_map": {"AutoTokenizer": [None, "a.B"]}}}
    for name in CLASSES:
        for pipeline in PIPELINES:
            for post in POSTS:
                yield "mixed", {**pipeline, "post_processor": post}, {"tokenizer_config.json": {"tokenizer_class": name}}
        lists = {"extra_special_tokens": EXTRAS, "additional_special_tokens": EXTRAS[:1] + EXTRAS[3:5] + EXTRAS[6:], "added_tokens_decoder": DECODERS}
        for key, values in [*((flag, (True, False, None)) for flag in FLAGS), *((role, TOKEN_CHOICES) for role in ROLES), ("image_token", TOKEN_CHOICES), *lists.items()]:
            for value in values:
                for pipeline in (PIPELINES[0], PIPELINES[3]):
                    yield "mixed", {**pipeline, "post_processor": POSTS[1]}, {"tokenizer_config.json": {"tokenizer_class": name, key: value}}
        for value in MAPS:
            yield "mixed", PIPELINES[0], {"tokenizer_config.json": {"tokenizer_class": name}, "special_tokens_map.json": value}
            yield "mixed", PIPELINES[0], {"tokenizer_config.json": {"tokenizer_class": name, "added_tokens_decoder": DECODERS[1]}, "special_tokens_map.json": value}
        yield "mixed", PIPELINES[0], {"tokenizer_config.json": {"tokenizer_class": name}, "added_tokens.json": {"<Y>": 401, "<X>": 400}}
    for name in ("XLMRobertaTokenizer", "XLMRobertaTokenizerFast", "CamembertTokenizer", "PreTrainedTokenizerFast"):
        for flag in (ABSENT, "add_prefix_space", "split_special_tokens", "mask_token", "extra_special_tokens"):
            choices = {"mask_token": TOKEN_CHOICES, "extra_special_tokens": EXTRAS}.get(flag, (True, False, None))
            for value in choices if flag is not ABSENT else (ABSENT,):
                for normalizer in (None, {"type": "Lowercase"}, {"type": "Precompiled", "precompiled_charsmap": FI_CHARSMAP}):
                    for model_type in ("bert", "roberta", "llama"):
                        settings = {"tokenizer_class": name, **({} if flag is ABSENT else {flag: value})}
                        yield "unigram", {"normalizer": normalizer}, {"config.json": {"model_type": model_type}, "tokenizer_config.json": settings}
    rng = random.Random(5)
    for _ in range(3000):
        settings = {"tokenizer_class": rng.choice(CLASSES)} if rng.random() < 0.9 else {}
        for flag in FLAGS:
            if rng.random() < 0.4:
                settings[flag] = rng.random() < 0.5
        for role in [*ROLES, "image_token"]:
            if rng.random() < 0.15:
                settings[role] = rng.choice(TOKEN_CHOICES)
        for key, choices in (("extra_special_tokens", EXTRAS), ("additional_special_tokens", EXTRAS[:1] + EXTRAS[6:]), ("added_tokens_decoder", DECODERS)):
            if rng.random() < 0.25:
                settings[key] = rng.choice(choices)
        items = list(settings.items())
        rng.shuffle(items)
        files = {"tokenizer_config.json": dict(items)}
        if rng.random() < 0.25:
            files["special_tokens_map.json"] = rng.choice(MAPS)
        if rng.random() < 0.1:
            files["added_tokens.json"] = {"<Y>": 401, "<X>": 400}
        if rng.random() < 0.3:
            files["config.json"] = {"model_type": rng.choice(types) or "llama"}
        yield "mixed", {**rng.choice(PIPELINES), "post_processor": rng.choice(POSTS)}, files
    for name in ("GPT2Tokenizer", "CodeGenTokenizer", "GPTNeoXTokenizer", "Qwen2Tokenizer", "RobertaTokenizer", "CohereTokenizer"):
        for _ in range(40):
            settings = {"tokenizer_class": name, **{flag: rng.random() < 0.5 for flag in FLAGS if rng.random() < 0.4}}
            if rng.random() < 0.3:
                settings["extra_special_tokens"] = rng.choice(EXTRAS)
            yield "mixed", None, {"tokenizer_config.json": settings}


    models = ["llama", "mistral", "mixtral", "phi3", "ernie4_5", "bert", "foo", None]
    for base in ("llama.model", "unigram.model"):
        for model_type in models:
            for name in (ABSENT, "LlamaTokenizer", "PreTrainedTokenizerFast", "PreTrainedTokenizer", "FooTokenizer"):
                for flag in (ABSENT, "legacy", "add_prefix_space"):
                    for value in (True, False) if flag is not ABSENT else (ABSENT,):
                        settings = {**({} if name is ABSENT else {"tokenizer_class": name}), **({} if flag is ABSENT else {flag: value})}
                        yield base, None, {"config.json": {"model_type": model_type} if model_type else None, "tokenizer_config.json": settings}


    yield from symbol_cases()
    yield from cases_of_other_models(types)


def symbol_cases():
    """User-defined pieces, and settings that name pieces."""
    for base in ("symbols.model", "symbols-unigram.model"):
        for model_type in ("llama", "mistral", "phi3", "mixtral", None):
            for name in (ABSENT, "LlamaTokenizer", "PreTrainedTokenizerFast"):
                for flag in ({}, {"legacy": False}, {"legacy": True}, {"add_prefix_space": False}):
                    settings = {**({} if name is ABSENT else {"tokenizer_class": name}), **flag}
                    yield base, None, {"config.json": {"model_type": model_type} if model_type else None, "tokenizer_config.json": settings}
        for declared in ({"3": "<Y>"}, {"300": "<X>"}, {"900": "<Y>"}, {"298": "<Y>"}):
            for flags in ({}, {"normalized": True, "special": False}, {"lstrip": True}):
                decoder = {id: {**token(content, special=True), **flags} for id, content in declared.items()}
                for one in decoder.values():
                    del one["__type"]
                for name in (ABSENT, "LlamaTokenizer"):
                    settings = {**({} if name is ABSENT else {"tokenizer_class": name}), "added_tokens_decoder": decoder}
                    yield base, None, {"config.json": {"model_type": "mistral"}, "tokenizer_config.json": settings}
    for base in ("llama.model", "unigram.model", "symbols-unigram.model"):
        for settings in ({}, {"add_bos_token": True}):
            yield base, None, {"config.json": {"model_type": "gemma"}, "tokenizer_config.json": {"tokenizer_class": "GemmaTokenizer", **settings}}


def cases_of_other_models(types):
    """Names that are another class's, and a class over a vocabulary of another kind."""
    for name in ("LEDTokenizer", "LEDTokenizerFast", "MvpTokenizer", "LxmertTokenizer", "LxmertTokenizerFast", "MobileBertTokenizerFast"):
        for model_type in ("gpt2", "llama", "bert", "roberta", "mistral", "led", None):
            yield "mixed", PIPELINES[1], {"config.json": {"model_type": model_type} if model_type else None, "tokenizer_config.json": {"tokenizer_class": name}}
    for model_type in ("led", "mvp", "lxmert", "mobilebert"):
        yield "mixed", PIPELINES[1], {"config.json": {"model_type": model_type}, "tokenizer_config.json": {}}
    model = BASES["mixed"]["model"]
    no_merges = {"model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": model["vocab"]}}
    for name in CLASSES:
        for model_type in ("llama", "gpt2", None):
            files = {"config.json": {"model_type": model_type} if model_type else None, "tokenizer_config.json": {"tokenizer_class": name}}
            yield "unigram", {}, files
            yield "mixed", no_merges, files
    yield "mixed", no_merges, {"config.json": {"model_type": "roberta"}, "tokenizer_config.json": {}}


def cases_of_files():
    """Vocabulary files without a tokenizer.json, whose class is not the one that reads them everywhere."""
    for name in ("ConvBertTokenizer", "ConvBertTokenizerFast", "BertTokenizer", "ElectraTokenizerFast"):
        for model_type in ("bert", "convbert", "electra", None):
            for extra in ({}, {"do_lower_case": False}, {"strip_accents": False}, {"tokenize_chinese_chars": False}, *({"extra_special_tokens": one} for one in EXTRAS)):
                yield "words", None, {"config.json": {"model_type": model_type} if model_type else None, "tokenizer_config.json": {"tokenizer_class": name, **extra}}
    gemmas = (("GemmaTokenizer", "gemma"), ("GemmaTokenizerFast", "gemma3_text"))  # not followed over user-defined spaces
    for base, classes in (("llama.model", gemmas), ("llama.model", [("LlamaTokenizer", "llama")]), ("symbols.model", [("LlamaTokenizer", "llama")])):
        for name, model_type in classes:
            for key in ("extra_special_tokens", "additional_special_tokens"):
                for extra in EXTRAS:
                    for more in ({}, {"add_bos_token": True}):
                        yield base, None, {"config.json": {"model_type": model_type}, "tokenizer_config.json": {"tokenizer_class": name, key: extra, **more}}


    for base in ("unigram.model", "unigram.bpe.model"):
        for name in ("XLMRobertaTokenizer", "XLMRobertaTokenizerFast", "CamembertTokenizer"):
            for model_type in ("xlm-roberta", "camembert", "roberta", "bert"):
                for extra in ({}, *({"extra_special_tokens": one} for one in EXTRAS), *({"mask_token": one} for one in TOKEN_CHOICES if str(one) != "</s>" and "pad" not in str(one)), {"add_prefix_space": False}, {"bos_token": "<Y>"}, {"unk_token": "<Y>"}, {"pad_token": "<X>"}):
                    yield base, None, {"config.json": {"model_type": model_type}, "tokenizer_config.json": {"tokenizer_class": name, **extra}}


def make_symbols(data):
    """The vocabularies of symbols: those of llama and unigram, cut short, with user-defined pieces."""
    from sentencepiece import sentencepiece_model_pb2

    for source, name in (("llama", "symbols"), ("unigram", "symbols-unigram")):
        proto = sentencepiece_model_pb2.ModelProto()
        proto.ParseFromString(Path(SENTENCEPIECE[source]).read_bytes())
        proto.normalizer_spec.precompiled_charsmap = b""
        for place, (piece, kind) in enumerate((("<X>", 4), ("<|im_start|>", 4), ("<unused>", 3), ("\u2581\u2581", 4))):
            added = sentencepiece_model_pb2.ModelProto.SentencePiece(piece=piece, score=0.0, type=kind)
            proto.pieces.insert(298 + place, added)
        seen = set()
        kept = [piece for i, piece in enumerate(proto.pieces) if (i < 600 or len(piece.piece) == 1) and not (piece.piece in seen or seen.add(piece.piece))]
        del proto.pieces[:]
        proto.pieces.extend(kept)
        path = data / "vocabularies" / name / "tokenizer.model"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(proto.SerializeToString(deterministic=True))


def charsmap():
    from tokenizer_components import charsmap as made

    return made({"\ufb01": "fi"})


FI_CHARSMAP = charsmap()


def write(folder, base, replaced, files):
    content = BASES[base]
    if isinstance(content, str):
        shutil.copy(content, folder / ("sentencepiece.bpe.model" if base.endswith(".bpe.model") else "tokenizer.model"))
    elif isinstance(content, list):
        (folder / "vocab.txt").write_text("\n".join(content) + "\n", encoding="utf-8")
    elif replaced is None:  # the two files alone
        (folder / "vocab.json").write_text(json.dumps(content["model"]["vocab"]))
        (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(content["model"]["merges"]) + "\n", encoding="utf-8")
    else:
        (folder / "tokenizer.json").write_text(json.dumps({**content, **replaced}))
    for name, value in files.items():
        if value is not None:
            (folder / name).write_text(json.dumps(value))


def result_of(base, replaced, files):
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), base, replaced, files)
        try:
            reference = AutoTokenizer.from_pretrained(name)
            return [len(reference), *(reference(text)["input_ids"] for text in TEXTS[base])]
        except BaseException as error:  # a panic of the library is no Exception
            if isinstance(error, KeyboardInterrupt):
                raise
            return "refused"


def record_settings(path, cases):
    results, replacements, places, rows, seen = [], [], {}, [], set()

    def place_of(values, value):
        key = (id(values), json.dumps(value))
        if key not in places:
            places[key] = len(values)
            values.append(value)
        return places[key]

    for base, replaced, files in cases:
        files = {name: value for name, value in files.items() if value is not None}
        key = json.dumps([base, replaced, files])
        if key in seen:
            continue
        seen.add(key)
        rows.append([base, place_of(replacements, replaced), place_of(results, result_of(base, replaced, files)), files])

    used = [name for name in BASES if name in {row[0] for row in rows}]

    def line(value):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    versions = {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__}
    parts = [f'"made_with":{line(versions)}', f'"bases":{line({name: BASES[name] for name in used})}', f'"texts":{line({name: TEXTS[name] for name in used})}']
    parts += [f'"{name}":[\n' + ",\n".join(map(line, values)) + "]" for name, values in (("replacements", replacements), ("results", results), ("cases", rows))]
    path.write_text("{" + ",\n".join(parts) + "}\n", encoding="utf-8")
    print(len(rows), "settings,", len(results), "results,", sum(results[row[2]] == "refused" for row in rows), "refused")


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    make_symbols(Path("tests/data/tokenizer"))
    record_settings(Path("tests/data/tokenizer/settings.json"), cases())
    record_settings(Path("tests/data/tokenizer/settings_files.json"), cases_of_files())
