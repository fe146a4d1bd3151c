"""Random weights under which every part of a layer matters: heads of very different sharpness, norm gains and biases
that are not ones and zeros, weights whose size differs from layer to layer."""

import numpy as np
import torch
from layers import heads_of, layers_of, query_key_value


def randomise(model, seed):
    draw = np.random.default_rng(seed)

    def normal(shape, scale, mean=0.0):
        return torch.from_numpy(draw.normal(mean, scale, size=tuple(shape))).float()

    for name, tensor in sorted(model.state_dict().items()):
        if not tensor.is_floating_point():
            continue
        if name.endswith("bias"):
            tensor.copy_(normal(tensor.shape, 0.3))
        elif tensor.dim() == 1:  # norm gains, some of them negative
            tensor.copy_(normal(tensor.shape, 0.4, mean=0.9))
        elif "wte" in name or "wpe" in name or "embed" in name and "project" not in name:
            tensor.copy_(normal(tensor.shape, 0.8))
        else:
            fan_in = tensor.shape[0] if model.config.model_type == "gpt2" and "lm_head" not in name else tensor.shape[1]
            tensor.copy_(normal(tensor.shape, 1.0 / np.sqrt(fan_in)))
    model.tie_weights()
    for layer in layers_of(model):
        shape_attention(model, layer, draw)


def shape_attention(model, layer, draw):
    """A head that looks for keys like its query attends to itself, one that looks for the opposite attends elsewhere;
    the scale of its queries decides how sharply."""
    query, key, value = query_key_value(model, layer)
    heads, kv_heads, _ = heads_of(model)
    for head in range(heads):
        likeness = draw.uniform(-0.9, 0.9)
        sharpness = np.exp(draw.uniform(np.log(0.7), np.log(6.0)))
        own_key = key[head * kv_heads // heads]
        query[head] = sharpness * (likeness * own_key + np.sqrt(1 - likeness**2) * query[head])
    value *= np.exp(draw.uniform(np.log(0.5), np.log(2.0)))
    for head in range(kv_heads):
        value[head] *= np.exp(draw.uniform(np.log(0.5), np.log(2.0)))
