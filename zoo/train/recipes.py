"""The six miniatures: their shapes, the recipe of each lab, configurations and initialisation."""

import math
from dataclasses import dataclass

import torch
import transformers as hf


@dataclass(frozen=True)
class Shape:
    lab: str
    layers: int
    heads: int
    hidden: int
    mlp: int
    seed: int


@dataclass(frozen=True)
class Recipe:
    """What one lab does: two models of one lab share it."""

    mix: str
    vocab: int
    betas: tuple
    weight_decay: float
    peak_lr: float
    schedule: str  # "cosine" or "linear"
    floor: float  # last learning rate, as a share of the peak
    warmup: float  # share of the run
    clip: float


SHAPES = {
    "neox-12x12": Shape("neox", 12, 12, 96, 384, 1234),
    "neox-24x16": Shape("neox", 24, 16, 128, 256, 1235),
    "opt-12x12": Shape("opt", 12, 12, 96, 384, 7),
    "opt-24x16": Shape("opt", 24, 16, 128, 256, 8),
    "bloom-24x16": Shape("bloom", 24, 16, 128, 512, 42),
    "gpt2-12x12": Shape("gpt2", 12, 12, 96, 384, 2019),
}
RECIPES = {
    "gpt2": Recipe("gpt2", 4096, (0.9, 0.999), 0.01, 2.5e-3, "cosine", 0.0, 0.04, 1.0),
    "neox": Recipe("neox", 4096, (0.9, 0.95), 0.1, 2.0e-3, "cosine", 0.1, 0.02, 1.0),
    "opt": Recipe("opt", 4096, (0.9, 0.95), 0.1, 1.5e-3, "linear", 0.0, 0.08, 0.5),
    "bloom": Recipe("bloom", 6144, (0.9, 0.95), 0.05, 1.5e-3, "cosine", 0.1, 0.05, 1.0),
}
POST_NORM_LR = 0.5  # opt-24x16 normalises after the sum and takes half the lab's peak rate
POSITIONS = 512


def new_model(name):
    shape = SHAPES[name]
    size = {"vocab_size": RECIPES[shape.lab].vocab, "hidden_size": shape.hidden}
    size |= {"num_hidden_layers": shape.layers, "num_attention_heads": shape.heads}
    if shape.lab == "neox":
        rope = {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5}
        size |= {"intermediate_size": shape.mlp, "max_position_embeddings": POSITIONS, "rope_parameters": rope}
        config = hf.GPTNeoXConfig(**size, tie_word_embeddings=False, bos_token_id=0, eos_token_id=0)
        config.rotary_pct, config.rotary_emb_base = 0.5, 10000  # what the published configurations call them
        return hf.GPTNeoXForCausalLM(config)
    if shape.lab == "opt":
        post_norm = shape.layers == 24
        size |= {"ffn_dim": shape.mlp, "word_embed_proj_dim": 64 if post_norm else shape.hidden}
        size |= {"max_position_embeddings": POSITIONS, "do_layer_norm_before": not post_norm}
        special = {"bos_token_id": 2, "eos_token_id": 2, "pad_token_id": 1}
        return hf.OPTForCausalLM(hf.OPTConfig(**size, **special, dropout=0.0, init_std=0.006))
    if shape.lab == "bloom":
        size |= {"hidden_dropout": 0.0, "attention_dropout": 0.0, "seq_length": POSITIONS}
        return hf.BloomForCausalLM(hf.BloomConfig(**size, bos_token_id=1, eos_token_id=2, pad_token_id=3))
    size |= {"n_positions": POSITIONS, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    return hf.GPT2LMHeadModel(hf.GPT2Config(**size, bos_token_id=0, eos_token_id=0))


@torch.no_grad()
def initialise(model, name):
    """Each lab's own initialisation of the matrices; biases 0, norms 1."""
    shape = SHAPES[name]
    d, depth = shape.hidden, shape.layers
    for key, weight in model.named_parameters():
        if weight.ndim == 1:
            weight.fill_(1.0 if key.endswith("weight") else 0.0)
        elif shape.lab == "gpt2":
            weight.normal_(0.0, 0.02 / math.sqrt(2 * depth) if key.endswith("c_proj.weight") else 0.02)
        elif shape.lab == "neox":  # small init, and Wang init where a block writes its result
            writes = key.endswith(("attention.dense.weight", "dense_4h_to_h.weight"))
            weight.normal_(0.0, 2 / (depth * math.sqrt(d)) if writes else math.sqrt(2 / (5 * d)))
        elif shape.lab == "opt":
            std = 0.006
            if depth == 24 and ("embed_tokens" in key or "decoder.project_" in key):
                # with 0.006 the token embedding is lost: from layer 8 on, all positions become one vector
                std = 1 / math.sqrt(weight.shape[1])
            torch.nn.init.trunc_normal_(weight, 0.0, std, -2 * std, 2 * std)
        else:
            weight.normal_(0.0, math.sqrt(1 / (3 * d)))
