"""Writes a Llama checkpoint as a GGUF file, laid out as llama.cpp's converter lays it out, and reads it back."""

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import LlamaFileType

FILE_TYPES = {
    "f32": (Type.F32, LlamaFileType.ALL_F32),
    "f16": (Type.F16, LlamaFileType.MOSTLY_F16),
    "bf16": (Type.BF16, LlamaFileType.MOSTLY_BF16),
    "q8_0": (Type.Q8_0, LlamaFileType.MOSTLY_Q8_0),
    "q4_0": (Type.Q4_0, LlamaFileType.MOSTLY_Q4_0),
    "q4_1": (Type.Q4_1, LlamaFileType.MOSTLY_Q4_1),
}

LAYER_NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MERGES = [
    "Ġ t", "Ġ a", "i n", "h e", "Ġt he", "r e", "o n", "e r", "Ġ s", "a t", "n d", "Ġa nd", "o u", "Ġ w", "i s",
    "in g", "e n", "o r", "e s", "Ġ o", "Ġo f",
]  # fmt: skip


def vocabulary():
    """96 tokens: special ones, printable characters as byte-level BPE writes them, and what the merges make."""
    characters = "ĠĊ" + "abcdefghijklmnopqrstuvwxyz" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + "0123456789" + ".,!?'-:;"
    return SPECIAL + list(characters) + [merge.replace(" ", "") for merge in MERGES]


def names(layers):
    """(name in the safetensors file, name in GGUF), tied output."""
    yield "model.embed_tokens.weight", "token_embd.weight"
    yield "model.norm.weight", "output_norm.weight"
    for layer in range(layers):
        for theirs, ours in LAYER_NAMES.items():
            yield f"model.layers.{layer}.{theirs}.weight", f"blk.{layer}.{ours}.weight"


def heads_of(config, name):
    """Heads whose rows llama.cpp reorders, or 0."""
    if name.endswith("attn_q.weight"):
        return config["num_attention_heads"]
    return config["num_key_value_heads"] if name.endswith("attn_k.weight") else 0


def interleave(rows, heads):
    """Halves of each head (i, i + d_h / 2) become neighbours (2 i, 2 i + 1): llama.cpp rotates neighbouring pairs."""
    return rows.reshape(heads, 2, -1, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)


def deinterleave(rows, heads):
    return rows.reshape(heads, -1, 2, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)


def write(path, config, weights, kind):
    tensor_type, file_type = FILE_TYPES[kind]
    tokens = vocabulary()
    if len(tokens) != config["vocab_size"]:
        raise ValueError(f"{len(tokens)} tokens for {config['vocab_size']} rows")
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("lstar test fixture")
    writer.add_file_type(file_type)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_rope_dimension_count(config["hidden_size"] // config["num_attention_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    types = [gguf.TokenType.CONTROL] * len(SPECIAL) + [gguf.TokenType.NORMAL] * (len(tokens) - len(SPECIAL))
    writer.add_token_types(types)
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    for theirs, ours in names(config["num_hidden_layers"]):
        tensor = weights[theirs].astype(np.float32)
        heads = heads_of(config, ours)
        tensor = interleave(tensor, heads) if heads else tensor
        stored = tensor_type if tensor.ndim == 2 else Type.F32
        if ours == "token_embd.weight" and stored in (Type.Q4_0, Type.Q4_1):
            stored = Type.Q8_0  # as in SmolLM2's file: the embedding is the output too
        writer.add_tensor(ours, gguf.quants.quantize(tensor, stored), raw_dtype=stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read_widened(path, config):
    """The tensors as float32 after dequantising, under the safetensors names and in their row order."""
    stored = {t.name: t for t in gguf.GGUFReader(path).tensors}
    weights = {}
    for theirs, ours in names(config["num_hidden_layers"]):
        tensor = stored.pop(ours)
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        values = values.reshape([int(n) for n in reversed(tensor.shape)])
        heads = heads_of(config, ours)
        weights[theirs] = deinterleave(values, heads) if heads else values
    if stored:
        raise ValueError(f"left over: {sorted(stored)}")
    return weights
