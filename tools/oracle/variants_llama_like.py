"""Variants of the decoders that share Llama's plan: RMS norms (or LayerNorms), gated MLPs, rotary positions."""

BASE = {
    "hidden_act": "silu", "hidden_size": 24, "intermediate_size": 36, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 128, "vocab_size": 80, "rms_norm_eps": 1e-6,
    "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip


def family(architecture, model_type, **more):
    return {"architectures": [architecture], "model_type": model_type} | BASE | more


def without(config, *keys):
    return {k: v for k, v in config.items() if k not in keys}


QWEN2 = family(
    "Qwen2ForCausalLM", "qwen2", rope_theta=1000000.0, tie_word_embeddings=True, max_window_layers=1,
    sliding_window=8, use_sliding_window=False,
)  # fmt: skip

GEMMA3 = without(
    family(
        "Gemma3ForCausalLM", "gemma3_text", hidden_activation="gelu_pytorch_tanh", num_hidden_layers=7, head_dim=8,
        num_key_value_heads=1, hidden_size=16, intermediate_size=16, vocab_size=64,
        query_pre_attn_scalar=16, sliding_window=8,
        attention_bias=False, attn_logit_softcapping=None, final_logit_softcapping=None,
    ),
    "hidden_act",
)  # fmt: skip

GEMMA2 = without(
    family(
        "Gemma2ForCausalLM", "gemma2", hidden_act="gelu_pytorch_tanh", hidden_activation="gelu_pytorch_tanh",
        num_hidden_layers=4, head_dim=10, intermediate_size=20, query_pre_attn_scalar=9, sliding_window=8,
        attn_logit_softcapping=5.0, final_logit_softcapping=3.0, rope_theta=10000.0,
    ),
)  # fmt: skip

PHI3 = family(
    "Phi3ForCausalLM", "phi3", rope_theta=10000.0, rope_scaling=None, sliding_window=8, pad_token_id=3,
    original_max_position_embeddings=128, tie_word_embeddings=False,
)  # fmt: skip
LONG_ROPE = {"type": "longrope", "short_factor": [1.0, 1.1, 1.3], "long_factor": [1.0, 2.5, 6.0]}

STABLELM = without(
    family("StableLmForCausalLM", "stablelm", layer_norm_eps=1e-5, rope_theta=10000, partial_rotary_factor=0.25,
           use_qkv_bias=True, hidden_size=32, tie_word_embeddings=False),
    "rms_norm_eps",
)  # fmt: skip
OLMO = without(
    family("OlmoForCausalLM", "olmo", rope_theta=10000.0, clip_qkv=None, pad_token_id=3, tie_word_embeddings=False),
    "rms_norm_eps",
)  # fmt: skip
OLMO2 = family("Olmo2ForCausalLM", "olmo2", rope_theta=500000, pad_token_id=3, tie_word_embeddings=False)
COHERE = without(
    family("CohereForCausalLM", "cohere", layer_norm_eps=1e-5, logit_scale=0.25, rope_theta=10000.0, pad_token_id=0,
           use_qk_norm=False),
    "rms_norm_eps",
)  # fmt: skip
GRANITE = family(
    "GraniteForCausalLM", "granite", embedding_multiplier=3.0, logits_scaling=4.0, residual_multiplier=0.4,
    attention_multiplier=0.25, rope_theta=10000.0, tie_word_embeddings=True, rope_scaling=None,
)  # fmt: skip
SMOLLM3 = family(
    "SmolLM3ForCausalLM", "smollm3", num_hidden_layers=4, rope_theta=2000000.0, no_rope_layer_interval=4,
    no_rope_layers=[1, 1, 1, 0], use_sliding_window=False, sliding_window=None, tie_word_embeddings=True,
    pad_token_id=4,
)  # fmt: skip
NEMOTRON = without(
    family("NemotronForCausalLM", "nemotron", hidden_act="relu2", norm_eps=1e-5, rope_theta=10000,
           partial_rotary_factor=0.5, hidden_size=32, tie_word_embeddings=False),
    "rms_norm_eps",
)  # fmt: skip
GLM = family(
    "GlmForCausalLM", "glm", partial_rotary_factor=0.5, head_dim=8, attention_bias=True, rope_theta=10000.0,
    pad_token_id=3, tie_word_embeddings=False,
)  # fmt: skip

LLAMA_LIKE = {
    # As Qwen2.5-0.5B: QKV biases, tied, a window that is written down but switched off.
    "qwen2": {"config": QWEN2, "matters": {"use_sliding_window": True, "rope_theta": 10000.0}},
    # Untied; layers from max_window_layers on see the last 8 tokens.
    "qwen2-window": {
        "config": QWEN2 | {"num_key_value_heads": 4, "num_hidden_layers": 4, "tie_word_embeddings": False,
                           "use_sliding_window": True, "max_window_layers": 2},
        "matters": {"max_window_layers": 1, "sliding_window": 9},
    },
    # transformers 5's spelling of the same things.
    "qwen2-layer-types": {
        "config": without(QWEN2, "rope_theta", "max_window_layers", "tie_word_embeddings")
        | {"tie_word_embeddings": False, "num_key_value_heads": 1, "use_sliding_window": True,
           "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
           "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0}, "dtype": "float32"},
        "matters": {"sliding_window": 7, "layer_types": ["full_attention"] * 3},
    },
    # transformers 5's spelling: layer_types, a base for each kind of layer, the global one scaled. Tied by default.
    "gemma3_text": {
        "config": GEMMA3
        | {"layer_types": ["sliding_attention"] * 5 + ["full_attention", "sliding_attention"],
           "rope_parameters": {
               "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
               "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0}}},
        "matters": {"query_pre_attn_scalar": 10, "sliding_window": 9, "layer_types": ["sliding_attention"] * 7},
    },
    # As gemma-3-1b was published: sliding_window_pattern, rope_local_base_freq, no layer_types.
    "gemma3_text-pattern": {
        "config": GEMMA3
        | {"sliding_window_pattern": 6, "rope_theta": 1000000.0, "rope_local_base_freq": 500.0,
           "rope_scaling": None, "num_key_value_heads": 2, "sliding_window": 16},
        "matters": {"rope_theta": 10000.0, "rope_local_base_freq": 10000.0, "sliding_window_pattern": 3},
    },
    # As the text part of gemma-3-4b: transformers 4's spelling of a scaled global base; soft-capped logits; untied.
    "gemma3_text-scaled": {
        "config": GEMMA3
        | {"rope_scaling": {"factor": 8.0, "rope_type": "linear"},
           "final_logit_softcapping": 4.0, "attention_bias": True, "tie_word_embeddings": False,
           "num_attention_heads": 2, "num_key_value_heads": 2},
        "matters": {"final_logit_softcapping": None, "rope_scaling": None},
    },
    # As gemma-3-4b-it: the language model inside one that also sees; its prompts here are text.
    "gemma3": {
        "config": {
            "architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3", "boi_token_index": 70,
            "eoi_token_index": 71, "image_token_index": 72, "mm_tokens_per_image": 4,
            "text_config": without(GEMMA3, "architectures", "attn_logit_softcapping", "final_logit_softcapping")
            | {"rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "num_key_value_heads": 2, "vocab_size": 80},
            "vision_config": {"hidden_size": 8, "image_size": 28, "intermediate_size": 8, "num_attention_heads": 1,
                              "num_hidden_layers": 1, "patch_size": 14, "model_type": "siglip_vision_model"}},
        "rename": [(r"^(model\.)?language_model\.(model\.)?", "language_model.model."),
                   (r"^(model\.)?vision_tower\.", "vision_tower.vision_model."),
                   (r"^model\.multi_modal", "multi_modal")],
    },
    "mistral": {
        "config": family("MistralForCausalLM", "mistral", sliding_window=8, rope_theta=10000.0,
                         tie_word_embeddings=False),
        "matters": {"sliding_window": None},
    },
    # As Mistral-Nemo: no window, heads that do not add up to the width.
    "mistral-head-dim": {
        "config": family("MistralForCausalLM", "mistral", sliding_window=None, rope_theta=1000000.0, head_dim=10,
                         tie_word_embeddings=True, num_key_value_heads=1),
    },
    "qwen3": {
        "config": family("Qwen3ForCausalLM", "qwen3", head_dim=10, attention_bias=False, rope_theta=1000000,
                         rope_scaling=None, use_sliding_window=False, sliding_window=None, max_window_layers=3,
                         tie_word_embeddings=True),
        "matters": {"rope_theta": 10000.0},
    },
    "qwen3-bias-window": {
        "config": without(
            family("Qwen3ForCausalLM", "qwen3", head_dim=6, attention_bias=True, use_sliding_window=True,
                   sliding_window=8, max_window_layers=1, tie_word_embeddings=False, num_key_value_heads=4,
                   rope_parameters={"rope_type": "default", "rope_theta": 10000.0})),
        "matters": {"use_sliding_window": False},
    },
    # As gemma-2b: one key head; hidden_act "gelu" is read as its tanh approximation; tied without being said.
    "gemma": {
        "config": family("GemmaForCausalLM", "gemma", hidden_act="gelu", head_dim=10, num_key_value_heads=1,
                         rope_theta=10000.0),
        "matters": {"rope_theta": 500.0, "hidden_act": "silu"},
    },
    "gemma-multi-head": {
        "config": family("GemmaForCausalLM", "gemma", hidden_act="gelu_pytorch_tanh", head_dim=8,
                         num_key_value_heads=4, attention_bias=True,
                         rope_parameters={"rope_type": "default", "rope_theta": 10000.0}),
    },
    "gemma2": {
        "config": GEMMA2,
        "matters": {"attn_logit_softcapping": None, "final_logit_softcapping": None, "sliding_window": 9,
                    "query_pre_attn_scalar": 10},
    },
    # transformers 5's spelling, the other way round.
    "gemma2-layer-types": {
        "config": without(GEMMA2, "rope_theta", "hidden_act")
        | {"layer_types": ["full_attention", "sliding_attention", "full_attention", "full_attention"],
           "rope_parameters": {"rope_type": "default", "rope_theta": 2000.0}, "attn_logit_softcapping": None,
           "final_logit_softcapping": None, "num_key_value_heads": 4},
        "matters": {"layer_types": ["full_attention"] * 4},
    },
    # As Phi-3-mini-4k: fused projections, one key head for each query head, a window.
    "phi3": {"config": PHI3 | {"num_key_value_heads": 4}, "matters": {"sliding_window": None}},
    # As Phi-4-mini: grouped, part of each head rotated, tied.
    "phi3-partial": {
        "config": PHI3 | {"hidden_size": 32, "partial_rotary_factor": 0.75, "sliding_window": None,
                          "tie_word_embeddings": True},
        "matters": {"partial_rotary_factor": 1.0},
    },
    # As Phi-3-mini-128k: prompts below and above 24 tokens take other factors.
    "phi3-longrope": {
        "config": PHI3 | {"max_position_embeddings": 96, "original_max_position_embeddings": 24,
                          "sliding_window": None, "rope_scaling": LONG_ROPE},
        "lengths": (1, 2, 17, 24, 25, 60),
        "matters": {"original_max_position_embeddings": 64, "rope_scaling": None},
    },
    "stablelm": {"config": STABLELM, "matters": {"partial_rotary_factor": 0.5}},
    # As StableLM-2-12B: norms of queries and keys with a gain a head, one norm for attention and MLP.
    "stablelm-parallel": {
        "config": STABLELM | {"use_qkv_bias": False, "qk_layernorm": True, "use_parallel_residual": True,
                              "partial_rotary_factor": 0.5, "num_key_value_heads": 2},
    },
    # rope_pct's successor left out: a quarter of each head.
    "stablelm-multi-head": {
        "config": without(STABLELM, "partial_rotary_factor", "rope_theta")
        | {"num_key_value_heads": 4, "qk_layernorm": True, "tie_word_embeddings": True,
           "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}},
        "matters": {"partial_rotary_factor": 0.5},
    },
    "olmo": {"config": OLMO | {"num_key_value_heads": 4}},
    "olmo-clip": {
        "config": OLMO | {"clip_qkv": 1.0, "attention_bias": True, "tie_word_embeddings": True},
        "matters": {"clip_qkv": None},
    },
    "olmo2": {"config": OLMO2 | {"num_key_value_heads": 4}},
    "olmo2-grouped": {"config": OLMO2 | {"attention_bias": True, "rms_norm_eps": 1e-5}},
    # Three layers with a window, one without; YaRN on the latter only.
    "olmo3": {
        "config": OLMO2
        | {"architectures": ["Olmo3ForCausalLM"], "model_type": "olmo3", "num_hidden_layers": 4, "sliding_window": 8,
           "rope_scaling": {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 16,
                            "attention_factor": 1.2079441541679836, "beta_fast": 32.0, "beta_slow": 1.0}},
        "matters": {"rope_scaling": None, "sliding_window": 9},
    },
    "olmo3-layer-types": {
        "config": without(OLMO2, "rope_theta")
        | {"architectures": ["Olmo3ForCausalLM"], "model_type": "olmo3", "sliding_window": 8,
           "layer_types": ["full_attention", "sliding_attention", "full_attention"],
           "rope_parameters": {
               "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
               "full_attention": {"rope_type": "default", "rope_theta": 300.0}}},
    },
    # As command-r: neighbouring dimensions are rotated together; attention and MLP read one norm; tied.
    "cohere": {"config": COHERE, "matters": {"logit_scale": 0.5}},
    # As command-r-plus.
    "cohere-qk-norm": {
        "config": COHERE | {"use_qk_norm": True, "attention_bias": True, "tie_word_embeddings": False},
        "matters": {"logit_scale": 0.5},
    },
    # As command-r7b: layers with a window rotate, the fourth has neither.
    "cohere2": {
        "config": without(COHERE, "use_qk_norm")
        | {"architectures": ["Cohere2ForCausalLM"], "model_type": "cohere2", "num_hidden_layers": 5,
           "sliding_window": 8, "sliding_window_pattern": 4, "intermediate_size": 24},
        "matters": {"sliding_window": 9, "sliding_window_pattern": 2},
    },
    "cohere2-layer-types": {
        "config": without(COHERE, "use_qk_norm", "rope_theta")
        | {"architectures": ["Cohere2ForCausalLM"], "model_type": "cohere2", "sliding_window": 8,
           "layer_types": ["full_attention", "sliding_attention", "full_attention"],
           "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}},
    },
    "granite": {
        "config": GRANITE,
        "matters": {"embedding_multiplier": 1.0, "logits_scaling": 1.0, "residual_multiplier": 1.0,
                    "attention_multiplier": 1.0},
    },
    "granite-bias": {
        "config": GRANITE | {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": False,
                             "num_key_value_heads": 4},
    },
    # Every fourth layer knows no positions.
    "smollm3": {"config": SMOLLM3, "matters": {"no_rope_layers": [1, 1, 1, 1]}},
    "smollm3-window": {
        "config": without(SMOLLM3, "no_rope_layers")
        | {"no_rope_layer_interval": 2, "use_sliding_window": True, "sliding_window": 8, "attention_bias": True,
           "mlp_bias": True, "tie_word_embeddings": False},
        "matters": {"no_rope_layer_interval": 3, "use_sliding_window": False},
    },
    # Gains stored minus one, squared ReLU, no gate.
    "nemotron": {"config": NEMOTRON, "matters": {"partial_rotary_factor": 1.0}},
    "nemotron-bias": {
        "config": without(NEMOTRON, "partial_rotary_factor")
        | {"attention_bias": True, "mlp_bias": True, "head_dim": 12, "num_key_value_heads": 4},
        "matters": {"partial_rotary_factor": 1.0},
    },
    # Norms behind attention and MLP, norms of queries and keys; layers without a window have no positions.
    "exaone4": {
        "config": family("Exaone4ForCausalLM", "exaone4", num_hidden_layers=4, sliding_window=8,
                         sliding_window_pattern=4, rope_theta=1000000, tie_word_embeddings=False),
        "matters": {"sliding_window": 9},
    },
    # As EXAONE-4.0-1.2B: no window, positions in every layer.
    "exaone4-full": {
        "config": family("Exaone4ForCausalLM", "exaone4", sliding_window=None, sliding_window_pattern=None,
                         layer_types=["full_attention"] * 3, rope_theta=1000000, tie_word_embeddings=True,
                         num_key_value_heads=4, head_dim=6),
    },
    "glm": {"config": GLM},
    "glm4": {
        "config": GLM | {"architectures": ["Glm4ForCausalLM"], "model_type": "glm4", "attention_bias": False},
    },
    "seed_oss": {
        "config": family("SeedOssForCausalLM", "seed_oss", head_dim=8, attention_bias=True, attention_out_bias=False,
                         mlp_bias=False, rope_theta=1e7, tie_word_embeddings=False),
    },
    "seed_oss-bias": {
        "config": family("SeedOssForCausalLM", "seed_oss", head_dim=10, attention_bias=False,
                         attention_out_bias=True, mlp_bias=True, rope_theta=10000.0, tie_word_embeddings=True),
    },
    "ernie4_5": {
        "config": family("Ernie4_5ForCausalLM", "ernie4_5", head_dim=8, use_bias=False, rope_theta=500000.0,
                         tie_word_embeddings=True),
    },
    "ernie4_5-bias": {
        "config": family("Ernie4_5ForCausalLM", "ernie4_5", head_dim=6, use_bias=True, rope_theta=500000.0,
                         tie_word_embeddings=False, num_key_value_heads=4),
    },
    "helium": {
        "config": family("HeliumForCausalLM", "helium", head_dim=6, rope_theta=100000.0, tie_word_embeddings=False),
    },
}  # fmt: skip
