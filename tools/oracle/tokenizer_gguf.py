"""Vocabularies as a GGUF keeps them, and the ids of the lab's own rule: `sentencepiece` itself for its BPE, `tokenizers`
with the components of the labs' tokenizer.json for what tokenizer.ggml.pre names.

record_gguf() writes tests/data/tokenizer/gguf.json (vocabularies and settings) and gguf.bin (a hash a line, vocabulary
after vocabulary).
"""
import json
import struct

import sentencepiece
from tokenizers import Tokenizer

from tokenizer_styles import train_sentencepiece

IDENTITY = {"normalization_rule_name": "identity", "remove_extra_whitespaces": False}
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6


def with_unused(model, chosen):
    """The model with the type UNUSED appended to the pieces that chosen(number, text) picks; later fields win."""
    out, at, number = bytearray(), 0, 0
    while model[at : at + 1] == b"\x0a":  # field 1: a piece, shorter than 128 bytes; its field 1 is the text
        piece = model[at + 2 : at + 2 + model[at + 1]]
        at += 2 + model[at + 1]
        if chosen(number, piece[2 : 2 + piece[1]].decode()):
            piece += bytes([0x18, UNUSED])  # field 3: the type
        out += bytes([0x0A, len(piece)]) + piece
        number += 1
    return bytes(out) + model[at:]


def processor(model):
    return sentencepiece.SentencePieceProcessor(model_proto=model)


def metadata_of(model, user_defined):
    """What a converter writes: user-defined symbols get plain spaces."""
    tokens, scores, types = [], [], []
    for id in range(model.get_piece_size()):
        piece = model.id_to_piece(id)
        kind = (UNKNOWN if model.is_unknown(id) else CONTROL if model.is_control(id) else BYTE if model.is_byte(id) else UNUSED if model.is_unused(id)
                else USER_DEFINED if piece in user_defined else NORMAL)
        tokens.append(piece.replace("▁", " ") if kind == USER_DEFINED else piece)
        scores.append(round(model.get_score(id), 3))
        types.append(kind)
    return {"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.scores": scores, "tokenizer.ggml.token_type": types}


def encode_around_controls(model, controls, text):
    """`sentencepiece` knows control tokens by id alone; written out in a text they are found first, as everywhere here."""
    ids, start, i = [], 0, 0
    while i < len(text):
        found = max((c for c in controls if text.startswith(c, i)), key=len, default=None)
        if found is None:
            i += 1
            continue
        if start < i:
            ids += model.encode(text[start:i])
        ids.append(model.piece_to_id(found))
        i += len(found)
        start = i
    return ids + (model.encode(text[start:]) if start < len(text) else [])


GPT2 = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
SPELLED = {**GPT2, "use_regex": False}
DIGITS = {"type": "Digits", "individual_digits": True}
NFC = {"type": "NFC"}


def split(pattern):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


CL100K = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN = CL100K.replace("{1,3}", "")
LOWER, UPPER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]", r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
ENDING = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
HEAD, TAIL = r"[^\r\n\p{L}\p{N}]?", r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = f"{HEAD}{UPPER}*{LOWER}+{ENDING}|{HEAD}{UPPER}+{LOWER}*{ENDING}|" + r"\p{N}{1,3}" + TAIL
TEKKEN = f"{HEAD}{UPPER}*{LOWER}+|{HEAD}{UPPER}+{LOWER}*|" + r"\p{N}" + TAIL
# name -> normalizer, pre-tokenizers, whether merges are ignored for a word that is a piece
PRE = {
    "gpt-2": (None, [GPT2], False),
    "mpt": (NFC, [GPT2], False),
    "starcoder": (None, [DIGITS, GPT2], False),
    "command-r": (NFC, [DIGITS, GPT2], False),
    "falcon": (None, [{"type": "Punctuation", "behavior": "Contiguous"}, GPT2, {"type": "Digits", "individual_digits": False}, split("[0-9][0-9][0-9]")], False),
    "llama-bpe": (None, [split(CL100K), SPELLED], True),
    "dbrx": (None, [split(CL100K), SPELLED], False),
    "qwen2": (NFC, [split(QWEN), SPELLED], False),
    "gpt-4o": (None, [split(O200K), SPELLED], True),
    "tekken": (None, [split(TEKKEN), SPELLED], True),
    "deepseek-coder": (None, [split(r"[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split("[一-龥ࠀ-一가-\ud7ff]+"), DIGITS, SPELLED], False),
    "bloom": (None, [split(r" ?[^(\s|[.,!?…。，、।۔،])]+"), SPELLED], False),
}


def record_gguf(data, lines, hash_ids):
    entries, hashes = [], bytearray()

    def add(name, settings, every, encode, **more):
        ids = [encode(line) for line in lines[::every]]
        hashes.extend(b"".join(struct.pack("<I", hash_ids(line)) for line in ids))
        entries.append({"name": name, "every": every, "metadata": settings, **more})
        print("gguf", name, len(ids), "lines,", sum(map(len, ids)), "ids")

    runs = ["\n" * i for i in range(2, 8)] + ["▁" * i for i in range(2, 8)] + ["\t\t", "<table>", "</table>", "<b>"]
    controls = ["<pad>", "<eos>", "<bos>", "<mask>", "<|im_start|>", "<|im_end|>"]
    gemma = processor(train_sentencepiece(lines, **IDENTITY, byte_fallback=True, add_dummy_prefix=False, user_defined_symbols=["\n", *runs], control_symbols=controls[3:],
                                   pad_id=0, eos_id=1, bos_id=2, unk_id=3, pad_piece="<pad>", eos_piece="<eos>", bos_piece="<bos>"))
    add("sentencepiece as Gemma", {**metadata_of(gemma, {"\n", *runs}), "tokenizer.ggml.add_space_prefix": False, "tokenizer.ggml.bos_token_id": 2}, 1,
        lambda line: [2] + encode_around_controls(gemma, controls, line))
    llama = processor(train_sentencepiece(lines, **IDENTITY, byte_fallback=True, unk_id=0, bos_id=1, eos_id=2))
    settings = {**metadata_of(llama, ()), "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2, "tokenizer.ggml.add_eos_token": True}
    # The space in front goes before the whole text alone, so that lines with control tokens have no reference here.
    llama_controls = ["<s>", "</s>"]
    add("sentencepiece as Llama 2", settings, 1, lambda line: [] if any(c in line for c in llama_controls) else [1] + llama.encode(line) + [2], skip=llama_controls)
    plain = train_sentencepiece(lines, **IDENTITY, unk_id=0, bos_id=1, eos_id=2, add_dummy_prefix=False)
    plain = processor(with_unused(plain, lambda number, text: number > 2 and len(text) > 1 and number % 3 == 0))
    add("sentencepiece without bytes, with unused pieces", {**metadata_of(plain, ()), "tokenizer.ggml.add_space_prefix": False, "tokenizer.ggml.add_bos_token": False}, 2,
        lambda line: encode_around_controls(plain, ["<s>", "</s>"], line))

    content = json.loads((data / "llama3-style" / "tokenizer.json").read_text(encoding="utf-8"))
    content["post_processor"] = None
    content["added_tokens"] = [t for t in content["added_tokens"] if not t["lstrip"] and not t["single_word"]]
    for name, (normalizer, steps, ignore_merges) in PRE.items():
        content["normalizer"] = normalizer
        content["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": steps}
        content["model"]["ignore_merges"] = ignore_merges
        reference = Tokenizer.from_str(json.dumps(content))
        add(f"pre {name}", {"tokenizer.ggml.pre": name, "tokenizer.ggml.add_bos_token": False}, 4,
            lambda line: reference.encode(line, add_special_tokens=False).ids, folder="llama3-style")
    text = ",\n".join(json.dumps(entry, ensure_ascii=False, separators=(",", ":")) for entry in entries)
    (data / "gguf.json").write_text(f"[\n{text}\n]\n", encoding="utf-8")
    (data / "gguf.bin").write_bytes(hashes)
