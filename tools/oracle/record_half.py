"""Records what `transformers` eager computes in float16 and bfloat16 on a CPU: record_half.py [NAME ...]

Writes half.json beside a tiny checkpoint's expected.json, and tests/data/zoo/NAME.half.json for the zoo's models (one
prompt of the notebook). Run it after record_checkpoints.py and record_zoo.py: it takes the prompts from their files.
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from expectation import versions, write_json
from float64_reference import load
from measure import forward
from rounding_points import STATED, share_met

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16}
LEAST_SHARE = 0.99  # of the first layer's probabilities must follow from the stated rounding points
TINY = (
    "gpt2", "gpt2-scaled-upcast", "gpt2-float16", "llama", "llama-theta", "llama-bfloat16", "gpt_neox",
    "gpt_neox-sequential", "gpt_neox-wide-heads", "opt", "opt-post-norm", "bloom", "bloom-six-heads",
    "bloom-residual-from-norm",
    "bert", "exaone4", "falcon", "falcon-new", "gemma", "gemma2", "gemma3_text", "gpt_bigcode", "gpt_neo", "gptj",
    "granite", "helium", "llama-yarn", "llama-yarn-mscale", "mistral", "mixtral", "phi", "phi-grouped", "phi3", "qwen2",
    "qwen2-window", "qwen3", "roberta", "smollm3", "stablelm", "starcoder2",
)  # fmt: skip
ZOO = ("neox-12x12", "gpt2-12x12", "opt-12x12", "opt-24x16", "bloom-24x16")


def measure_half(model, token_ids):
    attention, residual, _ = forward(model, token_ids)
    exact = [a.double() for a in attention]
    measured = {
        "token_ids": token_ids,
        "rounded_sum": [a.mean(dim=0).sum().item() for a in exact],
        "diagonal_sum_per_head": [a.diagonal(dim1=1, dim2=2).sum(dim=1).tolist() for a in exact],
        "residual_norm": [states[-1].double().norm().item() for states in residual],
    }
    if model.config.model_type in STATED:
        measured["first_layer_share_met"] = share_met(model, token_ids, attention[0])
    return measured


def record(folder, expected, target):
    prompts = json.loads(expected.read_text())["prompts"]
    if folder.parent.name == "zoo":
        prompts = prompts[:1]
    result = {"versions": versions(), "source": f"{folder.relative_to(ROOT)}, transformers eager on a CPU"}
    for name, dtype in DTYPES.items():
        model = load(folder, dtype)
        recorded = [measure_half(model, prompt["token_ids"]) for prompt in prompts]
        result[name] = {"prompts": recorded}
        shares = [prompt["first_layer_share_met"] for prompt in recorded if "first_layer_share_met" in prompt]
        print(f"{folder.name} {name}: share of the first layer's probabilities met: {shares}")
        if shares and min(shares) < LEAST_SHARE:
            print(f"{folder.name} {name}: BELOW {LEAST_SHARE}")
    write_json(target, result)


if __name__ == "__main__":
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    for chosen in sys.argv[1:] or (*TINY, *ZOO):
        if chosen in ZOO:
            paths = ROOT / "zoo" / chosen, DATA / "zoo" / f"{chosen}.json", DATA / "zoo" / f"{chosen}.half.json"
        else:
            here = DATA / "checkpoints" / chosen
            paths = here, here / "expected.json", here / "half.json"
        record(*paths)
