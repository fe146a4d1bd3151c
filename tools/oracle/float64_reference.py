"""Makes `transformers` compute in float64 throughout.

A model loaded as float64 still falls back to float32 in places: RMSNorm, the softmax of most families and of routers,
rotary tables, ALiBi slopes, embedding scales, GPT-2's upcast attention. Inside `true_float64()` the modelling files
see a `torch` whose float32 is float64, and Tensor.float() is Tensor.double(), so that none of these places loses
digits; any that does is an error.
"""

import sys
from contextlib import contextmanager

import torch
import transformers
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import modeling_rope_utils


def modelling_files():
    """Of the families loaded so far, and what they share."""
    prefix = "transformers.models."
    loaded = [module for name, module in sys.modules.items() if name.startswith(prefix) and ".modeling_" in name]
    return [modeling_rope_utils, *(module for module in loaded if getattr(module, "torch", None) is not None)]


class _TorchWithoutFloat32:
    float32 = torch.float64
    float = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


class _RefuseLowerPrecision(TorchDispatchMode):
    """Fails at the operation that leaves float64. Whole numbers may: OPT counts its positions in float32. So may
    Falcon's ALiBi table, which Falcon was trained with in bfloat16: it is part of the model's definition."""

    bfloat16_is_meant = False

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor) and self.bfloat16_is_meant and tensor.dtype == torch.bfloat16:
                continue
            if isinstance(tensor, torch.Tensor) and tensor.is_floating_point() and tensor.dtype != torch.float64:
                if not torch.equal(tensor, tensor.round()):
                    raise TypeError(f"{operation} computed in {tensor.dtype}")
        return result


@contextmanager
def true_float64(bfloat16_is_meant=False):
    to_float, default = torch.Tensor.float, torch.get_default_dtype()
    modules = modelling_files()
    for module in modules:
        module.torch = _TorchWithoutFloat32()
    torch.Tensor.float = torch.Tensor.double
    torch.set_default_dtype(torch.float64)
    refuse = _RefuseLowerPrecision()
    refuse.bfloat16_is_meant = bfloat16_is_meant
    try:
        with refuse:
            yield
    finally:
        torch.set_default_dtype(default)
        torch.Tensor.float = to_float
        for module in modules:
            module.torch = torch


def widen_buffers(model):
    """Rotary tables, embedding scales and the like are computed when a model is built: takes them from one that is
    built in float64."""
    with true_float64(bfloat16_is_meant(model)):
        fresh = dict(type(model)(model.config).named_modules())
    for path, module in model.named_modules():
        for name, buffer in list(module.named_buffers(recurse=False)):
            if buffer.is_floating_point() and name in module._non_persistent_buffers_set:
                module.register_buffer(name, getattr(fresh[path], name), persistent=False)


def forget_sequence_lengths(model):
    """A rotary table that grows with the longest sequence seen starts anew, so that calls do not depend on order."""
    for module in model.modules():
        if "dynamic" in str(getattr(module, "rope_type", "")):
            module.max_seq_len_cached = module.original_max_seq_len
            module.register_buffer("inv_freq", module.original_inv_freq.clone(), persistent=False)


def model_class(config):
    """The one that config.json names; MPT's names the class of its own repository."""
    name = (config.architectures or [""])[0]
    return getattr(transformers, name, transformers.AutoModelForCausalLM)


def new_model(config):
    found = model_class(config)
    return found.from_config(config) if found is transformers.AutoModelForCausalLM else found._from_config(config)


def bfloat16_is_meant(model):
    return model.config.model_type == "falcon" and model.config.alibi


def count_alibi_once(model):
    """transformers 5.24 puts Falcon's ALiBi into the mask, which is what SDPA takes, and its eager attention adds it to
    the scores as well. The model was trained with it once, (q.k + alibi) / sqrt(d_h); so eager gets the mask's alone."""

    def without(module, args, kwargs):
        return args, kwargs | {"alibi": torch.zeros_like(kwargs["alibi"])}

    for block in model.transformer.h:
        block.self_attention.register_forward_pre_hook(without, with_kwargs=True)


def load(source, dtype, **options):
    """The model as `transformers` reads it, by the class that config.json names, eager attention and experts. Rotary
    tables stay float32 below float64."""
    config = transformers.AutoConfig.from_pretrained(source, **options)
    packing = getattr(config, "quantization_config", None) or {}
    if packing.get("quant_method") == "mxfp4":  # widened, whatever kernels there are
        options["quantization_config"] = transformers.Mxfp4Config(dequantize=True)
    model, info = model_class(config).from_pretrained(
        source,
        dtype=dtype,
        attn_implementation="eager",
        experts_implementation="eager",
        output_loading_info=True,
        **options,
    )
    if info["missing_keys"] or info["mismatched_keys"]:
        raise ValueError(f"{source}: {info}")
    model.eval()
    if bfloat16_is_meant(model):
        count_alibi_once(model)
    if dtype == torch.float64:
        widen_buffers(model)
    check_dtypes(model, dtype)
    return model


def check_dtypes(model, dtype):
    for name, parameter in model.named_parameters():
        if parameter.dtype != dtype:
            raise TypeError(f"{name}: {parameter.dtype}, expected {dtype}")
    for name, buffer in model.named_buffers():
        if dtype == torch.float64 and buffer.is_floating_point() and buffer.dtype != dtype:
            raise TypeError(f"{name}: {buffer.dtype}")
        wanted = dtype if dtype == torch.float64 else torch.float32
        if "inv_freq" in name and "original" not in name and buffer.dtype != wanted:
            raise TypeError(f"{name}: {buffer.dtype}, expected {wanted}")
