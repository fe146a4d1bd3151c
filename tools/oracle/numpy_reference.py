"""GPT-2 and Llama in plain numpy float64, written from the published description of each model and not from
`transformers`: a second opinion on the reference itself. numpy_reference.py compares both; it records nothing."""

import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parents[2] / "tests" / "data" / "checkpoints"
TOLERANCE = 1e-12


def softmax_causal(scores):
    n = scores.shape[-1]
    scores = np.where(np.tril(np.ones((n, n), dtype=bool)), scores, -np.inf)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def layer_norm(x, gain, bias, epsilon):
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon) * gain + bias


def rms_norm(x, gain, epsilon):
    return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + epsilon) * gain


def split_heads(x, heads):
    return x.reshape(len(x), heads, -1).swapaxes(0, 1)  # (H, n, d_h)


def gpt2(config, w, ids):
    heads, width, epsilon = config["n_head"], config["n_embd"], config["layer_norm_epsilon"]
    x = w["wte.weight"][ids] + w["wpe.weight"][: len(ids)]
    attention, states = [], [x]
    for layer in range(config["n_layer"]):

        def affine(x, name, layer=layer):
            return x @ w[f"h.{layer}.{name}.weight"] + w[f"h.{layer}.{name}.bias"]

        def norm(x, name, layer=layer):
            return layer_norm(x, w[f"h.{layer}.{name}.weight"], w[f"h.{layer}.{name}.bias"], epsilon)

        q, k, v = (split_heads(part, heads) for part in np.split(affine(norm(x, "ln_1"), "attn.c_attn"), 3, axis=1))
        scale = np.sqrt(width // heads) * (layer + 1 if config.get("scale_attn_by_inverse_layer_idx") else 1)
        a = softmax_causal(q @ k.swapaxes(1, 2) / scale)
        x = x + affine((a @ v).swapaxes(0, 1).reshape(len(ids), width), "attn.c_proj")
        up = affine(norm(x, "ln_2"), "mlp.c_fc")
        gelu = 0.5 * up * (1 + np.tanh(np.sqrt(2 / np.pi) * (up + 0.044715 * up**3)))
        x = x + affine(gelu, "mlp.c_proj")
        attention.append(a)
        states.append(x)
    last = layer_norm(x[-1], w["ln_f.weight"], w["ln_f.bias"], epsilon)
    return attention, states, w["wte.weight"] @ last


def rotate(x, base):
    dims = x.shape[-1]
    frequency = 1.0 / base ** (np.arange(0, dims, 2) / dims)
    angle = np.arange(x.shape[1])[:, None] * frequency
    first, second = x[..., : dims // 2], x[..., dims // 2 :]
    cos, sin = np.cos(angle), np.sin(angle)
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


def llama(config, w, ids):
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads", heads)
    epsilon = config["rms_norm_eps"]
    base = config.get("rope_theta") or config["rope_parameters"]["rope_theta"]
    x = w["embed_tokens.weight"][ids]
    attention, states = [], [x]
    for layer in range(config["num_hidden_layers"]):

        def affine(x, name, layer=layer):
            return x @ w[f"layers.{layer}.{name}.weight"].T + w.get(f"layers.{layer}.{name}.bias", 0.0)

        def norm(x, name, layer=layer):
            return rms_norm(x, w[f"layers.{layer}.{name}.weight"], epsilon)

        normed = norm(x, "input_layernorm")
        q = rotate(split_heads(affine(normed, "self_attn.q_proj"), heads), base)
        k = rotate(split_heads(affine(normed, "self_attn.k_proj"), kv_heads), base)
        v = split_heads(affine(normed, "self_attn.v_proj"), kv_heads)
        k, v = (np.repeat(t, heads // kv_heads, axis=0) for t in (k, v))
        a = softmax_causal(q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1]))
        x = x + affine((a @ v).swapaxes(0, 1).reshape(len(ids), -1), "self_attn.o_proj")
        normed = norm(x, "post_attention_layernorm")
        gate = affine(normed, "mlp.gate_proj")
        x = x + affine(gate / (1 + np.exp(-gate)) * affine(normed, "mlp.up_proj"), "mlp.down_proj")
        attention.append(a)
        states.append(x)
    last = rms_norm(x[-1], w["norm.weight"], epsilon)
    return attention, states, w.get("lm_head.weight", w["embed_tokens.weight"]) @ last


def worst_error(folder):
    config = json.loads((folder / "config.json").read_text())
    expected = json.loads((folder / "expected.json").read_text())
    model, prefix = {"gpt2": (gpt2, "transformer."), "llama": (llama, "model.")}[config["model_type"]]
    weights = {}
    for file in folder.glob("*.safetensors"):
        weights |= load_file(file)
    weights = {name.removeprefix(prefix): tensor.astype(np.float64) for name, tensor in weights.items()}
    worst = 0.0
    for prompt in expected["prompts"]:
        attention, states, logits = model(config, weights, prompt["token_ids"])
        a = np.stack(attention)
        logs = np.log(a, out=np.zeros_like(a), where=a > 0)
        diagonal = np.trace(a, axis1=2, axis2=3)
        pairs = [
            (diagonal, prompt["diagonal_sum_per_head"]),
            (np.where(np.eye(a.shape[-1], dtype=bool), 0, a).sum(axis=(2, 3)), prompt["off_diagonal_sum_per_head"]),
            (-(a * logs).sum(axis=(2, 3)), prompt["entropy_per_head"]),
            ([np.linalg.norm(s[-1]) for s in states], prompt["residual_norm"]),
            ([logits[t["id"]] for t in prompt["next_token"]], [t["logit"] for t in prompt["next_token"]]),
        ]
        for computed, recorded in pairs:
            scale = np.maximum(np.abs(recorded), 1e-3)
            worst = max(worst, float((np.abs(np.array(computed) - recorded) / scale).max()))
    return worst


if __name__ == "__main__":
    failed = False
    for path in sorted(ROOT.iterdir()):
        family = json.loads((path / "config.json").read_text())["model_type"]
        stored = json.loads((path / "config.json").read_text()).get("dtype", "float32")
        if family in ("gpt2", "llama") and stored != "bfloat16":  # numpy has no bfloat16
            error = worst_error(path)
            failed |= error > TOLERANCE
            print(f"{path.name}: {error:.2e} {'TOO LARGE' if error > TOLERANCE else 'ok'}")
    sys.exit(failed)
