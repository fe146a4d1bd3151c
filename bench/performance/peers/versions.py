"""Prints one JSON object: the versions of the peers, null for those that are not installed."""

import json
import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "numpy", "gguf", "transformer-lens", "xllamacpp")


def installed(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    import torch

    print(
        json.dumps(
            {"python": platform.python_version()}
            | {name: installed(name) for name in PACKAGES}
            | {"torch uses": torch.backends.cpu.get_cpu_capability(), "torch threads": torch.get_num_threads()}
        )
    )
