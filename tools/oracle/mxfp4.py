"""MXFP4 as GPT-OSS was published: a tensor in two, of bytes. Plain, not the best fit: what matters is that the pair is
valid. Reading it back is transformers' business."""

import torch

MAGNITUDES = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6])  # of the eight codes without sign
GROUP = 32  # numbers that share an exponent
EXPERTS = ("mlp.experts.gate_up_proj", "mlp.experts.down_proj")


def packed(values):
    """(..., n) in floats: blocks (..., n / 32, 16), the first of two numbers in the low half of a byte, and exponents
    (..., n / 32)."""
    groups = values.float().unflatten(-1, (-1, GROUP))
    largest = groups.abs().amax(-1, keepdim=True)
    exponents = torch.floor(torch.log2(largest)).clamp(min=-125) - 2  # the largest becomes 4 to 8, and 6 where above
    codes = (torch.ldexp(groups, -exponents).abs()[..., None] - MAGNITUDES).abs().argmin(-1)
    codes = (codes + 8 * (groups < 0)).to(torch.uint8)
    return codes[..., 0::2] | codes[..., 1::2] << 4, (exponents.squeeze(-1) + 127).to(torch.uint8)


def with_packed_experts(tensors):
    """The experts' tensors, (experts, in, out), as pairs of (experts, out, in)."""
    published = {}
    for name, tensor in tensors.items():
        if name.endswith(EXPERTS):
            published[name + "_blocks"], published[name + "_scales"] = packed(tensor.transpose(1, 2))
        else:
            published[name] = tensor
    return published
