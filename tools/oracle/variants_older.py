"""Variants of the decoders that grew out of GPT-2 and GPT-NeoX: LayerNorms, plain MLPs, biases."""

from variants_llama_like import without

PHI = {
    "architectures": ["PhiForCausalLM"], "model_type": "phi", "hidden_act": "gelu_new", "hidden_size": 32,
    "intermediate_size": 40, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": None,
    "max_position_embeddings": 96, "vocab_size": 80, "layer_norm_eps": 1e-5, "rope_theta": 10000.0,
    "rope_scaling": None, "partial_rotary_factor": 0.5, "qk_layernorm": False, "tie_word_embeddings": False,
}  # fmt: skip

GPT_NEO = {
    "architectures": ["GPTNeoForCausalLM"], "model_type": "gpt_neo", "activation_function": "gelu_new",
    "hidden_size": 16, "num_layers": 4, "num_heads": 2, "intermediate_size": None, "window_size": 8,
    "attention_types": [[["global", "local"], 2]], "max_position_embeddings": 64, "vocab_size": 80,
    "layer_norm_epsilon": 1e-5, "bos_token_id": 0, "eos_token_id": 0,
}  # fmt: skip

GPTJ = {
    "architectures": ["GPTJForCausalLM"], "model_type": "gptj", "activation_function": "gelu_new", "n_embd": 24,
    "n_head": 3, "n_layer": 3, "n_inner": None, "rotary_dim": 4, "n_positions": 64, "vocab_size": 80,
    "layer_norm_epsilon": 1e-5, "bos_token_id": 0, "eos_token_id": 0, "tie_word_embeddings": False,
}  # fmt: skip

FALCON = {
    "architectures": ["FalconForCausalLM"], "model_type": "falcon", "alibi": False, "bias": False, "hidden_size": 24,
    "num_hidden_layers": 3, "num_attention_heads": 4, "multi_query": True, "new_decoder_architecture": False,
    "parallel_attn": True, "layer_norm_epsilon": 1e-5, "vocab_size": 80, "bos_token_id": 11, "eos_token_id": 11,
    "auto_map": {"AutoConfig": "configuration_falcon.FalconConfig",
                 "AutoModelForCausalLM": "modeling_falcon.FalconForCausalLM"},
}  # fmt: skip

MPT = {
    "architectures": ["MPTForCausalLM"], "model_type": "mpt", "d_model": 24, "n_heads": 4, "n_layers": 3,
    "expansion_ratio": 4, "max_seq_len": 64, "vocab_size": 80, "learned_pos_emb": True, "no_bias": True,
    "norm_type": "low_precision_layernorm", "logit_scale": None,
    "auto_map": {"AutoConfig": "configuration_mpt.MPTConfig", "AutoModelForCausalLM": "modeling_mpt.MPTForCausalLM"},
    "attn_config": {"alibi": True, "alibi_bias_max": 8, "attn_type": "multihead_attention", "clip_qkv": None,
                    "prefix_lm": False, "qk_ln": False, "softmax_scale": None, "attn_uses_sequence_id": False},
}  # fmt: skip

GPT_BIGCODE = {
    "architectures": ["GPTBigCodeForCausalLM"], "model_type": "gpt_bigcode",
    "activation_function": "gelu_pytorch_tanh", "n_embd": 24, "n_head": 4, "n_layer": 3, "n_inner": 40,
    "n_positions": 64, "vocab_size": 80, "layer_norm_epsilon": 1e-5, "multi_query": True, "scale_attn_weights": True,
    "attention_softmax_in_fp32": True, "scale_attention_softmax_in_fp32": True, "bos_token_id": 0, "eos_token_id": 0,
}  # fmt: skip

STARCODER2 = {
    "architectures": ["Starcoder2ForCausalLM"], "model_type": "starcoder2", "hidden_act": "gelu_pytorch_tanh",
    "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 96, "vocab_size": 80, "norm_epsilon": 1e-5,
    "norm_type": "layer_norm", "mlp_type": "default", "rope_theta": 100000, "sliding_window": 8, "use_bias": True,
    "bos_token_id": 0, "eos_token_id": 0,
}  # fmt: skip

OLDER = {
    # As phi-1_5 and phi-2: biases everywhere, in the output too; half of each head rotated.
    "phi": {"config": PHI, "matters": {"partial_rotary_factor": 0.25}},
    "phi-grouped": {
        "config": without(PHI, "partial_rotary_factor")
        | {"num_key_value_heads": 2, "qk_layernorm": True, "tie_word_embeddings": True},
        "matters": {"partial_rotary_factor": 1.0},
    },
    # Scores are not scaled; every second layer sees the last 8 tokens.
    "gpt_neo": {"config": GPT_NEO, "matters": {"window_size": 9, "attention_types": [[["global"], 4]]}},
    # Mask buffers among the weights, as the first files had them.
    "gpt_neo-local": {
        "config": GPT_NEO | {"num_layers": 3, "attention_types": [[["local"], 2], [["global"], 1]],
                             "intermediate_size": 40, "tie_word_embeddings": False},
        "stray": {"transformer.h.0.attn.attention.bias": [[[[1.0, 0.0], [1.0, 1.0]]]],
                  "transformer.h.0.attn.attention.masked_bias": -1e9},
    },
    # Neighbouring dimensions are rotated together; attention and MLP read one norm; the output has a bias.
    "gptj": {"config": GPTJ, "matters": {"rotary_dim": 8}},
    "gptj-full-rotary": {"config": GPTJ | {"rotary_dim": 8, "n_inner": 40, "n_head": 2, "n_embd": 16}},
    # Q | V | K in each of four blocks of the fused projection, two heads a block.
    "codegen": {
        "config": GPTJ | {"architectures": ["CodeGenForCausalLM"], "model_type": "codegen", "n_head": 8, "n_embd": 32,
                          "rotary_dim": 2, "n_ctx": 64, "n_inner": 40},
        "matters": {"rotary_dim": 4},
    },
    "codegen-four-heads": {
        "config": GPTJ | {"architectures": ["CodeGenForCausalLM"], "model_type": "codegen", "n_head": 4,
                          "rotary_dim": 6, "n_ctx": 64, "n_inner": 40},
    },
    # As falcon-7b: one key head, attention and MLP read one norm, tied.
    "falcon": {"config": FALCON},
    # As falcon-40b: grouped heads, a norm for attention and another for the MLP.
    "falcon-new": {
        "config": FALCON | {"new_decoder_architecture": True, "num_kv_heads": 2, "rope_theta": 10000.0},
    },
    # As falcon-11b: the new architecture with one norm.
    "falcon-new-one-norm": {
        "config": FALCON | {"new_decoder_architecture": True, "num_kv_heads": 2, "num_ln_in_parallel_attn": 1,
                            "rope_theta": 500042.0, "tie_word_embeddings": False, "ffn_hidden_size": 48,
                            "activation": "gelu", "max_position_embeddings": 64},
        "matters": {"rope_theta": 10000.0},
    },
    # As falcon-rw-1b: ALiBi, attention before the MLP, biases. Slopes and table are bfloat16's, and scaled.
    "falcon-alibi": {
        "config": FALCON | {"alibi": True, "bias": True, "multi_query": False, "parallel_attn": False},
        "matters": {"alibi": False},
    },
    # Twelve heads: slopes that bfloat16 does not hold exactly.
    "falcon-alibi-twelve-heads": {
        "config": FALCON | {"alibi": True, "bias": True, "num_attention_heads": 12,
                            "multi_query": False, "parallel_attn": True},
    },
    "mpt": {"config": MPT},
    # As mpt-7b-storywriter: clipped; slopes of a head count that is no power of two; another scale.
    "mpt-clip": {
        "config": MPT | {"n_heads": 6, "attn_config": MPT["attn_config"] | {"clip_qkv": 1.5, "softmax_scale": 0.3}},
        "matters": {"attn_config": MPT["attn_config"]},
    },
    "gpt_bigcode": {"config": GPT_BIGCODE},
    "gpt_bigcode-multi-head": {"config": GPT_BIGCODE | {"multi_query": False, "tie_word_embeddings": False}},
    # As starcoder2-3b: tied, biases, a window.
    "starcoder2": {"config": STARCODER2, "matters": {"sliding_window": 9}},
    "starcoder2-no-bias": {
        "config": STARCODER2 | {"use_bias": False, "sliding_window": None, "num_key_value_heads": 1,
                                "tie_word_embeddings": False},
    },
}  # fmt: skip
