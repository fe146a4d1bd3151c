"""Records what transformers computes where a configuration's keys are left out, null, doubled, halved or flipped:
record_config_sweep.py [NAME ...] (all of them without a name), into tests/data/config_sweep.jsonl."""

import json
import os
import sys
import tempfile
import warnings
from pathlib import Path

import torch
import transformers
from config_edits import LEFT_OUT, edited, edits_as_published, edits_as_saved
from config_sweep_bases import BASES
from float64_reference import load, model_class
from measure import measure
from transformers import AutoConfig

DATA = Path(__file__).resolve().parents[2] / "tests" / "data"
CHECKPOINTS = DATA / "checkpoints"
DIGITS = 12  # the replay holds us to 1e-10
SAME = 1e-12
REFUSED = "refused"


class Sweep:
    """One checkpoint, whose config.json is replaced again and again."""

    def __init__(self, name, scratch):
        self.folder = Path(scratch)
        source = CHECKPOINTS / name
        for file in source.glob("*.safetensors*"):
            (self.folder / file.name).symlink_to(file)
        self.config = json.loads((source / "config.json").read_text())
        self.token_ids = prompt_of(json.loads((source / "expected.json").read_text())["prompts"], self.config)
        self.shapes = None
        self.known = {}  # by the configuration that the class makes of it
        self.write(self.config)
        made = AutoConfig.from_pretrained(self.folder)
        self.saved = json.loads(made.to_json_string(use_diff=False))
        self.shapes = shapes_of(made)
        self.base = self.numbers(self.config)
        if self.base == REFUSED:
            raise SystemExit(f"{name}: refused as it is")

    def write(self, config):
        (self.folder / "config.json").write_text(json.dumps(config))

    def numbers(self, config):
        self.write(config)
        try:
            made = AutoConfig.from_pretrained(self.folder)
            key = repr(sorted(made.to_dict().items(), key=lambda item: item[0]))
        except Exception:
            return REFUSED
        if key not in self.known:
            try:
                self.known[key] = self.computed(made)
            except Exception:
                self.known[key] = REFUSED
        return self.known[key]

    def computed(self, made):
        # Absent sizes are a class's, tens of gigabytes: no tensor may be wanted that the file does not hold.
        wanted = shapes_of(made)
        if any(self.shapes.get(name) != shape for name, shape in wanted.items()):
            return REFUSED
        model = load(self.folder, torch.float64)
        seen = measure(model, self.token_ids)
        diagonal = [sum(heads) / len(heads) for heads in seen["diagonal_sum_per_head"]]
        best = [] if seen["logits"] is None else [seen["logits"].max().item()]
        numbers = [*diagonal, seen["residual_norm"][-1], *best]
        if not all(abs(n) < 1e300 for n in numbers):
            return REFUSED
        return [float(f"{n:.{DIGITS}g}") for n in numbers]

    def case(self, base, edit):
        found = self.numbers(edited(base, edit))
        if found != REFUSED and len(found) == len(self.base):
            moved = any(abs(a - b) > SAME * abs(b) for a, b in zip(found, self.base))
            found = found if moved else "same"
        path, value = edit
        return [path, found] if value is LEFT_OUT else [path, found, value]


def prompt_of(prompts, config):
    """Longer than any window here; one that a rotary table depends on is the longest."""
    scaled = json.dumps([config.get(key) for key in ("rope_scaling", "rope_parameters")])
    is_long = "dynamic" in scaled or "longrope" in scaled
    return (prompts[-1] if is_long else next(p for p in prompts if len(p["token_ids"]) == 17))["token_ids"]


def shapes_of(config):
    with torch.device("meta"):
        found = model_class(config)
        model = found.from_config(config) if hasattr(found, "from_config") else found(config)
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def cases(sweep):
    for spelling, base, edits in (
        ("published", sweep.config, edits_as_published(sweep.config, sweep.saved)),
        ("saved", sweep.saved, edits_as_saved(sweep.config, sweep.saved)),
    ):
        seen = set()
        for edit in edits:
            case = sweep.case(base, edit)
            if (line := json.dumps(case)) not in seen:
                seen.add(line)
                yield spelling, case


def record(name):
    with tempfile.TemporaryDirectory() as scratch:
        sweep = Sweep(name, scratch)
        if sweep.numbers(sweep.saved) != sweep.base:
            raise SystemExit(f"{name}: what transformers saves, it does not read again")
        found = {"published": [], "saved": []}
        for spelling, case in cases(sweep):
            found[spelling].append(case)
        saved = {k: v for k, v in sweep.saved.items() if k not in ("transformers_version", "_name_or_path")}
        return {"checkpoint": name, "token_ids": sweep.token_ids, "numbers": sweep.base, "saved_config": saved,
                "cases": found}  # fmt: skip


def main(names):
    file = DATA / "config_sweep.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    recorded = {json.loads(line)["checkpoint"]: line for line in lines}
    for name in names or BASES:
        recorded[name] = json.dumps(record(name), separators=(",", ":"), allow_nan=False)
        counts = json.loads(recorded[name])["cases"]
        print(name, {k: len(v) for k, v in counts.items()}, f"{len(recorded[name]):,} bytes", flush=True)
        file.write_text("".join(recorded[n] + "\n" for n in BASES if n in recorded))


if __name__ == "__main__":
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity(transformers.logging.CRITICAL)
    transformers.utils.logging.disable_progress_bar()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    main(sys.argv[1:])
