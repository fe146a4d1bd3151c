"""Records tests/data/bin: what torch.save writes, beside safetensors with the same numbers.

gpt2-*: the gpt2 checkpoint as one ZIP archive, as the older stream of pickles, in shards, and wrapped as a trainer
wraps it, in pickle protocol 4. views-*: tensors that are not simply dense: transposed, strided, tied, of every dtype;
views-dense holds their values, as float32 where they are floating-point. gpt2-training: the last.ckpt of a training run,
with all that such a run keeps beside its weights, in both formats of torch.save.
"""

import argparse
import collections
import json
import random
import shutil
from pathlib import Path

import numpy
import torch
from safetensors.torch import load_file, save_file

DATA = Path(__file__).resolve().parents[2] / "tests" / "data"
BIN = DATA / "bin"
GPT2 = DATA / "checkpoints" / "gpt2"


def folder(name):
    path = BIN / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    shutil.copy(GPT2 / "config.json", path)
    return path


def record_gpt2():
    tensors = collections.OrderedDict(sorted(load_file(GPT2 / "model.safetensors").items()))
    tensors._metadata = collections.OrderedDict({"": {"version": 1}})  # as Module.state_dict() has it
    torch.save(tensors, folder("gpt2-zip") / "pytorch_model.bin")
    torch.save(tensors, folder("gpt2-stream") / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    trained = {"epoch": 3, "loss": 0.25, "name": "run", "optimizer": {"state": [1, 2]}, "model": tensors}
    torch.save(trained, folder("gpt2-wrapped") / "model.bin", pickle_protocol=4)
    shards = folder("gpt2-sharded")
    weight_map = {}
    for i in range(2):
        file = f"pytorch_model-{i + 1:05}-of-00002.bin"
        held = {name: tensor.clone() for name, tensor in list(tensors.items())[i::2]}
        torch.save(held, shards / file)
        weight_map |= {name: file for name in held}
    index = {"metadata": {"total_size": 0}, "weight_map": weight_map}
    (shards / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=1) + "\n")


def record_training():
    torch.manual_seed(3)
    tensors = load_file(GPT2 / "model.safetensors")
    weights = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(weights.parameters())
    weights(torch.ones(3)).sum().backward()
    optimizer.step()
    state = {f"model.{name.removeprefix('transformer.')}": tensor for name, tensor in tensors.items()}
    state |= {"model.ln_f.complex": torch.ones(2, dtype=torch.complex64), "model.ln_f.sparse": torch.eye(3).to_sparse()}
    run = {
        "args": argparse.Namespace(lr=1e-3, out=Path("runs")),
        "best": numpy.float64(0.25),
        "callbacks": collections.defaultdict(list, {"losses": collections.deque([1.0, 2.0])}),
        "rng": {"python": random.getstate(), "numpy": numpy.random.get_state(), "torch": torch.get_rng_state()},
        "seen": {"a", "b"},
        "frozen": frozenset([1]),
        "dtype": torch.float16,
        "device": torch.device("cpu"),
        "optimizer": optimizer.state_dict(),
        "scheduler": torch.optim.lr_scheduler.StepLR(optimizer, 2).state_dict(),
        "state_dict": state,
    }
    torch.save(run, folder("gpt2-training") / "last.ckpt")
    torch.save(run, folder("gpt2-training-stream") / "last.ckpt", _use_new_zipfile_serialization=False)


def record_views():
    torch.manual_seed(7)
    base = torch.randn(6, 4)
    cube = torch.randn(3, 4, 5)
    tensors = {
        "dense": base,
        "tied": base,  # the same storage
        "transposed": base.t(),
        "rows": base[::2],
        "columns": base[:, 1:4:2],
        "part": base[2:4],  # dense, from the middle of a storage
        "permuted": cube.permute(2, 0, 1),
        "vector": cube[1, :, 3],
        "one column": cube[:, 1:2, :],
        "scalar": torch.tensor(1.5),
        "empty": torch.zeros(0, 3),
        "expanded": base[1:2].expand(3, 4),  # elements that repeat
        "spread": base[:, :1].expand(6, 5),
        "parameter": torch.nn.Parameter(torch.randn(2, 2)),
        "half": torch.randn(3, 2).half().t(),
        "bfloat16": torch.randn(5).bfloat16(),
        "double": torch.randn(2, 3).float().double().t(),
        "whole": torch.arange(4),
        "truth": torch.tensor([True, False]),
    }
    dense = {name: t.detach().float() if t.is_floating_point() else t for name, t in tensors.items()}
    save_file({name: t.clone().contiguous() for name, t in dense.items()}, folder("views-dense") / "model.safetensors")
    torch.save(tensors, folder("views-stream") / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    tensors["float8"] = torch.randn(4, 2).to(torch.float8_e4m3fn).t()  # the stream does not know it
    dense["float8"] = tensors["float8"].float()
    save_file({name: t.clone().contiguous() for name, t in dense.items()}, BIN / "views-dense" / "model.safetensors")
    torch.save({"state_dict": tensors, "step": 7}, folder("views-zip") / "pytorch_model.bin")


if __name__ == "__main__":
    record_gpt2()
    record_training()
    record_views()
    for file in sorted(BIN.rglob("*.bin")):
        print(f"{file.relative_to(BIN)}: {file.stat().st_size:,} bytes")
