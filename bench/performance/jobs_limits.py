"""D: a checkpoint larger than memory should be.  E: commands that should cost nothing."""

import shutil
import statistics

from equality import Equality
from outcome import Outcome
from processes import Stop, cool, files_of, median_seconds, run, say, warm
from setting import bound_of

SEVEN_BYTES = 13.5e9


def seven_billion(setting):
    outcome = Outcome("D", "A 7B Llama shape in float16, five prompts of 15 tokens")
    name = "seven-tiny" if setting.quick else "seven"
    if not setting.quick and not (setting.work / "checkpoints" / name).exists():
        free = shutil.disk_usage(setting.work).free
        if free < 1.2 * SEVEN_BYTES:
            raise Stop(f"{free / 1e9:.0f} GB are free under {setting.work}; the checkpoint takes {SEVEN_BYTES / 1e9}")
    model = setting.checkpoint(name)
    prompts = setting.prompts(15, 5)

    equality = Equality()
    say("equality")
    twin = setting.checkpoint("seven-tiny")
    equality.hold_to_float64(
        "a smaller twin", setting.trace(twin, prompts), setting.peer_json("reference.py", twin, prompts)
    )
    equality.said(
        "A twin of two layers and width 512, written by the same code, against `transformers` eager in float64: the "
        "large one does not fit into memory in float64."
    )
    outcome.equal(equality)

    command = setting.trace_command(model, prompts)
    reads, cold, bounds = [], [], []
    for repetition in range(setting.fewer(3)):
        say(f"{repetition + 1} reading, tracing")
        reads.append(warm([model]))
        cool([model])
        cold.append(setting.run_lstar(*command))
        bounds.append(setting.bound({model: "15x5"}))
    size = sum(path.stat().st_size for path in files_of([model]))
    bound = bound_of(bounds)
    outcome.bound(bound)
    reading, ours = statistics.median(reads), median_seconds(cold)
    weighed = setting.run_lstar(*command, weigh=True)
    outcome.runs("`lstar trace`, page cache cold", cold, weighed=weighed)
    outcome.row(
        "reading the files once, page cache cold", reading, seconds_all=reads, remark=f"{size / reading / 1e9:.2f} GB/s"
    )
    outcome.row(
        "the arithmetic, at oneDNN's rate", bound["arithmetic"], remark=f"{bound['gflop_per_second']:.0f} GFLOP/s"
    )
    outcome.at_most("peak memory, mapped pages included", max(r.peak for r in cold) / 1e6, 1500, "MB")
    outcome.at_most("time over reading plus arithmetic", ours / (reading + bound["arithmetic"]), 1.5, "×")
    outcome.note(
        "Before each reading the kernel was asked to forget the files' pages; a virtual machine's host may still hold "
        "them."
    )
    return outcome


def small_commands(setting):
    outcome = Outcome("E", "Commands that need no model")
    times = 20 if setting.quick else 200
    commands = {"lstar predict -L 24 -H 16": ("predict", "-L", "24", "-H", "16"), "lstar --help": ("--help",)}
    runs = {name: [] for name in commands}
    for _ in range(times):
        for name, arguments in commands.items():
            runs[name].append(setting.run_lstar(*arguments))
    nothing = [run(["/bin/true"]) for _ in range(times)]
    for name in commands:
        outcome.row(f"`{name}`", median_seconds(runs[name]))
        outcome.at_most(f"`{name}`", 1000 * median_seconds(runs[name]), 5, "ms")
    outcome.row("`/bin/true`, started the same way", median_seconds(nothing))
    outcome.note(f"Medians of {times} runs, in turns, from before the process exists until it is gone.")
    return outcome
