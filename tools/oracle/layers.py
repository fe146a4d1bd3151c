"""Where each family keeps its layers and their attention weights: one row of the table a family."""

import torch

LAYERS = {
    "gpt2": lambda model: model.transformer.h,
    "gpt_neox": lambda model: model.gpt_neox.layers,
    "opt": lambda model: model.model.decoder.layers,
    "bloom": lambda model: model.transformer.h,
    "llama": lambda model: model.model.layers,
}


def layers_of(model):
    return LAYERS[model.config.model_type](model)


def heads_of(model):
    """H, K, d_h"""
    config = model.config
    heads = config.num_attention_heads
    kv_heads = getattr(config, "num_key_value_heads", None) or heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads
    return heads, kv_heads, head_dim


def query_key_value(model, layer):
    """Views (H, d_h, d), (K, d_h, d), (K, d_h, d) of one layer's weights."""
    family = model.config.model_type
    heads, kv_heads, head_dim = heads_of(model)
    width = model.config.hidden_size
    if family == "gpt2":  # Conv1D: stored (in, out), columns Q | K | V
        fused = layer.attn.c_attn.weight.data.T.unflatten(0, (3, heads, head_dim))
        return fused[0], fused[1], fused[2]
    if family in ("gpt_neox", "bloom"):  # rows (H, 3, d_h)
        attention = layer.attention if family == "gpt_neox" else layer.self_attention
        fused = attention.query_key_value.weight.data.view(heads, 3, head_dim, width)
        return fused[:, 0], fused[:, 1], fused[:, 2]
    attention = layer.self_attn
    return (
        attention.q_proj.weight.data.view(heads, head_dim, width),
        attention.k_proj.weight.data.view(kv_heads, head_dim, width),
        attention.v_proj.weight.data.view(kv_heads, head_dim, width),
    )


def output_projection(model, layer):
    """W_O: (d, H * d_h)"""
    family = model.config.model_type
    if family == "gpt2":
        return layer.attn.c_proj.weight.data.T
    if family == "gpt_neox":
        return layer.attention.dense.weight.data
    if family == "bloom":
        return layer.self_attention.dense.weight.data
    return layer.self_attn.out_proj.weight.data if family == "opt" else layer.self_attn.o_proj.weight.data


def thirds_w_v(model, layer):
    """What the notebook takes for W_V: the last third of a fused projection's outputs."""
    family = model.config.model_type
    if family in ("gpt_neox", "bloom"):
        attention = layer.attention if family == "gpt_neox" else layer.self_attention
        fused = attention.query_key_value.weight.data
        return fused[2 * (fused.shape[0] // 3) :, :]
    return query_key_value(model, layer)[2]


def gain_before_attention(model, layer):
    """The gain of the norm in front of attention, or None where there is no such norm."""
    family = model.config.model_type
    if family == "opt":
        return layer.self_attn_layer_norm.weight.data if model.config.do_layer_norm_before else None
    return (layer.ln_1 if family == "gpt2" else layer.input_layernorm).weight.data


def ov_frobenius_sq_per_head(model, layer):
    """||P_w W_O^(h) W_V^(kv(h)) diag(gain) P_r||_F^2 with the d x d matrices written out."""
    heads, kv_heads, head_dim = heads_of(model)
    width = model.config.hidden_size
    identity = torch.eye(width, dtype=torch.float64)
    centring = identity - torch.full((width, width), 1.0 / width, dtype=torch.float64)
    is_layer_norm = model.config.model_type != "llama"
    gain = gain_before_attention(model, layer)
    read = centring if is_layer_norm and gain is not None else identity
    write = centring if is_layer_norm else identity
    scale = torch.diag(gain.double()) if gain is not None else identity
    w_o = output_projection(model, layer).double()
    w_v = query_key_value(model, layer)[2].double()
    result = []
    for head in range(heads):
        w_o_head = w_o[:, head * head_dim : (head + 1) * head_dim]
        circuit = write @ w_o_head @ w_v[head * kv_heads // heads] @ scale @ read
        result.append((circuit**2).sum().item())
    return result


def weight_norms(model):
    def squared(tensor):
        return (tensor.double() ** 2).sum().item()

    norms = {
        "w_v_frobenius_sq": [],
        "w_v_frobenius_sq_per_kv_head": [],
        "w_v_thirds_frobenius_sq": [],
        "ov_frobenius_sq_per_head": [],
        "w_o_frobenius_sq": [],
    }
    for layer in layers_of(model):
        w_v = query_key_value(model, layer)[2]
        norms["w_v_frobenius_sq"].append(squared(w_v))
        norms["w_v_frobenius_sq_per_kv_head"].append([squared(head) for head in w_v])
        norms["w_v_thirds_frobenius_sq"].append(squared(thirds_w_v(model, layer)))
        norms["ov_frobenius_sq_per_head"].append(ov_frobenius_sq_per_head(model, layer))
        norms["w_o_frobenius_sq"].append(squared(output_projection(model, layer)))
    return norms
