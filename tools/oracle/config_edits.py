"""The edits of a configuration that a sweep makes: every key left out, null, doubled, halved, flipped.

A path is a list of keys from the outermost object inwards. An edit is (path, what is left there); LEFT_OUT takes the
key away."""

import copy

LEFT_OUT = object()

# What the sweep itself needs, and what says nothing about the numbers: names, types of storage, label texts.
KEPT = {
    "architectures", "auto_map", "dtype", "id2label", "label2id", "model_type", "quantization_config", "torch_dtype",
    "transformers_version", "_name_or_path", "return_dict",
}  # fmt: skip

# What a key is set to where its value is null, so that there is nothing to double.
IN_PLACE_OF_NULL = {
    "sliding_window": 6, "clip_qkv": 1.0, "n_inner": 40, "intermediate_size": 40, "num_key_value_heads": 2,
    "softmax_scale": 0.3, "attn_logit_softcapping": 5.0, "final_logit_softcapping": 3.0, "num_kv_heads": 2,
    "num_ln_in_parallel_attn": 1, "use_bidirectional_attention": True, "word_embed_proj_dim": 16, "head_dim": 8,
    "pad_token_id": 3, "logit_scale": 0.5, "sliding_window_pattern": 2,
    "rope_scaling": {"rope_type": "linear", "factor": 2.0},
}  # fmt: skip

# Keys that a class does not list and whose code or whose kin read: what they are set to where they are absent.
IN_PLACE_OF_NOTHING = {
    "rope_theta": 500.0, "partial_rotary_factor": 0.5, "head_dim": 8, "attention_bias": True, "mlp_bias": True,
    "sliding_window": 6, "rope_scaling": {"rope_type": "linear", "factor": 2.0}, "num_key_value_heads": 2,
    "attn_logit_softcapping": 5.0, "final_logit_softcapping": 3.0, "logit_scale": 0.5, "clip_qkv": 1.0,
    "query_pre_attn_scalar": 16, "is_causal": False, "per_layer_config": {"0": {"num_attention_heads": 2}},
}  # fmt: skip

SWAPPED = {
    "sliding_attention": "full_attention", "full_attention": "sliding_attention", "global": "local",
    "local": "global",
}  # fmt: skip


def other_values(key, value):
    """What the sweep sets in place of a value."""
    if value is None:
        return [IN_PLACE_OF_NULL[key]] if key in IN_PLACE_OF_NULL else []
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value * 2, value // 2] if value else [1]
    if isinstance(value, float):
        return [value * 2, value / 2] if value else [0.5]
    if isinstance(value, str):
        if value in SWAPPED:
            return [SWAPPED[value]]
        if key in ("hidden_act", "hidden_activation", "activation_function", "activation"):
            return [name for name in ("relu", "gelu", "silu") if name != value]
        if key in ("rope_type", "type"):
            return [name for name in ("linear", "default") if name != value]
        return [value + "x"]
    if isinstance(value, list):
        if not value:
            return [[0]]
        return [flipped(value), value + value, value[: len(value) // 2]]
    return [{}, {"rope_type": "default", "rope_theta": 500.0}] if key == "rope_parameters" else [{}]


def flipped(value):
    if isinstance(value, list):
        return [flipped(item) for item in value]
    if isinstance(value, str):
        return SWAPPED.get(value, value)
    if isinstance(value, bool) or value in (0, 1):
        return type(value)(1 - value)
    return value * 2


def paths(config):
    for key, value in config.items():
        if key in KEPT:
            continue
        yield [key]
        if isinstance(value, dict):
            yield from ([key, *inner] for inner in paths(value))


def value_at(config, path):
    for key in path:
        config = config[key]
    return config


def edited(config, edit):
    path, value = edit
    result = copy.deepcopy(config)
    inner = value_at(result, path[:-1])
    if value is LEFT_OUT:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return result


def edits_as_published(config, saved):
    """Of every key that is there, and of every key that the class knows: `saved` is what it writes."""
    for path in paths(config):
        yield path, LEFT_OUT
        value = value_at(config, path)
        if value is not None:
            yield path, None
        yield from ((path, other) for other in other_values(path[-1], value))
    for key, value in saved.items():
        if key not in config and key not in KEPT:
            yield from (([key], other) for other in [value, *other_values(key, value), *([None] if value else [])])
    for key, value in IN_PLACE_OF_NOTHING.items():
        if key not in config and key not in saved:
            yield [key], value
    layers = next((saved[key] for key in ("num_hidden_layers", "n_layer", "n_layers", "num_layers") if key in saved))
    if "layer_types" not in saved:
        yield ["layer_types"], (["full_attention", "sliding_attention"] * layers)[:layers]


def edits_as_saved(config, saved):
    """Of every key that is there: what a configuration written by transformers 5 may lack, and the spellings that the
    published one has not."""
    for path in paths(saved):
        yield path, LEFT_OUT
        value = value_at(saved, path)
        if value is not None:
            yield path, None
        if len(path) > 1 or path[0] not in config:
            yield from ((path, other) for other in other_values(path[-1], value))
