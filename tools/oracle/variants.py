"""The tiny checkpoints: one entry a variant. `config` is config.json as it is written, in the spelling that a lab used.

Options: `drop_prefix` (names are published without it), `rename` (older names: pattern and replacement),
`stray_buffers` (GPT-2's mask buffers), `stray` (other tensors that no model reads), `dtype` (stored), `weights_of`
(the same weights as another variant), `shards`, `lengths` (of the prompts), `matters` (other values of config keys:
each must change the result, or the variant does not test it).
"""

from variants_encoders import ENCODERS
from variants_llama_like import LLAMA_LIKE
from variants_mixtures import MIXTURES
from variants_older import OLDER
from variants_rotary import ROTARY

GPT2 = {
    "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "activation_function": "gelu_new",
    "n_embd": 32, "n_head": 4, "n_layer": 4, "n_inner": 64, "n_positions": 96, "n_ctx": 96, "vocab_size": 100,
    "layer_norm_epsilon": 1e-5, "bos_token_id": 0, "eos_token_id": 0,
}  # fmt: skip

LLAMA = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "hidden_size": 32,
    "intermediate_size": 48, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
    "max_position_embeddings": 128, "vocab_size": 96, "rms_norm_eps": 1e-5, "tie_word_embeddings": False,
    "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip

GPT_NEOX = {
    "architectures": ["GPTNeoXForCausalLM"], "model_type": "gpt_neox", "hidden_act": "gelu", "hidden_size": 32,
    "intermediate_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "max_position_embeddings": 96,
    "vocab_size": 100, "layer_norm_eps": 1e-5, "tie_word_embeddings": False, "bos_token_id": 0, "eos_token_id": 0,
}  # fmt: skip

OPT = {
    "architectures": ["OPTForCausalLM"], "model_type": "opt", "activation_function": "relu", "hidden_size": 32,
    "ffn_dim": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "max_position_embeddings": 96, "vocab_size": 100,
    "word_embed_proj_dim": 32, "do_layer_norm_before": True, "pad_token_id": 1, "bos_token_id": 2, "eos_token_id": 2,
}  # fmt: skip

BLOOM = {
    "architectures": ["BloomForCausalLM"], "model_type": "bloom", "hidden_size": 32, "n_layer": 3, "n_head": 4,
    "vocab_size": 96, "layer_norm_epsilon": 1e-5, "seq_length": 96, "bos_token_id": 1, "eos_token_id": 2,
    "pad_token_id": 3,
}  # fmt: skip


def without(config, *keys):
    return {k: v for k, v in config.items() if k not in keys}


VARIANTS = {
    "gpt2": {"config": GPT2},
    # As openai-community/gpt2: no prefix, mask buffers among the weights; n_inner absent, so 4 * n_embd.
    "gpt2-published-names": {
        "config": without(GPT2, "n_inner") | {"n_layer": 3, "n_head": 2, "n_positions": 64},
        "drop_prefix": "transformer.", "stray_buffers": True,
    },
    "gpt2-scaled-upcast": {
        "config": GPT2 | {"n_embd": 40, "n_head": 5, "n_layer": 3, "n_inner": 48,
                          "scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True},
    },
    "llama": {
        "config": LLAMA | {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}},
    },
    # One key head for each query head, every bias, the embedding as output.
    "llama-multi-head": {
        "config": without(LLAMA, "num_key_value_heads")
        | {"num_attention_heads": 2, "num_hidden_layers": 3, "attention_bias": True, "mlp_bias": True,
           "tie_word_embeddings": True, "rope_theta": 10000.0},
    },
    # Another base, in transformers 4's spelling; names without "model."; heads wider than hidden / heads.
    "llama-theta": {
        "config": LLAMA | {"hidden_size": 36, "num_hidden_layers": 3, "num_attention_heads": 6, "head_dim": 10,
                           "rms_norm_eps": 1e-6, "rope_theta": 100000.0, "rope_scaling": None},
        "drop_prefix": "model.",
    },
    # SmolLM2's shape in small: what tests/data/gguf is made from, so every row is a multiple of 32 long.
    "llama-smollm2-shape": {
        "config": LLAMA | {"hidden_size": 96, "intermediate_size": 32, "num_hidden_layers": 3,
                           "num_attention_heads": 6, "num_key_value_heads": 2, "tie_word_embeddings": True,
                           "rope_theta": 100000.0},
    },
    # Pythia: partial rotary, parallel residual, transformers 4's spelling and output name.
    "gpt_neox": {
        "config": GPT_NEOX | {"rotary_pct": 0.25, "rotary_emb_base": 10000, "use_parallel_residual": True},
        "rename": [("^lm_head\\.", "embed_out.")],
    },
    "gpt_neox-sequential": {
        "config": GPT_NEOX | {"num_hidden_layers": 3, "use_parallel_residual": False,
                              "rope_parameters": {"rope_type": "default", "rope_theta": 5000.0,
                                                  "partial_rotary_factor": 0.5}},
    },
    "gpt_neox-full-rotary": {
        "config": GPT_NEOX | {"num_hidden_layers": 3, "num_attention_heads": 2, "rotary_pct": 1.0,
                              "rotary_emb_base": 25000, "use_parallel_residual": True, "tie_word_embeddings": True},
    },
    # Heads 80 wide: 1 / sqrt(80) is no power of two, so the order of roundings shows in half precision.
    "gpt_neox-wide-heads": {
        "config": GPT_NEOX | {"hidden_size": 160, "intermediate_size": 32, "num_hidden_layers": 2,
                              "num_attention_heads": 2, "rotary_pct": 0.25, "rotary_emb_base": 10000,
                              "torch_dtype": "float16"},
        "rename": [("^lm_head\\.", "embed_out.")], "dtype": "float16",
    },
    "opt": {"config": OPT},
    # As opt-350m: norms after attention and MLP, no final norm, a narrower embedding.
    "opt-post-norm": {
        "config": OPT | {"do_layer_norm_before": False, "word_embed_proj_dim": 20, "_remove_final_layer_norm": False},
        "drop_prefix": "model.",
    },
    "opt-no-bias": {
        "config": OPT | {"enable_bias": False, "num_hidden_layers": 3, "num_attention_heads": 2},
    },
    "bloom": {"config": BLOOM},
    # Slopes for a head count that is not a power of two; names and spelling as bigscience/bloom-560m.
    "bloom-six-heads": {
        "config": without(BLOOM, "hidden_size", "n_head", "seq_length")
        | {"n_embed": 24, "num_attention_heads": 6, "n_layer": 4, "n_inner": None, "offset_alibi": 100},
        "drop_prefix": "transformer.",
    },
    "bloom-residual-from-norm": {
        "config": BLOOM | {"apply_residual_connection_post_layernorm": True, "hidden_size": 30, "n_head": 3},
    },
    "gpt2-float16": {"config": GPT2 | {"torch_dtype": "float16"}, "weights_of": "gpt2", "dtype": "float16"},
    "llama-bfloat16": {
        "config": LLAMA | {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}, "dtype": "bfloat16"},
        "weights_of": "llama", "dtype": "bfloat16",
    },
    "llama-sharded": {
        "config": LLAMA | {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}},
        "weights_of": "llama", "shards": 3,
    },
    **LLAMA_LIKE, **ENCODERS, **MIXTURES, **OLDER, **ROTARY,
}  # fmt: skip

PROMPT_LENGTHS = (1, 2, 17, 60)
