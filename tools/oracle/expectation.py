"""Assembles expected.json: prompts, weight norms, traces by layer and L*."""

import json
import platform

import gguf
import numpy as np
import safetensors
import tokenizers
import torch
import transformers
from layers import weight_norms
from measure import record_prompt

NEAR_TIE = 1e-4  # a winning step must lead by this much, relative to itself


def versions():
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
        "safetensors": safetensors.__version__,
        "numpy": np.__version__,
        "gguf": getattr(gguf, "__version__", "0.19.0"),
        "cpu": torch.backends.cpu.get_cpu_capability(),
    }


def traces(prompt, norms):
    off = np.array(prompt["off_diagonal_sum_per_head"])
    w_v = np.array(norms["w_v_frobenius_sq"])
    per_kv_head = np.array(norms["w_v_frobenius_sq_per_kv_head"])
    heads, kv_heads = off.shape[1], per_kv_head.shape[1]
    per_head = per_kv_head[:, [h * kv_heads // heads for h in range(heads)]]
    return {
        "off_diagonal": (off.mean(axis=1) * w_v).tolist(),
        "multi_head": (off * per_head).sum(axis=1).tolist(),
        "ov_circuit": (off * np.array(norms["ov_frobenius_sq_per_head"])).sum(axis=1).tolist(),
    }


def argmax_step(trace):
    """L*, and by how much the winning step leads: 1 - runner-up / winner (0 where nothing moves)."""
    steps = np.abs(np.diff(trace))
    if len(steps) == 0:
        return 0, 0.0
    winner = int(np.argmax(steps))
    others = np.delete(steps, winner)
    runner_up = others.max() if len(others) else 0.0
    return winner + 1, float(1 - runner_up / steps[winner]) if steps[winner] > 0 else 0.0


def expect(reference, single, prompts, source):
    """`reference` is the float64 model, `single` the float32 one; prompts are dicts with token_ids."""
    recorded = []
    for prompt in prompts:
        recorded.append(prompt | record_prompt(reference, single, prompt["token_ids"]))
    norms = weight_norms(reference)
    by_prompt = [traces(p, norms) for p in recorded]
    trace = {name: [t[name] for t in by_prompt] for name in by_prompt[0]}
    l_star = {}
    for name, rows in trace.items():
        found = [argmax_step(row) for row in rows]
        l_star[name] = {"argmax_step": [f[0] for f in found], "margin": [f[1] for f in found]}
    return {
        "versions": versions(),
        "source": source,
        "prompts": recorded,
        **norms,
        "trace": trace,
        "l_star": l_star,
    }


def near_ties(expected):
    """Estimators and prompts whose L* another rounding could move. A single token has no trace, so none to win."""
    return [
        (name, i, margin)
        for name, l_star in expected["l_star"].items()
        for i, margin in enumerate(l_star["margin"])
        if len(expected["prompts"][i]["token_ids"]) > 1 and margin < NEAR_TIE
    ]


def describe(expected):
    """One line a layer for the longest prompt: is attention far from uniform, and not saturated everywhere?"""
    prompt = max(expected["prompts"], key=lambda p: len(p["token_ids"]))
    n = len(prompt["token_ids"])
    even = sum(np.log(i + 1) for i in range(n))
    for layer, (diagonal, entropy) in enumerate(zip(prompt["diagonal_sum_per_head"], prompt["entropy_per_head"])):
        shares = " ".join(f"{d / n:.2f}/{e / even:.2f}" for d, e in zip(diagonal, entropy))
        print(f"  layer {layer} diagonal share / entropy of even attention: {shares}")
    print("  L*", {name: s["argmax_step"] for name, s in expected["l_star"].items()})


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n")
