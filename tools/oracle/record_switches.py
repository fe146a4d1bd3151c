"""Records what keys of the configuration do to the checkpoints of record_checkpoints.py: record_switches.py [NAME ...].

Writes tests/data/switches/NAME.json: `weights_of`, `changes` to its configuration, and prompts as in expected.json.
Before that it holds transformers to what it passes over (`IDLE`): such keys must change nothing.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from expectation import expect, write_json
from float64_reference import load
from measure import measure

CHECKPOINTS = Path(__file__).resolve().parents[2] / "tests" / "data" / "checkpoints"
SWITCHES = CHECKPOINTS.parent / "switches"

BOTH_WAYS = [
    "bert", "bloom", "codegen", "cohere", "cohere2", "ernie4_5", "exaone4", "falcon", "falcon-alibi", "gemma",
    "gemma2", "gemma3_text", "glm", "glm4", "gpt2", "gpt_bigcode", "gpt_neo-local", "gpt_neox", "gpt_oss", "gptj",
    "granite", "granitemoe", "helium", "llama", "mistral", "mixtral-window", "nemotron", "olmo", "olmo2", "olmo3",
    "olmoe", "opt", "phi", "phi3", "qwen2-window", "qwen2_moe-mixed", "qwen3-bias-window", "qwen3_moe-mixed",
    "roberta", "seed_oss", "smollm3-window", "stablelm", "starcoder2",
]  # fmt: skip

# name: (weights_of, changes, prompts or none for two of the checkpoint's own)
CASES = {f"{name}-not-causal": (name, {"is_causal": False}, None) for name in BOTH_WAYS} | {
    "llama-causal-null": ("llama", {"is_causal": None}, None),
    "gemma3_text-both-ways": ("gemma3_text", {"use_bidirectional_attention": True}, None),
    "gemma3_text-both-ways-odd": ("gemma3_text", {"use_bidirectional_attention": True, "sliding_window": 5}, None),
    "gemma3_text-both-ways-twice": (
        "gemma3_text", {"use_bidirectional_attention": True, "is_causal": False}, None,
    ),
    "gemma-relu": ("gemma", {"hidden_act": "relu", "hidden_activation": "silu"}, None),
    "gemma-gelu": ("gemma", {"hidden_act": "gelu", "hidden_activation": None}, None),
    "gemma2-gelu": ("gemma2", {"hidden_act": "relu", "hidden_activation": "gelu"}, None),
    "gemma3_text-gelu": ("gemma3_text", {"hidden_activation": "gelu"}, None),
    "gpt_neox-rotary-keys": (
        "gpt_neox", {"rotary_pct": 0.5, "partial_rotary_factor": 1.0, "rotary_emb_base": 100, "rope_theta": 50}, None,
    ),
    "llama-two-ropes": ("llama", {"rope_scaling": {"type": "linear", "factor": 3.0}, "rope_theta": 500.0}, None),
    "roberta-padding": (
        "roberta", {}, [[5, 3, 40, 9], [5, 3, 40, 9, 1, 1], [5, 1, 3, 40, 1, 9], [1, 5, 3, 40, 9], [1, 1, 1]],
    ),
    "roberta-model-padding": ("roberta-model", {}, [[5, 3, 40, 9, 3, 3], [3, 5, 1, 3, 40, 9]]),
    "opt-padding": ("opt", {}, [[5, 1, 3, 40, 1, 9]]),
}  # fmt: skip

SHARES = {"partial_rotary_factor": 0.5, "rotary_pct": 0.25, "rope_pct": 0.25, "rotary_dim": 4, "rotary_emb_base": 17.0}
WHOLE_HEADS = [
    "cohere", "cohere2", "ernie4_5", "exaone4", "falcon", "gemma", "gemma2", "gemma3_text-pattern", "gpt_oss-plain",
    "granite", "granitemoe", "helium", "llama", "mistral", "mixtral", "olmo", "olmo2", "olmo3-layer-types", "olmoe", "qwen2",
    "qwen2_moe", "qwen3", "qwen3_moe", "seed_oss", "smollm3", "starcoder2",
]  # fmt: skip
ALIASES = {
    "gpt2": {"hidden_size": "n_embd", "num_attention_heads": "n_head", "num_hidden_layers": "n_layer",
             "max_position_embeddings": "n_positions"},
    "bloom": {"num_attention_heads": "n_head", "num_hidden_layers": "n_layer", "n_embed": "hidden_size"},
    "gptj": {"hidden_size": "n_embd", "num_attention_heads": "n_head", "num_hidden_layers": "n_layer",
             "max_position_embeddings": "n_positions"},
    "mpt": {"hidden_size": "d_model", "num_attention_heads": "n_heads", "num_hidden_layers": "n_layers"},
    "mixtral": {"num_experts": "num_local_experts"},
    "qwen3_moe": {"num_local_experts": "num_experts"},
    "gpt_oss": {"num_experts": "num_local_experts"},
    "olmoe": {"num_local_experts": "num_experts"},
}  # fmt: skip
for other in ("codegen", "gpt_bigcode"):
    ALIASES[other] = ALIASES["gpt2"]


def with_changes(name, config):
    """A folder of the checkpoint's weights and this configuration."""
    scratch = tempfile.TemporaryDirectory()
    (Path(scratch.name) / "config.json").write_text(json.dumps(config))
    (Path(scratch.name) / "model.safetensors").symlink_to(CHECKPOINTS / name / "model.safetensors")
    return scratch


def own(name):
    folder = CHECKPOINTS / name
    return json.loads((folder / "config.json").read_text()), json.loads((folder / "expected.json").read_text())


def hold_idle(name, config, expected):
    prompt = max(expected["prompts"], key=lambda p: len(p["token_ids"]))
    with with_changes(name, config) as scratch:
        seen = measure(load(scratch, torch.float64), prompt["token_ids"])
    if not np.allclose(seen["residual_norm"], prompt["residual_norm"], rtol=1e-12):
        raise SystemExit(f"{name}: a key that should change nothing does")


def hold_all_idle():
    for name in WHOLE_HEADS:
        config, expected = own(name)
        hold_idle(name, config | SHARES, expected)
        if isinstance(config.get("rope_parameters"), dict) and "rope_type" in config["rope_parameters"]:
            inner = config["rope_parameters"] | {"partial_rotary_factor": 0.5}
            hold_idle(name, config | {"rope_parameters": inner}, expected)
    for name, aliases in ALIASES.items():
        config, expected = own(name)
        aliases = {a: k for a, k in aliases.items() if k in config}
        renamed = {k: v for k, v in config.items() if k not in aliases.values()}
        renamed |= {alias: config[key] for alias, key in aliases.items()}
        hold_idle(name, renamed, expected)
        # Of both the alias counts.
        hold_idle(name, renamed | {key: 2 * config[key] for key in aliases.values()}, expected)


def record(name):
    weights_of, changes, ids = CASES[name]
    config, expected = own(weights_of)
    by_length = sorted(expected["prompts"], key=lambda p: len(p["token_ids"]))
    prompts = [{"token_ids": p} for p in ids] if ids else [{"token_ids": p["token_ids"]} for p in by_length[-2:]]
    with with_changes(weights_of, config | changes) as scratch:
        seen = expect(load(scratch, torch.float64), load(scratch, torch.float32), prompts, weights_of)
    kept = {"versions": seen["versions"], "weights_of": weights_of, "changes": changes, "prompts": seen["prompts"]}
    SWITCHES.mkdir(exist_ok=True)
    write_json(SWITCHES / f"{name}.json", kept)
    print(name, [round(float(np.mean(layer)), 4) for layer in seen["prompts"][-1]["diagonal_sum_per_head"]])


if __name__ == "__main__":
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    if not sys.argv[1:]:
        hold_all_idle()
    for chosen in sys.argv[1:] or CASES:
        record(chosen)
