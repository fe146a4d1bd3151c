"""Variants of the decoders whose MLPs are mixtures of experts."""

from variants_llama_like import GRANITE, family, without

MIXTRAL = family(
    "MixtralForCausalLM", "mixtral", hidden_size=16, intermediate_size=20, num_local_experts=4, num_experts_per_tok=2,
    rms_norm_eps=1e-5, rope_theta=1000000.0, sliding_window=None, tie_word_embeddings=False, vocab_size=64,
)  # fmt: skip

QWEN2_MOE = family(
    "Qwen2MoeForCausalLM", "qwen2_moe", hidden_size=16, intermediate_size=24, moe_intermediate_size=12,
    shared_expert_intermediate_size=20, num_experts=5, num_experts_per_tok=2, decoder_sparse_step=1,
    norm_topk_prob=False, mlp_only_layers=[], rope_theta=1000000.0, use_sliding_window=False, sliding_window=8,
    max_window_layers=2, tie_word_embeddings=False, vocab_size=64, num_key_value_heads=4,
)  # fmt: skip

QWEN3_MOE = without(QWEN2_MOE, "shared_expert_intermediate_size") | {
    "architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", "head_dim": 8, "num_key_value_heads": 2,
    "norm_topk_prob": True, "attention_bias": False, "sliding_window": None,
}  # fmt: skip

GPT_OSS = family(
    "GptOssForCausalLM", "gpt_oss", hidden_size=16, intermediate_size=12, num_hidden_layers=4, head_dim=8,
    num_local_experts=4, num_experts_per_tok=2, rms_norm_eps=1e-5, sliding_window=8, swiglu_limit=2.0,
    rope_theta=150000, tie_word_embeddings=False, vocab_size=64, attention_bias=True,
    rope_scaling={"beta_fast": 32.0, "beta_slow": 1.0, "factor": 8.0, "original_max_position_embeddings": 16,
                  "rope_type": "yarn", "truncate": False},
    layer_types=["sliding_attention", "full_attention"] * 2, pad_token_id=3,
)  # fmt: skip

MIXTURES = {
    "mixtral": {"config": MIXTRAL, "matters": {"num_experts_per_tok": 1}},
    "mixtral-window": {
        "config": MIXTRAL | {"sliding_window": 8, "num_experts_per_tok": 3, "num_local_experts": 6,
                             "num_hidden_layers": 3, "num_key_value_heads": 4},
        "matters": {"sliding_window": None},
    },
    # As Qwen1.5-MoE: a shared expert behind a gate, shares of the chosen experts that do not add up to 1.
    "qwen2_moe": {"config": QWEN2_MOE, "matters": {"norm_topk_prob": True, "num_experts_per_tok": 1}},
    # Plain MLPs in layer 0 (every second layer is sparse) and 3, windows in even layers below max_window_layers.
    "qwen2_moe-mixed": {
        "config": QWEN2_MOE
        | {"num_hidden_layers": 4, "decoder_sparse_step": 2, "mlp_only_layers": [3], "norm_topk_prob": True,
           "use_sliding_window": True, "max_window_layers": 3, "num_key_value_heads": 2,
           "tie_word_embeddings": True},
        "matters": {"norm_topk_prob": False, "use_sliding_window": False},
    },
    "qwen3_moe": {"config": QWEN3_MOE, "matters": {"norm_topk_prob": False}},
    "qwen3_moe-mixed": {
        "config": without(QWEN3_MOE, "norm_topk_prob")
        | {"num_hidden_layers": 4, "mlp_only_layers": [1], "attention_bias": True, "num_key_value_heads": 1,
           "num_experts_per_tok": 3, "use_sliding_window": True, "sliding_window": 8},
        "matters": {"norm_topk_prob": True, "sliding_window": 9},
    },
    "granitemoe": {
        "config": without(GRANITE, "rope_scaling")
        | {"architectures": ["GraniteMoeForCausalLM"], "model_type": "granitemoe", "hidden_size": 16,
           "intermediate_size": 12, "num_local_experts": 5, "num_experts_per_tok": 2, "vocab_size": 64,
           "rope_scaling": None},
        "matters": {"embedding_multiplier": 1.0, "logits_scaling": 1.0, "residual_multiplier": 1.0,
                    "attention_multiplier": 1.0},
    },
    # As gpt-oss-20b, with weights in floats: a sink beside each row of scores, every second layer with a window.
    "gpt_oss": {
        "config": GPT_OSS,
        "matters": {"sliding_window": 9, "swiglu_limit": 7.0, "rope_scaling": None, "num_experts_per_tok": 1},
    },
    # As gpt-oss-20b was published: bfloat16, the experts in pairs of blocks and scales. gate_up_proj is square.
    "gpt_oss-mxfp4": {
        "config": GPT_OSS
        | {"hidden_size": 64, "intermediate_size": 32, "num_hidden_layers": 3,
           "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
           "torch_dtype": "bfloat16",
           "quantization_config": {
               "modules_to_not_convert": ["model.layers.*.self_attn", "model.layers.*.mlp.router",
                                          "model.embed_tokens", "lm_head"],
               "quant_method": "mxfp4"}},
        "dtype": "bfloat16", "mxfp4": True, "matters": {"swiglu_limit": 7.0, "num_experts_per_tok": 1},
    },
    # transformers 5's spelling, plain rotary positions, no biases in attention.
    "gpt_oss-plain": {
        "config": without(GPT_OSS, "rope_scaling", "rope_theta", "layer_types", "swiglu_limit")
        | {"attention_bias": False, "num_key_value_heads": 4, "num_hidden_layers": 3, "num_experts_per_tok": 3,
           "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}},
        "matters": {"sliding_window": 9},
    },
    "olmoe": {
        "config": family(
            "OlmoeForCausalLM", "olmoe", hidden_size=16, intermediate_size=12, num_experts=5, num_experts_per_tok=2,
            norm_topk_prob=False, clip_qkv=1.0, rope_theta=10000.0, tie_word_embeddings=False, vocab_size=64,
            num_key_value_heads=4, pad_token_id=3, rms_norm_eps=1e-5),
        "matters": {"clip_qkv": None, "norm_topk_prob": True},
    },
}  # fmt: skip
