"""A: the notebook's study.  A': the labs' own checkpoints, quantised."""

import itertools
import json
import re
import shutil
import statistics
import sys

from equality import Equality
from outcome import Outcome
from processes import Stop, files_of, interleave, median_seconds, say, warm
from setting import ROOT, bound_of, json_lines, last_json

sys.path.append(str(ROOT / "tools" / "oracle"))
from prompts import TEXTS  # noqa: E402

NOTEBOOK = ("pythia-160m", "pythia-410m", "opt-125m", "opt-350m", "bloom-560m", "gpt2")


def notebook_manifest(setting, folders):
    """manifests/cross-heritage.toml with its six models taken from `folders`."""
    text = (ROOT / "manifests" / "cross-heritage.toml").read_text()
    for lab_name, folder in zip(re.findall(r'(?m)^path = "(.*)"', text), folders, strict=True):
        if not lab_name.endswith(folder.name):
            raise Stop(f"manifests/cross-heritage.toml names {lab_name} where {folder.name} was expected")
        text = text.replace(f'path = "{lab_name}"', f'path = "{folder}"')
    path = setting.work / "inputs" / "notebook.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def profile_of(setting, models, tokens, prompts, dtype):
    """bench_forward over all models, its parts added up; all statistics."""
    total = {}
    for model in models:
        lines = json_lines(setting.program("bench_forward", model, tokens, prompts, 3, dtype))
        everything = next(line for line in lines if line.get("statistics", "").endswith("rounded sums"))
        for part, seconds in (everything["parts"] | lines[-1]["around"]).items():
            total[part] = total.get(part, 0) + seconds
    return total


def notebook(setting):
    outcome = Outcome("A", "The notebook: six checkpoints of the labs' shapes, five prompts of 15 tokens")
    names = NOTEBOOK if not setting.quick else ["tiny"]
    folders = setting.checkpoints(*names)
    prompts = setting.prompts(15, 5)

    equality = Equality()
    for folder in folders:
        say(f"equality: {folder.name}")
        equality.hold_to_float64(
            folder.name, setting.trace(folder, prompts), setting.peer_json("reference.py", folder, prompts)
        )
    equality.said(
        "Each checkpoint's diagonal sums, entropies and residual norms in float32 against `transformers` eager in "
        "float64. In float16, in which the study is timed, both sides round, so that no such tolerance could be held."
    )
    outcome.equal(equality)

    if setting.quick:
        study = ["run", *folders, "--estimator", "as_written", "--estimator", "off_diagonal"]
    else:
        study = ["run", "--manifest", notebook_manifest(setting, folders)]
    study += ["--prompts", prompts, "--quiet"]
    warm(folders)
    shutil.rmtree(setting.work / "cache", ignore_errors=True)
    half, single = [*study, "--dtype", "float16"], [*study, "--dtype", "float32"]
    first = setting.run_lstar(*half)
    runs = interleave(
        {
            "lstar run, float16": lambda: setting.run_lstar(*half),
            "lstar run, float32": lambda: setting.run_lstar(*single),
            "the notebook's code": lambda: setting.peer("notebook.py", "float16", prompts, *folders),
            "bound": lambda: setting.bound(dict.fromkeys(folders, "15x5")),
        },
        setting.repetitions,
        say,
    )
    weighed = setting.run_lstar(*half, weigh=True)
    in_half, in_single, peer, bounds = runs.values()
    inside = [last_json(run) for run in peer]
    outcome.runs("`lstar run`, float16 as the notebook", in_half, weighed=weighed)
    outcome.runs("`lstar run --dtype float32`", in_single)
    outcome.row("`lstar run`, the very first time", first.seconds, peak=first.peak,
                remark="also hashes the files, whose sha256 is then remembered")  # fmt: skip
    outcome.runs("the notebook's code: `transformers`, eager, float16", peer,
                 remark=f"cold interpreter; loading {statistics.median(r['loading'] for r in inside):.2f} s, "
                        f"passes {statistics.median(r['passes'] for r in inside):.2f} s")  # fmt: skip
    bound = bound_of(bounds)
    outcome.bound(bound)
    ours = median_seconds(in_half)
    outcome.at_most("time over the bound", ours / bound["seconds"], 1.3, "×")
    outcome.at_least("the notebook's code over ours", median_seconds(peer) / ours, 20, "×")
    outcome.at_most("peak memory beside the page cache", weighed.private / 1e6, 400, "MB")
    outcome.profile("A: six models, float16, 5 × 15 tokens", profile_of(setting, folders, 15, 5, "float16"))
    outcome.note(
        "The notebook's code gets token ids, as `lstar` does: the checkpoints have no tokenizer to load. It draws "
        "nothing."
    )
    return outcome


def quantised(setting):
    outcome = Outcome("A'", "The labs' GGUF checkpoints, five prompts")
    models = sorted(setting.labs.glob("*.gguf"))
    if not models:
        raise Stop(f"no .gguf file in {setting.labs}: `make labs` brings two, `make labs ALL=1` three")
    if setting.quick:
        models = models[:1]
    texts = setting.work / "inputs" / "texts.jsonl"
    texts.parent.mkdir(parents=True, exist_ok=True)
    texts.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))

    equality = Equality()
    peers_ids = setting.peer_json("notebook.py", "float32", texts, *models)["models"]
    same_ids = True
    lengths = {}  # of each model's prompts, in tokens
    for model in models:
        say(f"equality: {model.name}")
        trace = setting.trace(model, texts)
        ids = [prompt["token_ids"] for prompt in trace["prompts"]]
        lengths[model] = [len(prompt) for prompt in ids]
        same_ids &= ids == [prompt["token_ids"] for prompt in peers_ids[model.name]]
        listed = setting.work / "inputs" / f"{model.stem}.jsonl"
        listed.write_text("".join(json.dumps({"token_ids": i}) + "\n" for i in ids))
        double = setting.trace(model, texts, "--dtype", "float64")
        equality.hold_to_float64(model.name, trace, setting.peer_json("reference.py", model, listed), double)
    equality.said(
        "Diagonal sums, entropies and residual norms, in float32 and (to 1e-10) in float64, against `transformers` "
        "eager in float64 of the same blocks."
    )
    equality.said("Token ids of all prompts are the same." if same_ids else
                  "`transformers` makes other token ids of a prompt than the lab's rule; the numbers are for ours.")  # fmt: skip
    outcome.equal(equality)

    study = ["run", *models, "--prompts", texts, "--quiet"]
    warm(models)
    setting.run_lstar(*study)  # remembers the files' sha256
    tokens = round(statistics.mean(itertools.chain(*lengths.values())))
    prompts = {model: ",".join(map(str, of_prompts)) for model, of_prompts in lengths.items()}
    runs = interleave(
        {
            "lstar run": lambda: setting.run_lstar(*study),
            "bound": lambda: setting.bound(prompts),
        },
        setting.repetitions,
        say,
    )
    runs |= interleave(
        {"transformers, gguf_file": lambda: setting.peer("notebook.py", "float32", texts, *models)},
        setting.fewer(3),
        say,
    )
    weighed = setting.run_lstar(*study, weigh=True)
    inside = [last_json(run) for run in runs["transformers, gguf_file"]]
    outcome.runs("`lstar run`, float32", runs["lstar run"], weighed=weighed)
    outcome.runs("`transformers` with `gguf_file`, eager, float32", runs["transformers, gguf_file"],
                 remark=f"loading {statistics.median(r['loading'] for r in inside):.2f} s, "
                        f"passes {statistics.median(r['passes'] for r in inside):.2f} s")  # fmt: skip
    bound = bound_of(runs["bound"])
    outcome.bound(bound)
    ours = median_seconds(runs["lstar run"])
    theirs = median_seconds(runs["transformers, gguf_file"])
    outcome.at_most("time over the bound", ours / bound["seconds"], 1.3, "×")
    outcome.at_least("`transformers` over ours", theirs / ours, 30, "×")
    size = sum(path.stat().st_size for path in files_of(models)) / 1e9
    outcome.note(f"{', '.join(model.name for model in models)}: {size:.2f} GB; prompts of {tokens} tokens on average.")
    outcome.profile("A': GGUF, float32", profile_of(setting, models, tokens, len(TEXTS), "float32"))
    return outcome
