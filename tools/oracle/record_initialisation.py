"""What transformers' classes draw weights from before training: tests/data/initialisation.json.

    python tools/oracle/record_initialisation.py

For one configuration of each family (those of tests/data/checkpoints), with initializer_range changed to 0.05 so that a
default shows: mean and standard deviation over 20 seeds of every parameter, by kinds of its name (layers are alike).
"""

import json
import re
from pathlib import Path

import torch
import transformers

FOLDER = Path("tests/data/checkpoints")
SEEDS = 20


def model_class(config):
    return transformers.AutoModel if config.model_type in ("bert", "roberta") else transformers.AutoModelForCausalLM


def drawn(config):
    """{kind of name: (elements, mean, deviation)}; a deviation of 0 is a constant."""
    values = {}
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        model = model_class(config).from_config(config, dtype=torch.float32)
        padding = [
            name + ".weight" for name, module in model.named_modules()
            if isinstance(module, torch.nn.Embedding) and module.padding_idx is not None
        ]  # fmt: skip
        for name, parameter in model.named_parameters():
            flat = parameter.detach().double()
            if name in padding:
                flat = flat[flat.abs().sum(1) > 0]
            values.setdefault(re.sub(r"\d+", "{}", name), []).append(flat.flatten())
    return {
        name: [sum(v.numel() for v in parts), torch.cat(parts).mean().item(), torch.cat(parts).std(correction=0).item()]
        for name, parts in sorted(values.items())
    }


def main():
    recorded = {}
    for folder in sorted(FOLDER.iterdir()):
        config = transformers.AutoConfig.from_pretrained(folder)
        if config.model_type in {entry["model_type"] for entry in recorded.values()}:
            continue
        key = "init_std" if config.model_type == "opt" else "initializer_range"
        text = config.get_text_config()
        setattr(text, key, 0.05)
        recorded[folder.name] = {"model_type": config.model_type, "parameters": drawn(config)}
        print(folder.name)
    Path("tests/data/initialisation.json").write_text(json.dumps(recorded, indent=1) + "\n")


if __name__ == "__main__":
    main()
