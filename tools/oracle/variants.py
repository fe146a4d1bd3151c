"""The tiny checkpoints: one entry a variant. `config` is config.json as it is written, in the spelling that a lab used.

Options: `drop_prefix` (names are published without it), `stray_buffers` (GPT-2's mask buffers), `dtype` (stored),
`weights_of` (the same weights as another variant), `shards`.
"""

GPT2 = {
    "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "activation_function": "gelu_new",
    "n_embd": 32, "n_head": 4, "n_layer": 4, "n_inner": 64, "n_positions": 96, "n_ctx": 96, "vocab_size": 100,
    "layer_norm_epsilon": 1e-5, "bos_token_id": 0, "eos_token_id": 0,
}  # fmt: skip

VARIANTS = {
    "gpt2": {"config": GPT2},
    # As openai-community/gpt2: no prefix, mask buffers among the weights; n_inner absent, so 4 * n_embd.
    "gpt2-published-names": {
        "config": {k: v for k, v in GPT2.items() if k != "n_inner"} | {"n_layer": 3, "n_head": 2, "n_positions": 64},
        "drop_prefix": "transformer.", "stray_buffers": True,
    },
    "gpt2-scaled-upcast": {
        "config": GPT2 | {"n_embd": 40, "n_head": 5, "n_layer": 3, "n_inner": 48,
                          "scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True},
    },
}  # fmt: skip

PROMPT_LENGTHS = (1, 2, 17, 60)
