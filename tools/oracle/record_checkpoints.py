"""Records the tiny random checkpoints: record_checkpoints.py [NAME ...] (all of them without a name)."""

import json
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import torch
import transformers
from checkpoint_folder import published_tensors, write_folder
from expectation import describe, expect, near_ties, write_json
from float64_reference import load, new_model
from layers import text_config
from measure import likeliest, measure
from random_checkpoint import randomise
from transformers import AutoConfig
from variants import PROMPT_LENGTHS, VARIANTS

ROOT = Path(__file__).resolve().parents[2] / "tests" / "data" / "checkpoints"
SEEDS = range(100)


def prompts_for(config, seed, lengths):
    draw = np.random.default_rng(1000 + seed)
    prompts = [draw.integers(0, config.vocab_size, size=n) for n in lengths]
    if config.model_type == "gemma3_text":  # whose tokens from 70 on may stand for pictures
        prompts = [ids % 64 for ids in prompts]
    if config.model_type == "roberta":  # which gives padding no position
        prompts = [np.where(ids == config.pad_token_id, config.pad_token_id + 1, ids) for ids in prompts]
    return [{"token_ids": ids.tolist()} for ids in prompts]


def is_dull(expected):
    """Where L* can differ from 1, it should: a program that always answers 1 must fail."""
    layers = len(expected["w_v_frobenius_sq"])
    return layers > 2 and all(max(l_star["argmax_step"]) == 1 for l_star in expected["l_star"].values())


def float32_lost_its_way(expected):
    """Where float32 sends a token to another expert, no float32 program can be held to the reference."""
    for prompt in expected["prompts"]:
        for error, norm in zip(prompt["float32_error"]["residual_norm"], prompt["residual_norm"]):
            if abs(error) > 1e-4 * norm:
                return True
    return False


def idle_keys(name, folder, expected):
    """Of `matters`: keys whose other value changes nothing for the longest prompt."""
    variant, config = VARIANTS[name], json.loads((folder / "config.json").read_text())
    prompt = max(expected["prompts"], key=lambda p: len(p["token_ids"]))
    idle = []
    for key, other in variant.get("matters", {}).items():
        with tempfile.TemporaryDirectory() as scratch:
            changed = config | {key: other}
            (Path(scratch) / "config.json").write_text(json.dumps(changed))
            (Path(scratch) / "model.safetensors").symlink_to(folder / "model.safetensors")
            seen = measure(load(scratch, torch.float64), prompt["token_ids"])
        fields = [seen["residual_norm"], prompt["residual_norm"]]
        tops = [[t["logit"] for t in likeliest(seen["logits"])], [t["logit"] for t in prompt["next_token"]]]
        if np.allclose(*fields, rtol=1e-4) and np.allclose(*tops, rtol=1e-4):
            idle.append(key)
    return idle


def record(name):
    variant = VARIANTS[name]
    folder = ROOT / name
    weights_of = variant.get("weights_of", name)
    base = zlib.crc32(weights_of.encode()) % 10000
    config = {"transformers_version": transformers.__version__} | variant["config"]
    for seed in (base + i for i in SEEDS):
        # A first folder holds config.json alone, so that the model is built from it as it is written.
        write_folder(folder, config, {})
        model = new_model(AutoConfig.from_pretrained(folder)).float()
        randomise(model, seed)
        write_folder(folder, config, published_tensors(model, variant), variant.get("shards", 1))
        prompts = prompts_for(text_config(model), seed, variant.get("lengths", PROMPT_LENGTHS))
        source = f"random weights, seed {seed}, read back from this folder by transformers"
        expected = expect(load(folder, torch.float64), load(folder, torch.float32), prompts, source)
        ties = near_ties(expected)
        lost = float32_lost_its_way(expected)
        if not ties and not lost and not is_dull(expected):
            break
        reason = f"near ties {ties}" if ties else "float32 far off" if lost else "every L* is 1"
        print(f"{name}: seed {seed} rejected, {reason}")
    else:
        raise SystemExit(f"{name}: no seed will do")
    idle = idle_keys(name, folder, expected)
    if idle:
        raise SystemExit(f"{name}: {idle} change nothing")
    write_json(folder / "expected.json", expected)
    size = sum(f.stat().st_size for f in folder.iterdir())
    print(f"{name}: seed {seed}, {size:,} bytes")
    describe(expected)


if __name__ == "__main__":
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    for chosen in sys.argv[1:] or VARIANTS:
        record(chosen)
