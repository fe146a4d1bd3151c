"""Hugging Face's tokenizers on one thread:  hf_tokenizers.py FOLDER OPENINGS [TEXT [IDS]]

As bench_tokenize: opens FOLDER/tokenizer.json OPENINGS times, encodes every line of TEXT by itself without special
tokens, by the fastest call the library has (encode_batch_fast, which forms no offsets), and writes the ids to IDS.
"""

import json
import os
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

LINES = 1000  # a call


def main(folder, openings, text_file=None, ids_file=None):
    opening = []
    for _ in range(openings):
        start = time.monotonic()
        tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
        opening.append(time.monotonic() - start)
    text = open(text_file, "rb").read().decode() if text_file else ""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    seconds, ids = 0.0, []
    for begin in range(0, len(lines), LINES):
        start = time.monotonic()
        encoded = tokenizer.encode_batch_fast(lines[begin : begin + LINES], add_special_tokens=False)
        found = [e.ids for e in encoded]
        seconds += time.monotonic() - start
        ids.extend(np.array(line, np.int32) for line in found)
    if ids_file:
        np.concatenate(ids).tofile(ids_file)
    print(
        json.dumps(
            {"vocabulary": tokenizer.get_vocab_size(), "opening": opening, "encoding": seconds}
            | {"bytes": len(text.encode()), "ids": sum(map(len, ids))}
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
