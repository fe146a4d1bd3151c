"""Writes a checkpoint as its lab would publish it: config.json as given, tensors under the names that they use."""

import json
import re
import tempfile
from pathlib import Path

import torch
from mxfp4 import with_packed_experts
from safetensors.torch import load_file, save_file

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def published_tensors(model, variant):
    """What transformers saves under the names it reads (experts one by one), then renamed as the variant says."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        saved = load_file(Path(folder) / "model.safetensors")
    tensors = {}
    for name, tensor in saved.items():
        published = name.removeprefix(variant.get("drop_prefix", ""))
        for old, new in variant.get("rename", ()):
            published = re.sub(old, new, published)
        tensors[published] = tensor.to(DTYPES[variant.get("dtype", "float32")])
    if variant.get("mxfp4"):
        tensors = with_packed_experts(tensors)
    for name, tensor in variant.get("stray", {}).items():
        tensors[name] = torch.tensor(tensor)
    if variant.get("stray_buffers"):
        positions = model.config.max_position_embeddings
        for layer in range(model.config.num_hidden_layers):
            tensors[f"h.{layer}.attn.bias"] = torch.tril(torch.ones(1, 1, positions, positions, dtype=torch.uint8))
            tensors[f"h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    return {name: tensor.contiguous() for name, tensor in sorted(tensors.items())}


def write_folder(folder, config, tensors, shards=1):
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*"):
        old.unlink()
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    if shards == 1:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names = list(tensors)
    weight_map = {}
    for shard in range(shards):
        file = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        held = {name: tensors[name] for name in names[shard::shards]}
        save_file(held, folder / file, metadata={"format": "pt"})
        weight_map |= {name: file for name in held}
    size = sum(t.numel() * t.element_size() for t in tensors.values())
    index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(weight_map.items()))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
