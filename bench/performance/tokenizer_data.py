"""A long text and tokenizers of published sizes:  tokenizer_data.py FOLDER MEGABYTES

FOLDER/text.txt   half of it lines of tests/data/tokenizer (every script, emoji, code, odd spaces) in random order, half
                  sentences of invented words: 200,000 of them, drawn by the pairs of letters in those lines, as often
                  as Zipf's law says. New words keep coming, as they do in a text; repeated lines alone would live in
                  every tokenizer's cache.
FOLDER/gpt2-size, FOLDER/bloom-size   tokenizer.json with 50,257 and 250,680 entries: the miniatures' own (their rules
                  for cutting text are GPT-2's and BLOOM's), trained anew on other invented words.
"""

import json
import sys
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, pre_tokenizers, trainers

ROOT = Path(__file__).resolve().parents[2]
WORDS = 200_000
SIZES = {"gpt2-size": ("gpt2-12x12", 50257), "bloom-size": ("bloom-24x16", 250680)}


def corpus():
    lines = [json.loads(line) for line in open(ROOT / "tests" / "data" / "tokenizer" / "lines.jsonl")]
    return [line for line in lines if len(line) >= 20 and line.isprintable()]


def invented_words(lines, count, seed):
    """Different words by a chain over the letters of the lines' words, which keeps to one script by itself."""
    random = np.random.default_rng(seed)
    after = {}
    for line in lines:
        for word in line.split():
            if word.isalpha():
                for a, b in zip(["", *word], [*word, ""]):
                    after.setdefault(a, []).append(b)
    words, seen = [], set()
    while len(words) < count:
        letters, letter = [], ""
        while len(letters) < 16:
            choices = after[letter]
            letter = choices[int(random.integers(len(choices)))]
            if not letter:
                break
            letters.append(letter)
        word = "".join(letters)
        if len(word) > 1 and word not in seen:
            seen.add(word)
            words.append(word)
    return words


def write_text(path, lines, size):
    random = np.random.default_rng(1)
    words = np.array(invented_words(lines, WORDS, 2), dtype=object)
    share = np.cumsum(1 / (np.arange(WORDS) + 2.7))
    making, written = path.with_suffix(".making"), 0
    with open(making, "w", newline="\n") as file:
        while written < size:
            block = [lines[i] for i in random.permutation(len(lines))]
            real = sum(len(line.encode()) for line in block)
            invented = 0
            while invented < real:
                drawn = words[np.searchsorted(share, random.random(20 * 200) * share[-1])]
                sentences = [" ".join(drawn[i : i + 20]) + "." for i in range(0, len(drawn), 20)]
                invented += sum(len(s.encode()) for s in sentences)
                block.extend(sentences)
            text = "\n".join(block[i] for i in random.permutation(len(block))) + "\n"
            file.write(text)
            written += len(text.encode())
    making.rename(path)


def train(folder, lines, words, source, size):
    tokenizer = Tokenizer.from_file(str(ROOT / "zoo" / source / "tokenizer.json"))
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|endoftext|>"],
    )
    sentences = (" ".join(words[i : i + 50]) for i in range(0, len(words), 50))
    tokenizer.train_from_iterator([*lines, *sentences], trainer)
    if tokenizer.get_vocab_size() < size:
        raise SystemExit(f"{folder}: {tokenizer.get_vocab_size()} entries instead of {size}")
    folder.mkdir(parents=True, exist_ok=True)
    making = folder / "making.json"
    tokenizer.save(str(making))
    making.rename(folder / "tokenizer.json")


def main(folder, megabytes):
    folder.mkdir(parents=True, exist_ok=True)
    lines = corpus()
    if not (folder / "text.txt").exists():
        write_text(folder / "text.txt", lines, megabytes * 1_000_000)
    missing = {name: made for name, made in SIZES.items() if not (folder / name / "tokenizer.json").exists()}
    words = invented_words(lines, 500_000, 3) if missing else []
    for name, (source, size) in missing.items():
        train(folder / name, lines, words, source, size)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
