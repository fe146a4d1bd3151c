"""Checkpoints of published shapes with random float16 weights:  checkpoints.py FOLDER NAME ...

Sizes are those of the config.json that the labs publish on the hub under the names in `LABS`. What costs time is the
shape; the weights are drawn so that attention is neither even nor saturated. A folder that is complete is left alone:
it gets its name only when everything in it has been written. `seven` (13.5 GB) is written layer by layer.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np

PYTHIA = {
    "model_type": "gpt_neox", "vocab_size": 50304, "max_position_embeddings": 2048, "hidden_act": "gelu",
    "rotary_pct": 0.25, "rotary_emb_base": 10000, "use_parallel_residual": True, "layer_norm_eps": 1e-5,
    "tie_word_embeddings": False, "bos_token_id": 0, "eos_token_id": 0,
}  # fmt: skip
OPT = {
    "model_type": "opt", "vocab_size": 50272, "max_position_embeddings": 2048, "activation_function": "relu",
    "pad_token_id": 1, "bos_token_id": 2, "eos_token_id": 2, "dropout": 0.1,
}  # fmt: skip
GPT2 = {
    "model_type": "gpt2", "vocab_size": 50257, "n_positions": 1024, "n_embd": 768, "n_layer": 12, "n_head": 12,
    "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "bos_token_id": 50256, "eos_token_id": 50256,
}  # fmt: skip

LABS = {
    # EleutherAI/pythia-160m, EleutherAI/pythia-410m
    "pythia-160m": PYTHIA
    | {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12},
    "pythia-410m": PYTHIA
    | {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16},
    # facebook/opt-125m; facebook/opt-350m: norms behind, embeddings of width 512 projected to 1024 and back
    "opt-125m": OPT
    | {"hidden_size": 768, "ffn_dim": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
    | {"word_embed_proj_dim": 768, "do_layer_norm_before": True},
    "opt-350m": OPT
    | {"hidden_size": 1024, "ffn_dim": 4096, "num_hidden_layers": 24, "num_attention_heads": 16}
    | {"word_embed_proj_dim": 512, "do_layer_norm_before": False},
    # bigscience/bloom-560m
    "bloom-560m": {
        "model_type": "bloom", "vocab_size": 250880, "hidden_size": 1024, "n_layer": 24, "n_head": 16,
        "layer_norm_epsilon": 1e-5, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 3,
    },
    # openai-community/gpt2
    "gpt2": GPT2,
}  # fmt: skip

# GPT-2's shape with one size changed: for long prompts and for the cost curves.
OTHERS = {
    **{f"gpt2-{n}": GPT2 | {"n_positions": n + 64} for n in (8192, 32768)},  # llama.cpp wants room for a next token
    **{f"gpt2-layers-{n}": GPT2 | {"n_layer": n} for n in (3, 6, 24, 48)},
    **{f"gpt2-width-{d}": GPT2 | {"n_embd": d, "n_head": d // 64} for d in (384, 1536, 2304)},
    "tiny": GPT2 | {"n_embd": 128, "n_layer": 2, "n_head": 2, "n_positions": 4096},
}

# The shape of Llama's 7B models (huggyllama/llama-7b; meta-llama/Llama-2-7b-hf has 4,096 positions).
SEVEN = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "dtype": "float16", "vocab_size": 32000,
    "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 32, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "hidden_act": "silu",
    "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip

# What draws attention's scores; wider than the rest, or every row would attend evenly.
SCORES = ("query_key_value", "c_attn", "q_proj", "k_proj")
DEPTH_OF_TINY_SEVEN = 2  # for trying the tool


def deviation(name):
    return 0.05 if any(part in name for part in SCORES) else 0.02


def transformers_checkpoint(folder, config):
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**config))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() >= 2:
                parameter.normal_(0, deviation(name))
            elif name.endswith("bias"):
                parameter.normal_(0, 0.02)
            else:
                parameter.normal_(1, 0.1)  # gains of norms
    model.half().save_pretrained(folder)


def llama_checkpoint(folder, config):
    """One shard a layer, so that no more than a layer is in memory."""
    from safetensors.numpy import save_file

    random = np.random.default_rng(1)
    d, wide, vocab, layers = (
        config[key] for key in ("hidden_size", "intermediate_size", "vocab_size", "num_hidden_layers")
    )
    shards, of_tensor, total = layers + 1, {}, 0

    def drawn(name, *shape):
        if len(shape) == 1:
            return (1 + 0.1 * random.standard_normal(shape, np.float32)).astype(np.float16)
        return (deviation(name) * random.standard_normal(shape, np.float32)).astype(np.float16)

    def save(shard, shapes):
        nonlocal total
        tensors = {name: drawn(name, *shape) for name, shape in shapes.items()}
        file = f"model-{shard:05}-of-{shards:05}.safetensors"
        save_file(tensors, folder / file, {"format": "pt"})
        of_tensor.update(dict.fromkeys(tensors, file))
        total += sum(t.nbytes for t in tensors.values())

    for layer in range(layers):
        names = {f"self_attn.{part}_proj": (d, d) for part in "qkvo"}
        names |= {"mlp.gate_proj": (wide, d), "mlp.up_proj": (wide, d), "mlp.down_proj": (d, wide)}
        names |= {"input_layernorm": (d,), "post_attention_layernorm": (d,)}
        save(layer + 1, {f"model.layers.{layer}.{name}.weight": shape for name, shape in names.items()})
    save(shards, {"model.embed_tokens.weight": (vocab, d), "model.norm.weight": (d,), "lm_head.weight": (vocab, d)})
    index = {"metadata": {"total_size": total}, "weight_map": of_tensor}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text(json.dumps(config, indent=2))


def write(parent, name):
    """Makes parent/name unless it is there; a half-written one is thrown away."""
    final, making = parent / name, parent / f"{name}.making"
    if final.exists():
        return final
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    if name.startswith("seven"):
        small = {"num_hidden_layers": DEPTH_OF_TINY_SEVEN, "hidden_size": 512, "intermediate_size": 1376}
        small |= {"num_attention_heads": 4, "num_key_value_heads": 4}
        llama_checkpoint(making, SEVEN | (small if name.endswith("tiny") else {}))
    elif name.endswith("-gguf"):
        import gpt2_gguf

        gpt2_gguf.write(write(parent, name.removesuffix("-gguf")), making / "model.gguf")
    else:
        transformers_checkpoint(making, LABS[name] if name in LABS else OTHERS[name])
    making.rename(final)
    return final


if __name__ == "__main__":
    for wanted in sys.argv[2:]:
        write(Path(sys.argv[1]), wanted)
