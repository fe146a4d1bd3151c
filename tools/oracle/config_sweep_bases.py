"""The checkpoints of tests/data/checkpoints whose configurations are swept: one of each family, and others whose
configurations switch something on that a family's first one leaves off."""

FAMILIES = (
    "gpt2", "gpt_neox", "opt", "bloom", "llama", "mistral", "mixtral", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe",
    "gemma", "gemma2", "gemma3_text", "phi", "phi3", "gpt_neo", "gptj", "codegen", "falcon", "mpt", "stablelm",
    "gpt_bigcode", "starcoder2", "olmo", "olmo2", "olmo3", "olmoe", "cohere", "cohere2", "granite", "granitemoe",
    "gpt_oss", "smollm3", "nemotron", "glm", "glm4", "exaone4", "seed_oss", "ernie4_5", "helium", "bert", "roberta",
)  # fmt: skip

SWITCHED_ON = (
    "gpt2-scaled-upcast", "opt-post-norm", "bloom-six-heads", "llama-multi-head", "llama-theta", "llama-linear",
    "llama-dynamic",
    "llama-yarn", "llama-yarn-mscale", "llama-llama3", "llama-longrope", "mixtral-window", "qwen2-window",
    "qwen2_moe-mixed", "qwen3-bias-window", "qwen3_moe-mixed", "gemma3_text-pattern", "gemma3_text-scaled",
    "phi-grouped", "phi3-longrope", "falcon-new", "falcon-alibi", "mpt-clip", "stablelm-parallel",
    "gpt_bigcode-multi-head", "olmo-clip", "cohere-qk-norm", "granite-bias", "gpt_oss-plain", "smollm3-window",
    "nemotron-bias", "exaone4-full", "seed_oss-bias", "ernie4_5-bias",
    # saved names in place of older ones
    "gpt_neox-sequential", "bert-masked",
)  # fmt: skip

BASES = FAMILIES + SWITCHED_ON
