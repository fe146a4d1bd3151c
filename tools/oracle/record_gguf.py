"""Records tests/data/gguf: the llama-smollm2-shape checkpoint as GGUF in every stored type.

What is expected of each file follows from its own numbers: blocks widened to float32 by the gguf package, put into a
LlamaForCausalLM. As a check, transformers' own GGUF reader must give the same weights.
"""

import json
import tempfile
from pathlib import Path

import gguf_file
import torch
import transformers
from checkpoint_folder import write_folder
from expectation import describe, expect, near_ties, write_json
from float64_reference import load
from safetensors.numpy import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

DATA = Path(__file__).resolve().parents[2] / "tests" / "data"
SOURCE = DATA / "checkpoints" / "llama-smollm2-shape"
TEXTS = (
    "the winner is 1984, and the rest of it: no one!",
    "on and on...  two  spaces, a line\nand another\n\n  then 7 of 42",
    "It's the king's - isn't it? WE'LL see; they're in",
    " ",
    "",
)


def tokenizer_examples():
    """Digits one by one, then GPT-2's pattern: the rule that `smollm` names."""
    tokens = gguf_file.vocabulary()
    merges = [tuple(merge.split(" ")) for merge in gguf_file.MERGES]
    tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges))
    split = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(split)
    tokenizer.decoder = decoders.ByteLevel()
    examples = [{"text": text, "token_ids": tokenizer.encode(text).ids} for text in TEXTS]
    for example in examples:
        if tokenizer.decode(example["token_ids"]) != example["text"]:
            raise ValueError(f"{example['text']!r} holds a character outside the vocabulary")
    return examples


def record(kind, config, prompts, scratch):
    path = DATA / "gguf" / f"llama-{kind}.gguf"
    gguf_file.write(path, config, load_file(SOURCE / "model.safetensors"), kind)
    weights = {name: torch.from_numpy(w.copy()) for name, w in gguf_file.read_widened(path, config).items()}
    write_folder(scratch, config, weights)
    theirs = load(path.parent, torch.float32, gguf_file=path.name).state_dict()
    for name, tensor in weights.items():
        if not torch.equal(theirs[name], tensor):
            raise ValueError(f"{path.name}: transformers reads another {name}")
    source = f"llama-smollm2-shape as {kind}, widened to float32 by the gguf package, computed by transformers"
    expected = expect(load(scratch, torch.float64), load(scratch, torch.float32), prompts, source)
    if near_ties(expected):
        raise SystemExit(f"{path.name}: near ties {near_ties(expected)}")
    write_json(path.with_suffix(".expected.json"), expected | {"tokenizer": tokenizer_examples()})
    print(f"{path.name}: {path.stat().st_size:,} bytes")
    describe(expected)


if __name__ == "__main__":
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    fixture_config = json.loads((SOURCE / "config.json").read_text())
    recorded = json.loads((SOURCE / "expected.json").read_text())["prompts"]
    fixture_prompts = [{"token_ids": p["token_ids"]} for p in recorded]
    for stored_type in gguf_file.FILE_TYPES:
        with tempfile.TemporaryDirectory() as folder:
            record(stored_type, fixture_config, fixture_prompts, Path(folder))
