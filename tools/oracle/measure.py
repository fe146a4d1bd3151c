"""One forward pass of `transformers`, reduced in float64 to the quantities that lstar reports."""

from contextlib import nullcontext

import torch
from float64_reference import bfloat16_is_meant, forget_sequence_lengths, true_float64
from layers import layers_of

TOP = 5
PER_HEAD = ("diagonal_sum_per_head", "off_diagonal_sum_per_head", "entropy_per_head")
ARRAYS = (*PER_HEAD, "attention_entropy", "residual_norm")


def forward(model, token_ids):
    """Attention probabilities (L tensors of (H, n, n)), residual stream (L + 1 of (n, d)), last token's logits (None
    where tokens are not predicted from those before them)."""
    forget_sequence_lengths(model)
    residual = []

    def first_input(_, args, kwargs):
        residual.append((args[0] if args else kwargs["hidden_states"])[0])

    def output(_, __, result):
        residual.append((result[0] if isinstance(result, tuple) else result)[0])

    layers = layers_of(model)
    hooks = [layers[0].register_forward_pre_hook(first_input, with_kwargs=True)]
    hooks += [layer.register_forward_hook(output) for layer in layers]
    is_float64 = next(model.parameters()).dtype == torch.float64
    exactly = true_float64(bfloat16_is_meant(model)) if is_float64 else nullcontext()
    with torch.no_grad(), exactly:
        result = model(torch.tensor([token_ids]), output_attentions=True, use_cache=False)
    for hook in hooks:
        hook.remove()
    attention = [a[0] for a in result.attentions]
    logits = [result.logits[0, -1]] if predicts_next(model) else []
    if is_float64 and not all(t.dtype == torch.float64 for t in (*attention, *residual, *logits)):
        raise TypeError("the reference left float64")
    return attention, residual, logits[0] if logits else None


def predicts_next(model):
    return model.config.model_type not in ("bert", "roberta")


def measure(model, token_ids):
    attention, residual, logits = forward(model, token_ids)
    seen = {name: [] for name in ARRAYS}
    n = len(token_ids)
    off_diagonal = ~torch.eye(n, dtype=torch.bool)
    for probabilities in attention:
        a = probabilities.double()
        entropy = -torch.special.xlogy(a, a).sum(dim=(1, 2)) + 0.0
        seen["diagonal_sum_per_head"].append(a.diagonal(dim1=1, dim2=2).sum(dim=1).tolist())
        seen["off_diagonal_sum_per_head"].append((a * off_diagonal).sum(dim=(1, 2)).tolist())
        seen["entropy_per_head"].append(entropy.tolist())
        seen["attention_entropy"].append((entropy.mean() / n).item())
    seen["residual_norm"] = [states[-1].double().norm().item() for states in residual]
    seen["logits"] = logits if logits is None else logits.double()
    return seen


def likeliest(logits):
    if logits is None:
        return []
    values, ids = torch.topk(logits, TOP)
    return [{"id": i, "logit": v} for i, v in zip(ids.tolist(), values.tolist())]


def difference(a, b):
    if isinstance(a, list):
        return [difference(x, y) for x, y in zip(a, b, strict=True)]
    return float(f"{a - b:.3g}")


def record_prompt(reference, single, token_ids):
    """The float64 reference for one prompt, and what transformers' own float32 differs from it by."""
    seen, other = measure(reference, token_ids), measure(single, token_ids)
    next_token = likeliest(seen["logits"])
    error = {name: difference(other[name], seen[name]) for name in ARRAYS}
    error["next_token"] = [difference(other["logits"][t["id"]].item(), t["logit"]) for t in next_token]
    prompt = {"token_ids": list(token_ids)}
    prompt |= {name: seen[name] for name in ARRAYS}
    return prompt | {"next_token": next_token, "float32_error": error}
