"""Records the checkpoints that their labs published, as `make labs` brings them: record_labs.py [NAME ...]

    SmolLM2-135M-Instruct, gemma-3-270m, all-MiniLM-L6-v2, Qwen2.5-Coder-0.5B-Instruct

The files are not part of this repository; each one's sha256 is checked against tools/labs.txt. `transformers` widens a
GGUF's blocks to float32; the float64 reference starts from those numbers. Its conversion of SmolLM2's vocabulary leaves
out the splitting of digits, so the prompts hold none.
"""

import hashlib
import os
import sys
from pathlib import Path

import torch
import transformers
from expectation import describe, expect, near_ties, write_json
from float64_reference import load
from prompts import TEXTS, tokenised
from transformers import AutoTokenizer

ROOT = Path(__file__).resolve().parents[2]
LABS = Path(os.environ.get("LSTAR_LABS") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lstar/labs")
WEIGHTS = {
    "SmolLM2-135M-Instruct": "SmolLM2-135M-Instruct.Q4_1.gguf",
    "gemma-3-270m": "gemma-3-270m-q4_k_m.gguf",
    "all-MiniLM-L6-v2": "all-MiniLM-L6-v2/model.safetensors",
    "Qwen2.5-Coder-0.5B-Instruct": "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
}


def listed_sha256(target):
    for line in (ROOT / "tools" / "labs.txt").read_text().splitlines():
        if line.startswith(f"file {target} "):
            return line.split()[2]
    raise SystemExit(f"tools/labs.txt does not list {target}")


def record(name):
    path = LABS / WEIGHTS[name]
    sha256 = listed_sha256(WEIGHTS[name])
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise SystemExit(f"{path}: not the file that is listed (sha256 {sha256})")
    options = {"gguf_file": path.name} if path.suffix == ".gguf" else {}
    prompts = tokenised(AutoTokenizer.from_pretrained(path.parent, **options))
    reference = load(path.parent, torch.float64, **options)
    single = load(path.parent, torch.float32, **options)
    expected = expect(reference, single, prompts, f"{path.name}, sha256 {sha256}, read by transformers")
    write_json(ROOT / "tests" / "data" / "labs" / f"{name}.json", expected)
    describe(expected)
    print("near ties:", near_ties(expected))


if __name__ == "__main__":
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    if any(c.isdigit() for text in TEXTS for c in text):
        raise SystemExit("a prompt holds digits, which transformers splits otherwise than the labs do")
    for name in sys.argv[1:] or WEIGHTS:
        record(name)
