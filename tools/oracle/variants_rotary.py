"""Variants of Llama's rotary scaling. Prompts lie below and above the lengths that a rule asks for."""

from variants_llama_like import family, without

LLAMA = family(
    "LlamaForCausalLM", "llama", head_dim=12, vocab_size=64, rms_norm_eps=1e-5, tie_word_embeddings=True,
    max_position_embeddings=64,
)  # fmt: skip
YARN = {"factor": 4.0, "original_max_position_embeddings": 16}
WIDE_YARN = {"factor": 4.0, "original_max_position_embeddings": 64, "beta_fast": 2.0, "beta_slow": 0.3}
LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32}
ABOVE_AND_BELOW = (1, 2, 17, 24, 25, 40, 60)


def scaled(rope_scaling, theta=10000.0, **more):
    """transformers 4's spelling."""
    return LLAMA | {"rope_theta": theta, "rope_scaling": rope_scaling} | more


def parameters(rope_parameters, theta=10000.0, **more):
    """transformers 5's spelling."""
    return LLAMA | {"rope_parameters": {"rope_theta": theta} | rope_parameters} | more


ROTARY = {
    "llama-linear": {
        "config": scaled({"type": "linear", "factor": 4.0}), "matters": {"rope_scaling": None},
    },
    "llama-linear-parameters": {"config": parameters({"rope_type": "linear", "factor": 2.5}, theta=500.0)},
    # The base grows with the prompt, above max_position_embeddings; each prompt was run alone.
    "llama-dynamic": {
        "config": scaled({"type": "dynamic", "factor": 2.0}, max_position_embeddings=24), "lengths": ABOVE_AND_BELOW,
        "matters": {"max_position_embeddings": 64},
    },
    "llama-dynamic-parameters": {
        "config": parameters({"rope_type": "dynamic", "factor": 4.0}, max_position_embeddings=24),
        "lengths": ABOVE_AND_BELOW,
    },
    "llama-yarn": {
        "config": scaled({"rope_type": "yarn"} | YARN), "matters": {"rope_scaling": None},
    },
    # DeepSeek's and Mistral's keys: a given attention factor, one made from mscale, bounds that are not rounded.
    "llama-yarn-attention-factor": {
        "config": scaled({"type": "yarn", "attention_factor": 1.4, "beta_fast": 8.0, "beta_slow": 0.5} | YARN),
        "matters": {"rope_scaling": {"rope_type": "yarn", "beta_fast": 8.0, "beta_slow": 0.5} | YARN},
    },
    "llama-yarn-mscale": {
        "config": parameters({"rope_type": "yarn", "mscale": 1.2, "mscale_all_dim": 0.5} | YARN),
    },
    "llama-yarn-no-truncate": {
        "config": parameters({"rope_type": "yarn", "truncate": False} | WIDE_YARN, theta=500.0),
        "matters": {"rope_parameters": {"rope_theta": 500.0, "rope_type": "yarn"} | WIDE_YARN},
    },
    "llama-llama3": {
        "config": scaled({"rope_type": "llama3"} | LLAMA3, theta=500000.0), "matters": {"rope_scaling": None},
    },
    "llama-llama3-parameters": {"config": parameters({"rope_type": "llama3"} | LLAMA3, theta=300.0)},
    # Long and short factors on Llama itself; the shared scale from "factor".
    "llama-longrope": {
        "config": parameters({"rope_type": "longrope", "factor": 4.0, "original_max_position_embeddings": 24,
                              "short_factor": [1.0, 1.0, 1.1, 1.2, 1.3, 1.4],
                              "long_factor": [1.0, 1.5, 2.0, 4.0, 6.0, 8.0]}, max_position_embeddings=96),
        "lengths": ABOVE_AND_BELOW,
    },
    # Scaling with a part of each head rotated (no published Llama has it; StableLM's and Phi's keys allow it).
    "stablelm-linear": {
        "config": without(
            family("StableLmForCausalLM", "stablelm", layer_norm_eps=1e-5, rope_theta=10000.0,
                   partial_rotary_factor=0.5, hidden_size=32, vocab_size=64, tie_word_embeddings=True,
                   rope_scaling={"type": "linear", "factor": 3.0}), "rms_norm_eps"),
        "matters": {"rope_scaling": None, "partial_rotary_factor": 1.0},
    },
    "qwen2-yarn": {
        "config": family("Qwen2ForCausalLM", "qwen2", rope_theta=1000000.0, tie_word_embeddings=True, vocab_size=64,
                         sliding_window=None, use_sliding_window=False,
                         rope_scaling={"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}),
        "matters": {"rope_scaling": None},
    },
}  # fmt: skip
