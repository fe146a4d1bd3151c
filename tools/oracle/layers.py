"""Where each family keeps its layers and their attention weights."""

import torch

LAYERS = ("h", "layers", "layer", "blocks")
ATTENTION = ("self_attn", "self_attention", "attention", "attn")
OUTPUT = ("o_proj", "out_proj", "dense", "c_proj")
NORM_BEFORE_ATTENTION = ("input_layernorm", "ln_attn", "ln_1", "norm_1", "self_attn_layer_norm")

# Families whose residual stream is read by LayerNorms, which take its mean out. All others have RMS norms.
LAYER_NORM = {
    "bert", "bloom", "codegen", "cohere", "cohere2", "falcon", "gpt2", "gpt_bigcode", "gpt_neo", "gpt_neox", "gptj",
    "mpt", "nemotron", "olmo", "opt", "phi", "roberta", "stablelm", "starcoder2",
}  # fmt: skip
STORED_MINUS_ONE = {"gemma", "gemma2", "gemma3_text", "nemotron"}  # a norm multiplies by 1 + weight
NORMS_AFTER_ONLY = {"olmo2", "olmo3", "exaone4", "bert", "roberta"}  # no norm in front of attention


def first_attribute(module, names):
    return next((getattr(module, name) for name in names if getattr(module, name, None) is not None), None)


def text_config(model):
    return model.config.get_text_config()


def layers_of(model):
    base = getattr(model.base_model, "language_model", model.base_model)
    stack = getattr(base, "decoder", None) or getattr(base, "encoder", None) or base
    return first_attribute(stack, LAYERS)


def attention_of(layer):
    attention = first_attribute(layer, ATTENTION)
    inner = first_attribute(attention, ("self", "attention"))  # BERT, GPT-Neo
    return attention if inner is None else inner


def heads_of(model):
    """H, K, d_h"""
    config = text_config(model)
    heads = config.num_attention_heads
    if config.model_type == "falcon":
        kv_heads = config.num_kv_heads if config.new_decoder_architecture or not config.multi_query else 1
    elif config.model_type == "gpt_bigcode":
        kv_heads = 1 if config.multi_query else heads
    else:
        kv_heads = getattr(config, "num_key_value_heads", None) or heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads
    return heads, kv_heads, head_dim


def fused_projection(layer):
    attention = attention_of(layer)
    return first_attribute(attention, ("query_key_value", "qkv_proj", "Wqkv", "c_attn"))


def query_key_value(model, layer):
    """Views of one layer's weights, each (d_h, d): H, K and K of them."""
    config = text_config(model)
    family = config.model_type
    heads, kv_heads, head_dim = heads_of(model)
    width = config.hidden_size
    fused = fused_projection(layer)
    if fused is None:
        attention = attention_of(layer)
        projections = [first_attribute(attention, (f"{name[0]}_proj", name)) for name in ("query", "key", "value")]
        return [p.weight.data.view(-1, head_dim, width) for p in projections]
    rows = fused.weight.data
    if family == "gpt2":  # Conv1D: stored (in, out), columns Q | K | V
        return rows.T.unflatten(0, (3, heads, head_dim)).unbind(0)
    if family in ("gpt_neox", "bloom") or (family == "gpt_bigcode" and kv_heads == heads):  # rows (H, 3, d_h)
        return rows.view(heads, 3, head_dim, width).unbind(1)
    if family == "falcon":  # rows (K, H / K + 2, d_h): the queries that share a key, the key, the value
        groups = rows.view(kv_heads, heads // kv_heads + 2, head_dim, width)
        return [query for group in groups for query in group[:-2]], list(groups[:, -2]), list(groups[:, -1])
    if family == "codegen":  # rows (4, Q | V | K, H / 4, d_h)
        blocks = rows.view(4, 3, heads // 4, head_dim, width)
        return [[head for block in blocks for head in block[i]] for i in (0, 2, 1)]
    return rows.view(-1, head_dim, width).split([heads, kv_heads, kv_heads])  # rows Q | K | V


def value_weights(model, layer):
    """(K, d_h, d)"""
    value = query_key_value(model, layer)[2]
    return value if isinstance(value, torch.Tensor) else torch.stack(value)


def output_projection(model, layer):
    """W_O: (d, H * d_h)"""
    if text_config(model).model_type in ("bert", "roberta"):
        return layer.attention.output.dense.weight.data
    weight = first_attribute(attention_of(layer), OUTPUT).weight.data
    return weight.T if text_config(model).model_type == "gpt2" else weight


def thirds_w_v(model, layer):
    """What the notebook takes for W_V: the last third of a fused projection's outputs. None where a fused projection
    does not consist of three equal parts."""
    heads, kv_heads, _ = heads_of(model)
    fused = fused_projection(layer)
    if fused is None:
        return value_weights(model, layer)
    rows = fused.weight.data.T if text_config(model).model_type == "gpt2" else fused.weight.data
    return rows[2 * (rows.shape[0] // 3) :, :] if kv_heads == heads else None


def gain_before_attention(model, layer):
    """What the norm in front of attention multiplies by, or None where there is no such norm."""
    config = text_config(model)
    if config.model_type in NORMS_AFTER_ONLY or getattr(config, "do_layer_norm_before", True) is False:
        return None
    weight = getattr(first_attribute(layer, NORM_BEFORE_ATTENTION), "weight", None)
    if weight is None:  # OLMo's LayerNorm has no gain
        return torch.ones(config.hidden_size, dtype=torch.float64)
    return weight.data.double() + 1 if config.model_type in STORED_MINUS_ONE else weight.data


def ov_frobenius_sq_per_head(model, layer):
    """||P_w W_O^(h) W_V^(kv(h)) diag(gain) P_r||_F^2 with the d x d matrices written out."""
    heads, kv_heads, head_dim = heads_of(model)
    width = text_config(model).hidden_size
    identity = torch.eye(width, dtype=torch.float64)
    centring = identity - torch.full((width, width), 1.0 / width, dtype=torch.float64)
    is_layer_norm = text_config(model).model_type in LAYER_NORM
    gain = gain_before_attention(model, layer)
    read = centring if is_layer_norm and gain is not None else identity
    write = centring if is_layer_norm else identity
    scale = torch.diag(gain.double()) if gain is not None else identity
    w_o = output_projection(model, layer).double()
    w_v = value_weights(model, layer).double()
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
        w_v = value_weights(model, layer)
        norms["w_v_frobenius_sq"].append(squared(w_v))
        norms["w_v_frobenius_sq_per_kv_head"].append([squared(head) for head in w_v])
        thirds = thirds_w_v(model, layer)
        if thirds is not None:
            norms["w_v_thirds_frobenius_sq"].append(squared(thirds))
        norms["ov_frobenius_sq_per_head"].append(ov_frobenius_sq_per_head(model, layer))
        norms["w_o_frobenius_sq"].append(squared(output_projection(model, layer)))
    return {name: values for name, values in norms.items() if values}
