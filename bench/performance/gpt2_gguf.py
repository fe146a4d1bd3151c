"""A GPT-2 checkpoint as a GGUF in float16, for llama.cpp: names, types and order of its own converter.

llama.cpp will not open a model without a vocabulary, so one is invented: the 256 bytes, then pairs of earlier tokens.
Prompts are given as ids; no text is ever tokenised with it.
"""

import json

import gguf
import numpy as np
from safetensors.numpy import load_file

OUTSIDE = {"wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm"}
INSIDE = {
    "ln_1": "attn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output",
    "ln_2": "ffn_norm", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down",
}  # fmt: skip


def gguf_name(name):
    stem, kind = name.removeprefix("transformer.").rsplit(".", 1)
    if stem in OUTSIDE:
        return f"{OUTSIDE[stem]}.{kind}"
    _, layer, part = stem.split(".", 2)
    return f"blk.{layer}.{INSIDE[part]}.{kind}"


def invented_vocabulary(size):
    """Byte-level tokens and the merges that make them."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    tokens = [chr(b) for b in printable] + [chr(256 + i) for i in range(len(others))]
    merges, base = [], list(tokens)
    for left in tokens.copy():  # 65,536 pairs of bytes are more than GPT-2's vocabulary
        for right in base:
            if len(tokens) == size - 1:
                return [*tokens, "<|endoftext|>"], merges
            tokens.append(left + right)
            merges.append(f"{left} {right}")
    raise ValueError(f"no {size} tokens of two bytes")


def write(folder, path):
    config = json.loads((folder / "config.json").read_text())
    writer = gguf.GGUFWriter(path, "gpt2")
    writer.add_block_count(config["n_layer"])
    writer.add_context_length(config["n_positions"])
    writer.add_embedding_length(config["n_embd"])
    writer.add_feed_forward_length(4 * config["n_embd"])
    writer.add_head_count(config["n_head"])
    writer.add_layer_norm_eps(config["layer_norm_epsilon"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    tokens, merges = invented_vocabulary(config["vocab_size"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * (len(tokens) - 1) + [gguf.TokenType.CONTROL])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(len(tokens) - 1)
    writer.add_eos_token_id(len(tokens) - 1)
    for name, tensor in load_file(folder / "model.safetensors").items():
        stem = name.rsplit(".", 1)[0]
        if stem.endswith(("c_attn", "c_proj", "c_fc")) and tensor.ndim == 2:
            tensor = np.ascontiguousarray(tensor.T)  # GPT-2's layers are stored (in, out)
        if tensor.ndim == 1 or stem.endswith("wpe"):
            tensor = tensor.astype(np.float32)
        writer.add_tensor(gguf_name(name), tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
