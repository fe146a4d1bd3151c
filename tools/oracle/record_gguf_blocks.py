"""Records tests/data/gguf/blocks.gguf: every quantised type, as random blocks, with what the gguf package makes of them.

Tensor NAME holds blocks; tensor NAME.widened holds them as float32, by gguf.quants.dequantize. The bytes of a block are
random but for its binary16 units, which are finite: of either sign, normal, subnormal and zero.
"""

from pathlib import Path

import gguf
import numpy as np
from gguf import GGML_QUANT_SIZES
from gguf import GGMLQuantizationType as Type

PATH = Path(__file__).resolve().parents[2] / "tests" / "data" / "gguf" / "blocks.gguf"
ELEMENTS = 512  # of a row
ROWS = 3
UNITS = {  # where a block's binary16 numbers lie
    Type.Q4_0: (0,), Type.Q4_1: (0, 2), Type.Q5_0: (0,), Type.Q5_1: (0, 2), Type.Q8_0: (0,),
    Type.Q2_K: (80, 82), Type.Q3_K: (108,), Type.Q4_K: (0, 2), Type.Q5_K: (0, 2), Type.Q6_K: (208,),
    Type.IQ4_NL: (0,), Type.IQ4_XS: (0,), Type.MXFP4: (),
}  # fmt: skip


def random_blocks(random, kind):
    elements, size = GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (ROWS * ELEMENTS // elements, size), dtype=np.uint8)
    for at in UNITS[kind]:
        units = random.normal(0, 0.01, len(blocks)).astype(np.float16)
        units[::7] *= np.float16(1e-4)  # subnormal
        units[-1] = 0
        blocks[:, at : at + 2] = units.view(np.uint8).reshape(-1, 2)
    if kind == Type.MXFP4:
        blocks[:, 0] = random.integers(100, 140, len(blocks))
        blocks[:3, 0] = (0, 1, 2)  # subnormal scales, and the smallest normal one
    return blocks.reshape(ROWS, -1)


def main():
    random = np.random.default_rng(20240607)
    writer = gguf.GGUFWriter(PATH, "blocks")
    for kind in UNITS:
        blocks = random_blocks(random, kind)
        widened = gguf.quants.dequantize(blocks, kind)
        if widened.shape != (ROWS, ELEMENTS) or not np.isfinite(widened).all():
            raise ValueError(f"{kind.name}: {widened.shape}")
        writer.add_tensor(kind.name, blocks, raw_dtype=kind)
        writer.add_tensor(f"{kind.name}.widened", widened)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(f"{PATH.name}: {PATH.stat().st_size:,} bytes, {len(UNITS)} types")


if __name__ == "__main__":
    main()
