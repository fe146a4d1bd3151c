"""Makes `transformers` compute in float64 throughout.

A model loaded as float64 still falls back to float32 in places: RMSNorm, the softmax of most families, rotary tables,
ALiBi slopes, GPT-2's upcast attention. Inside `true_float64()` the modelling files see a `torch` whose float32 is
float64, and Tensor.float() is Tensor.double(), so that none of these places loses digits; any that does is an error.
"""

from contextlib import contextmanager

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import AutoModelForCausalLM
from transformers.models.bloom import modeling_bloom
from transformers.models.gpt2 import modeling_gpt2
from transformers.models.gpt_neox import modeling_gpt_neox
from transformers.models.llama import modeling_llama
from transformers.models.opt import modeling_opt

MODELLING_FILES = (modeling_gpt2, modeling_gpt_neox, modeling_opt, modeling_bloom, modeling_llama)


class _TorchWithoutFloat32:
    float32 = torch.float64
    float = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


class _RefuseLowerPrecision(TorchDispatchMode):
    """Fails at the operation that leaves float64. Whole numbers may: OPT counts its positions in float32."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor) and tensor.is_floating_point() and tensor.dtype != torch.float64:
                if not torch.equal(tensor, tensor.round()):
                    raise TypeError(f"{operation} computed in {tensor.dtype}")
        return result


@contextmanager
def true_float64():
    to_float = torch.Tensor.float
    for module in MODELLING_FILES:
        module.torch = _TorchWithoutFloat32()
    torch.Tensor.float = torch.Tensor.double
    try:
        with _RefuseLowerPrecision():
            yield
    finally:
        torch.Tensor.float = to_float
        for module in MODELLING_FILES:
            module.torch = torch


def set_rotary_tables(model):
    """Rotary frequencies are computed when a model is built; computes them again (call inside true_float64())."""
    for module in model.modules():
        if hasattr(module, "inv_freq"):
            if module.rope_type != "default":
                raise ValueError(f"rope_type {module.rope_type} has no float64 reference here")
            module.inv_freq = type(module).compute_default_rope_parameters(module.config)[0]


def load(source, dtype, **options):
    """The model as `transformers` reads it, eager attention. Rotary tables stay float32 below float64."""
    model, info = AutoModelForCausalLM.from_pretrained(
        source, dtype=dtype, attn_implementation="eager", output_loading_info=True, **options
    )
    if info["missing_keys"] or info["mismatched_keys"]:
        raise ValueError(f"{source}: {info}")
    model.eval()
    if dtype == torch.float64:
        with true_float64():
            set_rotary_tables(model)
    check_dtypes(model, dtype)
    return model


def check_dtypes(model, dtype):
    for name, parameter in model.named_parameters():
        if parameter.dtype != dtype:
            raise TypeError(f"{name}: {parameter.dtype}, expected {dtype}")
    for name, buffer in model.named_buffers():
        wanted = dtype if dtype == torch.float64 else torch.float32
        if "inv_freq" in name and "original" not in name and buffer.dtype != wanted:
            raise TypeError(f"{name}: {buffer.dtype}, expected {wanted}")
