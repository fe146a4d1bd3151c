"""The first layer's probabilities once more, from the rounding points that lstar emulates: which share of what
`transformers` computes in float16 or bfloat16 is met to the bit? Exact sums are rounded here and float32 sums there, so
a few may differ by one place."""

import torch
from layers import heads_of, layers_of

STATED = ("gpt2", "gpt_neox", "opt", "bloom", "llama")  # families whose rounding points are written down here


def rotated(x, model, round_):
    rotary = next(m for m in model.modules() if hasattr(m, "inv_freq"))
    factor = rotary.attention_scaling
    angle = torch.arange(x.shape[1]).float()[:, None] * rotary.inv_freq.float()
    cos, sin = (round_(torch.cat([t, t], dim=-1).double()) for t in (angle.cos() * factor, angle.sin() * factor))
    dims = cos.shape[-1]
    turned, kept = x[..., :dims], x[..., dims:]
    half = torch.cat([-turned[..., dims // 2 :], turned[..., : dims // 2]], dim=-1)
    return torch.cat([round_(round_(turned * cos) + round_(half * sin)), kept], dim=-1)


def projected(model, token_ids):
    """q, k of the first layer (heads, n, d_h) as the model's own linear layers give them."""
    layer, family = layers_of(model)[0], model.config.model_type
    heads, kv_heads, head_dim = heads_of(model)
    if family in ("opt", "llama"):
        modules = [layer.self_attn.q_proj, layer.self_attn.k_proj]
    else:
        attention = {"gpt2": "attn", "gpt_neox": "attention", "bloom": "self_attention"}[family]
        modules = [getattr(getattr(layer, attention), "c_attn" if family == "gpt2" else "query_key_value")]
    seen = []
    hooks = [m.register_forward_hook(lambda _, __, out: seen.append(out[0].double())) for m in modules]
    with torch.no_grad():
        model(torch.tensor([token_ids]), use_cache=False)
    for hook in hooks:
        hook.remove()
    if family in ("opt", "llama"):
        q, k = seen[0].unflatten(1, (heads, head_dim)), seen[1].unflatten(1, (kv_heads, head_dim))
    elif family == "gpt2":
        q, k, _ = seen[0].unflatten(1, (3, heads, head_dim)).unbind(1)
    else:
        q, k, _ = seen[0].unflatten(1, (heads, 3, head_dim)).unbind(2)
    k = k.repeat_interleave(heads // k.shape[1], dim=1)
    return q.transpose(0, 1), k.transpose(0, 1)


def first_layer(model, token_ids):
    dtype, family, config = next(model.parameters()).dtype, model.config.model_type, model.config

    def round_(x):
        return x.to(dtype).double()

    q, k = projected(model, token_ids)
    n, scale = len(token_ids), q.shape[-1] ** -0.5
    if family in ("gpt_neox", "llama"):
        q, k = rotated(q, model, round_), rotated(k, model, round_)
    if family == "opt":
        scores = round_(round_(q * scale) @ k.mT)
    elif family == "bloom":
        from transformers.models.bloom.modeling_bloom import _get_alibi_slopes

        slopes = _get_alibi_slopes(config.n_head, torch.device("cpu"))
        alibi = round_((slopes[:, None, None] * torch.arange(n)).double())
        scores = round_(alibi + scale * (q @ k.mT))
    elif family == "gpt2" and config.reorder_and_upcast_attn:
        scores = (q @ k.mT * scale).float().double()
    else:
        scores = round_(round_(q @ k.mT) * scale)
    unseen = torch.ones(n, n, dtype=torch.bool).triu(1)
    return torch.softmax(scores.masked_fill(unseen, -torch.inf), dim=-1).to(dtype)


def share_met(model, token_ids, theirs):
    """Of the probabilities below the diagonal or on it, in the first layer."""
    seen = torch.ones(theirs.shape[-1], theirs.shape[-1], dtype=torch.bool).tril()
    return (first_layer(model, token_ids) == theirs)[:, seen].double().mean().item()
