"""Records the zoo's models on the notebook's prompts: record_zoo.py [NAME ...] (all of them without a name).

Their weights are given, so a near tie cannot be avoided here; it is printed, and its margin is in the file.
"""

import sys
from pathlib import Path

import torch
import transformers
from expectation import expect, near_ties, write_json
from float64_reference import load
from prompts import tokenised
from transformers import AutoTokenizer

ROOT = Path(__file__).resolve().parents[2]

if __name__ == "__main__":
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    for name in sys.argv[1:] or sorted(path.parent.name for path in (ROOT / "zoo").glob("*/config.json")):
        folder = ROOT / "zoo" / name
        prompts = tokenised(AutoTokenizer.from_pretrained(folder))
        expected = expect(load(folder, torch.float64), load(folder, torch.float32), prompts, f"zoo/{name}")
        write_json(ROOT / "tests" / "data" / "zoo" / f"{name}.json", expected)
        print(name, {k: v["argmax_step"] for k, v in expected["l_star"].items()}, "near ties:", near_ties(expected))
