"""Records what `transformers` and `tokenizers` make of the lines of tokenizer_lines.py, for tests/tokenizer.

    python tools/oracle/record_tokenizer.py        # versions in requirements.txt; run from the repository root

Writes into tests/data/tokenizer:
  vocabularies/                  vocab.txt and tokenizer.model of small tokenizers that have nothing else
  *-style/                       small tokenizers trained here, with the pipelines of published models
  lines.jsonl                    the lines, one JSON string each
  recorded.json                  the tokenizers, where they come from, and all ids of the first lines
  recorded.bin                   a 32-bit hash of the ids of every line, tokenizer after tokenizer
  components.json                small tokenizers, one or two components each, with texts and ids or "refused"
  gguf.json, gguf.bin            vocabularies as a GGUF keeps them, and a hash of the ids of every line
  invalid_utf8.json              bytes in hexadecimal and what decode(errors="replace") makes of them
"""
import json
import logging
import os
import random
import shutil
import struct
import sys
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
import tokenizers
import transformers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer

from tokenizer_components import component_cases
from tokenizer_gguf import record_gguf
from tokenizer_styles import make_styles
from tokenizer_lines import CORNERS, make_lines

logging.disable(logging.WARNING)
DATA = Path("tests/data/tokenizer")
ZOO = Path("zoo")
LLAMA3_SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def train(lines, pre_tokenizer, vocab_size, specials):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=specials, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def write_folder(name, content, config):
    folder = DATA / name
    folder.mkdir(parents=True, exist_ok=True)
    for file, value in (("tokenizer.json", content), ("tokenizer_config.json", config)):
        (folder / file).write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def make_llama3_style(lines):
    split = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(LLAMA3_SPLIT), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer = train(lines, split, 1400, [])
    # As in Llama 3: merges written as text, special tokens behind the vocabulary, a template that adds the first of them.
    content = json.loads(tokenizer.to_str())
    model = content["model"]
    model["merges"] = [" ".join(merge) for merge in model["merges"]]
    model["ignore_merges"] = True
    for word in ("Ġtokenization", "Ġunbelievable", "Ġattention", "Mr", "'ll", "Ġ<|"):  # words that no merge leads to
        model["vocab"].setdefault(word, len(model["vocab"]))
    tokenizer = Tokenizer.from_str(json.dumps(content))
    specials = ["<|begin_of_text|>", "<|end_of_text|>", *(f"<|reserved_special_token_{i}|>" for i in range(20)), "<|start_header_id|>", "<|eot_id|>"]
    tokenizer.add_special_tokens(specials)
    tokenizer.add_tokens([AddedToken("<|strip|>", lstrip=True, rstrip=True), AddedToken("<|word|>", single_word=True)])
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing("<|begin_of_text|> $A", "<|begin_of_text|> $A <|begin_of_text|> $B:1",
                                      [("<|begin_of_text|>", tokenizer.token_to_id("<|begin_of_text|>"))])])
    saved = json.loads(tokenizer.to_str())
    saved["model"]["merges"] = model["merges"]
    write_folder("llama3-style", saved, {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|begin_of_text|>", "eos_token": "<|end_of_text|>"})


def make_smollm_style(lines):
    split = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    tokenizer = train(lines, split, 1200, ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<s>"])
    write_folder("smollm-style", json.loads(tokenizer.to_str()), {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|im_start|>", "eos_token": "<|im_end|>"})


# Folders that are put together from a vocabulary of the zoo and settings files, to hold what AutoTokenizer does on top of
# the vocabulary. `every`: of how many lines one is recorded.
FLAGGED = {"__type": "AddedToken", "content": "<|strip|>", "lstrip": True, "rstrip": True, "normalized": True, "single_word": False}
TWO_FILES = ["vocab.json", "merges.txt"]
FOLDERS = [
    *({"name": name, "folder": f"zoo/{name}", "every": 1}
      for name in ("gpt2-12x12", "neox-12x12", "neox-24x16", "opt-12x12", "opt-24x16", "bloom-24x16")),
    *({"name": name, "folder": f"tests/data/tokenizer/{name}", "every": 1} for name in ("llama3-style", "smollm-style")),
    *({"name": name, "folder": f"tests/data/tokenizer/{name}", "every": 1}
      for name in ("bert-style", "llama2-style", "mistral-style", "gemma-style", "t5-style", "albert-style", "word-level-style", "clip-style")),
    {"name": "gpt2 from two files", "folder": "zoo/opt-12x12", "copy": TWO_FILES, "every": 4, "write": {"config.json": {"model_type": "gpt2"}}},
    {"name": "neox from two files", "folder": "zoo/opt-12x12", "copy": TWO_FILES, "every": 4, "write": {"config.json": {"model_type": "gpt_neox"}}},
    {"name": "opt as published", "folder": "zoo/opt-12x12", "copy": TWO_FILES, "every": 4, "write": {
        "config.json": {"model_type": "opt"},
        "special_tokens_map.json": {role: {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": True}
                                    for role, content in (("bos_token", "</s>"), ("eos_token", "</s>"), ("unk_token", "</s>"), ("pad_token", "<pad>"))},
        "tokenizer_config.json": {"errors": "replace", "add_prefix_space": False, "add_bos_token": True, "tokenizer_class": "GPT2Tokenizer"}}},
    {"name": "two files with all settings", "folder": "zoo/opt-12x12", "copy": TWO_FILES, "every": 4, "write": {
        "tokenizer_config.json": {"tokenizer_class": "GPT2TokenizerFast", "add_prefix_space": True, "add_bos_token": True, "add_eos_token": True,
                                  "bos_token": "<s>", "eos_token": FLAGGED, "unk_token": None, "mask_token": "<mask>",
                                  "additional_special_tokens": ["<|im_start|>", "<|word|>"]}}},
    {"name": "two files and added_tokens.json", "folder": "zoo/opt-12x12", "copy": TWO_FILES, "every": 4, "write": {
        "config.json": {"model_type": "gpt2"}, "added_tokens.json": {"<|im_end|>": 4097, "<|im_start|>": 4096, "<é>": 4098}}},
    {"name": "tokenizer.json without settings", "folder": "zoo/opt-24x16", "copy": ["tokenizer.json"], "every": 4, "write": {"config.json": {"model_type": "opt"}}},
    {"name": "tokenizer.json and declared tokens", "folder": "zoo/bloom-24x16", "copy": ["tokenizer.json"], "every": 4, "write": {
        "tokenizer_config.json": {"tokenizer_class": "BloomTokenizerFast", "pad_token": "<pad>", "bos_token": "<|begin_of_text|>", "added_tokens_decoder": {
            "6150": {"content": "<|im_end|>", "lstrip": False, "normalized": False, "rstrip": True, "single_word": False, "special": True},
            "6149": {"content": "<|im_start|>", "lstrip": False, "normalized": True, "rstrip": False, "single_word": False, "special": False},
            "2": {"content": "</s>", "lstrip": True, "normalized": False, "rstrip": False, "single_word": False, "special": True}}},
        "special_tokens_map.json": {"sep_token": "<|eot_id|>"}}},
]


VOCABULARIES = "tests/data/tokenizer/vocabularies"
FOLDERS += [
    {"name": "vocab.txt alone", "folder": f"{VOCABULARIES}/bert", "copy": ["vocab.txt"], "every": 4, "write": {"config.json": {"model_type": "bert"}}},
    {"name": "vocab.txt with settings", "folder": f"{VOCABULARIES}/bert", "copy": ["vocab.txt"], "every": 4, "write": {"tokenizer_config.json": {
        "tokenizer_class": "BertTokenizer", "do_lower_case": False, "tokenize_chinese_chars": False, "strip_accents": True, "additional_special_tokens": ["<|im_start|>"]}}},
    {"name": "tokenizer.model alone", "folder": f"{VOCABULARIES}/llama", "copy": ["tokenizer.model"], "every": 4, "write": {"config.json": {"model_type": "mistral"}}},
    *({"name": f"tokenizer.model of Llama, legacy {legacy}", "folder": f"{VOCABULARIES}/llama", "copy": ["tokenizer.model"], "every": 4, "write": {"tokenizer_config.json": {
        "tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "add_eos_token": legacy, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "legacy": legacy}}}
      for legacy in (False, True)),
    # GemmaTokenizer of `transformers` merges user-defined runs of spaces; the backend without a class follows SentencePiece.
    {"name": "tokenizer.model of Gemma", "folder": f"{VOCABULARIES}/gemma", "copy": ["tokenizer.model"], "every": 4, "write": {"tokenizer_config.json": {
        "add_bos_token": True, "bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>", "pad_token": "<pad>"}}},
    {"name": "tokenizer.model of unigrams", "folder": f"{VOCABULARIES}/unigram", "copy": ["tokenizer.model"], "every": 2, "write": {"config.json": {"model_type": "llama"}}},
]


def open_reference(entry):
    if "copy" not in entry:
        return AutoTokenizer.from_pretrained(entry["folder"])
    with tempfile.TemporaryDirectory() as folder:
        for file in entry["copy"]:
            shutil.copy(Path(entry["folder"]) / file, folder)
        for file, content in entry["write"].items():
            (Path(folder) / file).write_text(json.dumps(content))
        return AutoTokenizer.from_pretrained(folder)


def hash_ids(ids):
    value = 0x811C9DC5  # FNV-1a over the bytes of the ids
    for byte in struct.pack(f"<{len(ids)}i", *ids):
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def record_lines(lines):
    recorded, hashes = [], bytearray()
    for entry in FOLDERS:
        reference = open_reference(entry)
        chosen = lines[:: entry["every"]]
        ids = reference(chosen)["input_ids"]
        if "copy" not in entry and (Path(entry["folder"]) / "tokenizer.json").exists():
            library = Tokenizer.from_file(entry["folder"] + "/tokenizer.json")
            library.no_truncation()  # as `transformers` calls it where nobody asks for either
            library.no_padding()
            by_library = library.encode_batch(chosen)
            assert ids == [encoding.ids for encoding in by_library], entry["name"]
        hashes += b"".join(struct.pack("<I", hash_ids(line)) for line in ids)
        first = [line for line, index in zip(ids, range(0, len(lines), entry["every"])) if index < len(CORNERS)]
        recorded.append({**entry, "size": len(reference), "ids": first})
        print(entry["name"], type(reference).__name__, len(chosen), "lines,", sum(map(len, ids)), "ids")
    (DATA / "lines.jsonl").write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    (DATA / "recorded.bin").write_bytes(hashes)
    versions = {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__}
    (DATA / "recorded.json").write_text(
        json.dumps({"made_with": versions, "lines_with_ids": len(CORNERS), "tokenizers": recorded}, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def record_components():
    cases = []
    for name, content, texts in component_cases():
        try:
            tokenizer = Tokenizer.from_str(json.dumps(content))
            ids = [tokenizer.encode(text).ids for text in texts]
        except BaseException as error:  # a panic of the library is no Exception
            assert "panic" in type(error).__name__.lower() or isinstance(error, Exception)
            ids = "refused"
        cases.append({"name": name, "tokenizer": content, "texts": texts, "ids": ids})
    text = ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases)
    (DATA / "components.json").write_text(f"[\n{text}\n]\n", encoding="utf-8")
    print(len(cases), "components,", sum(case["ids"] == "refused" for case in cases), "refused")


def record_invalid_utf8():
    rng = random.Random(7)
    samples = [bytes([0xC0, 0x80]), bytes([0xED, 0xA0, 0x80]), bytes([0xF4, 0x90, 0x80, 0x80]), bytes([0xE0, 0x80, 0x80]), bytes([0xF0, 0x9F, 0x98]),
               bytes([0xF0, 0x80, 0x80, 0x41]), bytes([0xE2, 0x82]), bytes([0x80]), bytes([0xC3]), bytes([0xFF, 0xFE]), b"ok", b"caf\xe9 au lait", bytes([0xE2, 0x28, 0xA1])]
    pool = [0x41, 0x20, 0x80, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xC3, 0xDF, 0xE0, 0xE2, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF, 0x90, 0x8F]
    for _ in range(400):
        samples.append(bytes(pool[int(rng.random() * len(pool))] for _ in range(1 + int(rng.random() * 9))))
    pairs = [[sample.hex(), sample.decode(errors="replace")] for sample in samples]
    (DATA / "invalid_utf8.json").write_text(json.dumps(pairs, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    DATA.mkdir(parents=True, exist_ok=True)
    all_lines = make_lines()
    if "--train" in sys.argv or not (DATA / "llama3-style").exists():
        make_llama3_style(all_lines)
        make_smollm_style(all_lines)
        make_styles(all_lines, write_folder, DATA)
    record_lines(all_lines)
    record_components()
    record_gguf(DATA, all_lines, hash_ids)
    record_invalid_utf8()
