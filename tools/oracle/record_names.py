"""Records under which names of tensors transformers reads each family: tests/data/names.json. Of every checkpoint of the
sweep: the names in its folder, which are those that save_pretrained writes unless `variants.py` renames them, and others,
as patterns and replacements. Stops where other names give other numbers."""

import json
import re
import tempfile
import warnings

import torch
import transformers
from config_sweep_bases import FAMILIES
from record_config_sweep import DATA, Sweep
from safetensors.torch import load_file, save_file

# What AutoModel saves: the head's class has this prefix, the model's own class has not.
PREFIXES = ("transformer.", "gpt_neox.", "bert.", "roberta.", "model.")
# What labs published in place of what save_pretrained writes today, and the reverse for checkpoints that have it so.
PUBLISHED = {
    "gpt_neox": [[["^embed_out\\.", "lm_head."]]],
    "bert": [[["LayerNorm\\.gamma$", "LayerNorm.weight"], ["LayerNorm\\.beta$", "LayerNorm.bias"]]],
    "roberta": [[["LayerNorm\\.weight$", "LayerNorm.gamma"], ["LayerNorm\\.bias$", "LayerNorm.beta"]]],
}  # fmt: skip


def renamed(name, renames):
    for pattern, replacement in renames:
        name = re.sub(pattern, replacement, name)
    return name


def record(name):
    with tempfile.TemporaryDirectory() as scratch:
        sweep = Sweep(name, scratch)
        file = sweep.folder / "model.safetensors"
        tensors = load_file(file)
        file.unlink()
        prefix = next(p for p in PREFIXES if any(tensor.startswith(p) for tensor in tensors))
        found = [[[f"^{re.escape(prefix)}", ""]], *PUBLISHED.get(name, ())]
        for renames in found:
            save_file({renamed(n, renames): t for n, t in tensors.items()}, file, metadata={"format": "pt"})
            sweep.known.clear()
            if sweep.numbers(sweep.config) != sweep.base:
                raise SystemExit(f"{name}: {renames} give other numbers")
        return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity(transformers.logging.CRITICAL)
    transformers.utils.logging.disable_progress_bar()
    names = {name: record(name) for name in FAMILIES}
    text = ",\n".join(f"{json.dumps(name)}: {json.dumps(found)}" for name, found in names.items())
    (DATA / "names.json").write_text("{\n" + text + "\n}\n")
