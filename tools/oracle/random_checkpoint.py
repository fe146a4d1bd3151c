"""Random weights under which every part of a layer matters: heads of very different sharpness, norm gains and biases
that are not ones and zeros, weights whose size differs from layer to layer."""

import numpy as np
import torch
from layers import STORED_MINUS_ONE, heads_of, layers_of, query_key_value, text_config


def randomise(model, seed):
    draw = np.random.default_rng(seed)

    def normal(shape, scale, mean=0.0):
        return torch.from_numpy(draw.normal(mean, scale, size=tuple(shape))).float()

    for name, tensor in sorted(model.state_dict().items()):
        if not tensor.is_floating_point():
            continue
        if name.endswith("bias"):
            tensor.copy_(normal(tensor.shape, 0.3))
        elif name.endswith("sinks"):
            tensor.copy_(normal(tensor.shape, 1.5))
        elif tensor.dim() == 1 or "norm" in name:  # norm gains, some of them negative
            stored_minus_one = text_config(model).model_type in STORED_MINUS_ONE
            tensor.copy_(normal(tensor.shape, 0.4, mean=-0.1 if stored_minus_one else 0.9))
        elif "wte" in name or "wpe" in name or "embed" in name and "project" not in name:
            scaled_later = text_config(model).model_type.startswith("gemma")
            tensor.copy_(normal(tensor.shape, 0.8 / np.sqrt(tensor.shape[1]) if scaled_later else 0.8))
        else:
            family = text_config(model).model_type
            stored_in_out = (family == "gpt2" and "lm_head" not in name) or (family == "gpt_oss" and "experts" in name)
            fan_in = tensor.shape[-2 if stored_in_out else -1]
            tensor.copy_(normal(tensor.shape, 1.0 / np.sqrt(fan_in)))
    model.tie_weights()
    for layer in layers_of(model):
        shape_attention(model, layer, draw)


def shape_attention(model, layer, draw):
    """A head that looks for keys like its query attends to itself, one that looks for the opposite attends elsewhere;
    the scale of its queries decides how sharply."""
    query, key, value = query_key_value(model, layer)
    heads, kv_heads, head_dim = heads_of(model)
    usual_scale = head_dim**-0.5 if text_config(model).model_type == "gpt_neo" else 1.0  # it does not scale its scores
    for head in range(heads):
        likeness = draw.uniform(-0.9, 0.9)
        sharpness = np.exp(draw.uniform(np.log(0.7), np.log(6.0))) * usual_scale
        own_key = key[head * kv_heads // heads]
        query[head].copy_(sharpness * (likeness * own_key + np.sqrt(1 - likeness**2) * query[head]))
    of_layer = np.exp(draw.uniform(np.log(0.5), np.log(2.0)))
    for head in range(kv_heads):
        value[head].mul_(of_layer).mul_(np.exp(draw.uniform(np.log(0.5), np.log(2.0))))
