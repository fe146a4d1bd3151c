"""The attention of the miniatures in fewer passes over memory: heads of width 8 are slow in the usual form on a CPU.

    python narrow.py        # compares every model's logits with and without it

For training only; what is saved does not depend on it.
"""

import torch
import torch.nn.functional as F
from transformers import AttentionInterface
from transformers.models.bloom import modeling_bloom
from transformers.models.gpt_neox import modeling_gpt_neox

MASKS = {}  # causal mask, with ALiBi where there are slopes, by batch, length, dtype


def attend(query, key, value, scale, slopes=None):
    """Causal attention by two batched products. slopes: BLOOM's, one a head. (batch, heads, length, width)"""
    batch, heads, length, _ = query.shape
    entry = (batch, length, query.dtype, slopes is None)
    if entry not in MASKS:
        mask = torch.full((1, length, length), -torch.inf).triu(1)
        if slopes is not None:
            mask = (mask + slopes.view(heads, 1, 1) * torch.arange(length)).repeat(batch, 1, 1)
        MASKS[entry] = mask.to(query.dtype)
    scores = torch.baddbmm(MASKS[entry], query.flatten(0, 1), key.flatten(0, 1).transpose(1, 2), alpha=scale)
    return torch.bmm(scores.softmax(-1), value.flatten(0, 1)).view_as(query)


def common_attention(module, query, key, value, attention_mask, scaling=None, **unused):
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    return attend(query, key, value, scale).transpose(1, 2), None


def bloom_attention(self, hidden, residual, alibi, attention_mask, layer_past=None, **unused):
    batch, length, _ = hidden.shape
    query, key, value = self._reshape(self.query_key_value(hidden))
    slopes = alibi.view(batch, self.num_heads, length)[0, :, 1]
    mixed = attend(query, key, value, self.inv_norm_factor, slopes)
    return self.dense(mixed.transpose(1, 2).reshape(batch, length, -1)) + residual, None


def rotate(query, key, cos, sin, unsqueeze_dim=1):
    """Rotary embedding with the half-turn as a small matrix product."""
    width, turned = query.shape[-1], cos.shape[-1]
    index, half = torch.arange(turned // 2), turned // 2
    turn = torch.zeros(width, width, dtype=query.dtype)
    turn[index + half, index], turn[index, index + half] = -1.0, 1.0
    cos = F.pad(cos, (0, width - turned), value=1.0).unsqueeze(unsqueeze_dim).to(query.dtype)
    sin = F.pad(sin, (0, width - turned)).unsqueeze(unsqueeze_dim).to(query.dtype)
    return query * cos + (query @ turn) * sin, key * cos + (key @ turn) * sin


def use_narrow_attention(model, lab):
    modeling_bloom.BloomAttention.forward = bloom_attention
    modeling_gpt_neox.apply_rotary_pos_emb = rotate
    if lab != "bloom":
        AttentionInterface.register("narrow", common_attention)
        model.set_attn_implementation("narrow")


@torch.no_grad()
def main():
    from recipes import RECIPES, SHAPES, new_model

    torch.manual_seed(0)
    models = {name: new_model(name).eval() for name in SHAPES}
    ids = torch.randint(0, min(recipe.vocab for recipe in RECIPES.values()), (2, 64))
    usual = {name: model(input_ids=ids).logits for name, model in models.items()}
    for name, model in models.items():
        use_narrow_attention(model, SHAPES[name].lab)
        gap = (model(input_ids=ids).logits - usual[name]).abs().max() / usual[name].abs().max()
        print(f"{name}: largest difference {gap:.1e} of the largest logit")
        assert gap < 1e-4, name  # float32, in another order of summation


if __name__ == "__main__":
    main()
