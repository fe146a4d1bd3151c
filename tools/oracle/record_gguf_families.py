"""Records tests/data/gguf_families: tiny checkpoints as llama.cpp's own converter writes them, one or two a family.

    python record_gguf_families.py LLAMA_CPP [NAME ...]

LLAMA_CPP is a checkout of github.com/ggml-org/llama.cpp: convert_hf_to_gguf.py and the modules beside it. Recorded with
the state that llama-cpp-python 0.3.36 carries on PyPI, under vendor/llama.cpp.

What is expected of a file is the expected.json of the folder of the same name in tests/data/checkpoints. Where the
converter loses what that folder says (a window, a clip), the file is made from the folder with `change` made to its
configuration and `drop` to its tensors, and what transformers computes for that is recorded beside it. `spell` adds
what published configurations say and the folder leaves to a default, which changes nothing that is computed.

The tiny folders have no tokenizer: the vocabulary is left out.
"""

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path

import torch
import transformers
from checkpoint_folder import write_folder
from expectation import describe, expect, near_ties, write_json
from float64_reference import load
from safetensors.torch import load_file

DATA = Path(__file__).resolve().parents[2] / "tests" / "data"
TARGET = DATA / "gguf_families"

# Folder: what is done to it. The converter does not know OPT, GPT-Neo, GPT-J, CodeGen, Helium and Falcon's ALiBi
# variant; of GLM it loses the epsilon and the rotary base (general.architecture "chatglm"), so that is not read either.
RECORDED = {
    "bert": {},
    "roberta-model": {},  # says "bert"; its first two rows of positions are gone
    "bloom-six-heads": {},
    "cohere-qk-norm": {"change": {"tie_word_embeddings": True}, "drop": r"lm_head"},  # no output of its own
    "cohere2": {"spell": {"rotary_pct": 1.0}},
    "ernie4_5-bias": {},
    "exaone4": {},
    "falcon": {"spell": {"num_kv_heads": 1}},
    "falcon-new": {},
    "gemma": {},
    "gemma2": {"change": {"query_pre_attn_scalar": 10}},  # not written: the head width is taken
    "gemma3_text": {"change": {"query_pre_attn_scalar": 8}},
    "glm4": {},
    "gpt2": {},
    "gpt_bigcode": {},
    "gpt_neox": {},
    "gpt_oss": {"change": {"swiglu_limit": 7.0}},  # not written
    "granite": {},
    "granitemoe": {},
    "llama-llama3": {},
    "llama-yarn-attention-factor": {},
    "mixtral": {},  # says "llama", as Mistral's do, whose window is not written
    "mpt-clip": {"change": {"attn_config.softmax_scale": None}},  # not written
    "nemotron": {},
    "olmo-clip": {"change": {"attention_bias": False}, "drop": r"\.bias$"},  # biases are not put in rotary order
    "olmo2": {},
    "olmo3": {},  # says "olmo2", with windows
    "olmoe": {"change": {"clip_qkv": None}},  # not written
    "phi": {},
    "phi3-longrope": {},
    "qwen2": {},
    "qwen2_moe": {},
    "qwen3": {},
    "qwen3_moe": {},
    "seed_oss": {},
    "smollm3": {},
    "stablelm-parallel": {},
    "starcoder2-no-bias": {},  # a window is not written
}
# An option of the converter that makes a second file of the same folder.
OPTIONS = {"qwen3": ["--fuse-qkv"]}


def with_changes(config, changes):
    config = json.loads(json.dumps(config))
    for key, value in changes.items():
        *sections, last = key.split(".")
        place = config
        for section in sections:
            place = place[section]
        place[last] = value
    return config


def subclasses(cls):
    for child in cls.__subclasses__():
        yield child
        yield from subclasses(child)


def without_vocabulary(base):
    for cls in [base, *subclasses(base)]:
        for method in ("set_vocab", "_try_set_pooling_type"):
            if method in vars(cls):
                setattr(cls, method, lambda self: None)


def with_stacked_norms(stablelm):
    """Its modify_tensors is a generator that returns the stacked norms, and so loses them: they are yielded."""
    written = stablelm.modify_tensors

    def modify_tensors(self, *arguments):
        stacked = yield from written(self, *arguments)
        yield from stacked or ()

    stablelm.modify_tensors = modify_tensors


def with_published_keys(base):
    """Its configurations come through transformers, which has dropped keys that it asks for (GPT-NeoX's rotary_pct)."""
    read = base.load_hparams

    def load_hparams(folder, is_mistral_format=False):
        return json.loads((Path(folder) / "config.json").read_text()) | read(folder, is_mistral_format)

    base.load_hparams = staticmethod(load_hparams)


def prepare(llama_cpp):
    sys.path[:0] = [str(llama_cpp), str(llama_cpp / "gguf-py")]
    for module in [name for name in sys.modules if name.split(".")[0] == "gguf"]:
        del sys.modules[module]  # the checkout's own is meant
    import conversion
    import conversion.stablelm

    conversion.load_all_models()
    without_vocabulary(conversion.ModelBase)
    with_published_keys(conversion.ModelBase)
    with_stacked_norms(conversion.stablelm.StableLMModel)


def convert(folder, config, target, options=()):
    import convert_hf_to_gguf

    # Gemma 3's converter counts the vocabulary and cuts the embedding to it.
    rows = config.get("vocab_size", 0)
    vocabulary = {"model": {"vocab": {str(i): i for i in range(rows)}}, "added_tokens": []}
    (folder / "tokenizer.json").write_text(json.dumps(vocabulary))
    argv, sys.argv = sys.argv, ["", str(folder), "--outtype", "f32", "--outfile", str(target), *options]
    try:
        convert_hf_to_gguf.main()
    finally:
        sys.argv = argv
        (folder / "tokenizer.json").unlink()
    print(f"{target.name}: {target.stat().st_size:,} bytes")


def record(name):
    recipe = RECORDED[name]
    source = DATA / "checkpoints" / name
    config = with_changes(json.loads((source / "config.json").read_text()), recipe.get("change", {}))
    tensors = load_file(source / "model.safetensors")
    if "drop" in recipe:
        tensors = {key: tensor for key, tensor in tensors.items() if not re.search(recipe["drop"], key)}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / name
        if "change" in recipe:
            write_folder(folder, config, tensors)
            prompts = json.loads((source / "expected.json").read_text())["prompts"]
            prompts = [{"token_ids": prompt["token_ids"]} for prompt in prompts]
            changes = ", ".join(f"{key} {json.dumps(value)}" for key, value in recipe["change"].items())
            of = f"tests/data/checkpoints/{name} with {changes}, computed by transformers"
            expected = expect(load(folder, torch.float64), load(folder, torch.float32), prompts, of)
            if near_ties(expected):
                print(f"{name}: near ties {near_ties(expected)}")  # L* is not what these files are for
            write_json(TARGET / f"{name}.expected.json", expected)
        write_folder(folder, with_changes(config, recipe.get("spell", {})), tensors)
        convert(folder, config, TARGET / f"{name}.gguf")
        if name in OPTIONS:
            convert(folder, config, TARGET / f"{name}{''.join(OPTIONS[name])}.gguf", OPTIONS[name])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("llama_cpp", type=Path)
    parser.add_argument("names", nargs="*")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    prepare(chosen.llama_cpp)
    TARGET.mkdir(exist_ok=True)
    for one in chosen.names or RECORDED:
        record(one)
