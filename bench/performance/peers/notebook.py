"""The notebook's way through a list of models:  notebook.py DTYPE PROMPTS MODEL ...

For each model: load it with `transformers` and eager attention, run every prompt with attentions and hidden states,
mean over heads, |sum of A - n| times the squared norm of the last third of the value projection's rows, L* at the largest
step. PROMPTS is JSON Lines: token_ids, or text for models with a tokenizer (a .gguf file's own). Prints one JSON object
with L* and the seconds of loading and of the passes.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def value_weights(model):
    """(d, d) of each layer, as the notebook cuts them; it knows no grouped heads and no Gemma."""
    if hasattr(model, "gpt_neox"):
        return [thirds(layer.attention.query_key_value.weight) for layer in model.gpt_neox.layers]
    if hasattr(model, "transformer"):
        blocks = model.transformer.h
        if hasattr(blocks[0], "self_attention"):
            return [thirds(block.self_attention.query_key_value.weight) for block in blocks]
        return [thirds(block.attn.c_attn.weight.T) for block in blocks]
    layers = model.model.decoder.layers if hasattr(model.model, "decoder") else model.model.layers
    return [layer.self_attn.v_proj.weight.float() for layer in layers]


def thirds(weight):
    return weight.float()[2 * (weight.shape[0] // 3) :]


def largest_step(trace):
    return int(np.argmax(np.abs(np.diff(trace)))) + 1


def main(dtype, prompts_file, models):
    prompts = [json.loads(line) for line in open(prompts_file)]
    results = {"loading": 0.0, "passes": 0.0, "models": {}}
    for path in map(Path, models):
        start = time.monotonic()
        is_gguf = path.suffix == ".gguf"
        source, options = (path.parent, {"gguf_file": path.name}) if is_gguf else (path, {})
        needs_tokenizer = any("token_ids" not in prompt for prompt in prompts)
        tokenizer = AutoTokenizer.from_pretrained(source, **options) if needs_tokenizer else None
        model = AutoModelForCausalLM.from_pretrained(
            source, dtype=getattr(torch, dtype), attn_implementation="eager", **options
        ).eval()
        loaded = time.monotonic()
        results["loading"] += loaded - start
        found = []
        for prompt in prompts:
            ids = torch.tensor([prompt["token_ids"]] if tokenizer is None else [tokenizer(prompt["text"])["input_ids"]])
            with torch.no_grad():
                seen = model(ids, output_attentions=True, output_hidden_states=True)
                trace = [
                    abs((a[0].float().mean(dim=0).sum().item() - ids.shape[1]) * (w**2).sum().item())
                    for a, w in zip(seen.attentions, value_weights(model))
                ]
            found.append({"token_ids": ids[0].tolist(), "l_star": largest_step(trace)})
        results["passes"] += time.monotonic() - loaded
        results["models"][path.name] = found
        del model
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
