"""Records tests/data/float8: every byte of every float8 type in one safetensors file, and as float32 beside it."""

import json
import struct
from pathlib import Path

import torch

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "data" / "float8"
TYPES = {
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "F8_E8M0": torch.float8_e8m0fnu,
    "F8_E4M3FNUZ": torch.float8_e4m3fnuz,
    "F8_E5M2FNUZ": torch.float8_e5m2fnuz,
}


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "config.json").write_text('{"model_type": "none"}\n')
    header, data = {}, b""
    every_byte = torch.arange(256).to(torch.uint8)

    def add(name, dtype, values):
        nonlocal data
        header[name] = {"dtype": dtype, "shape": [256], "data_offsets": [len(data), len(data) + len(values)]}
        data += values

    for name, dtype in TYPES.items():
        add(name, name, every_byte.numpy().tobytes())
        add(f"{name}.widened", "F32", every_byte.view(dtype).to(torch.float32).numpy().tobytes())
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    (FOLDER / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    main()
