"""G: what time and memory grow with."""

from outcome import Outcome
from processes import Stop, interleave, median_seconds, say, warm
from setting import last_json

GROWTH = 1.05  # as the work, give or take a twentieth


def hold_growth(outcome, what, points, column, factor=None):
    """The last point of a curve over the one before it, held to `factor`, or to the growth of the axis."""
    if len(points) < 2:
        return
    (before, *_), (after, *_) = points[-2:]
    ratio = points[-1][column] / points[-2][column]
    factor = factor or after / before
    sentence = f"{what}, {before:,} to {after:,}, {factor:.2f} × the work"
    outcome.at_most(sentence, ratio, round(GROWTH * factor, 2), "×")


def hold_quadratic(outcome, points):
    """The last point's seconds over those of a n + b n^2 through the two before it: linear layers and attention."""
    if len(points) < 3:
        return
    (n0, t0, _), (n1, t1, _), (n2, t2, _) = points[-3:]
    b = (t1 / n1 - t0 / n0) / (n1 - n0)
    a = t0 / n0 - b * n0
    outcome.at_most(
        f"time of {n2:,} tokens over a n + b n² through those of {n0:,} and {n1:,}", t2 / (a * n2 + b * n2**2), GROWTH, "×"
    )


def measured(setting, model, prompts, repetitions, *options):
    """Median seconds and highest private and resident megabytes of `lstar trace`."""
    command = setting.trace_command(model, prompts, *options)
    runs = [setting.run_lstar(*command) for _ in range(repetitions)]
    weighed = setting.run_lstar(*command, weigh=True)
    return median_seconds(runs), weighed.private / 1e6


def peer_measured(setting, kind, model, prompts):
    run = setting.peer("passes.py", kind, model, prompts, 1)
    return last_json(run)["passes"], run.peak / 1e6


def over_tokens(setting, outcome):
    model = setting.checkpoint("tiny" if setting.quick else "gpt2-32768")
    lengths = (256, 512) if setting.quick else (256, 512, 1024, 2048, 4096, 8192, 16384)
    warm([model])
    series = {
        "lstar": [],
        "SDPA, no statistics": [],
        "eager with attentions": [],
    }
    for n in lengths:
        say(f"tokens: {n}")
        prompt = setting.prompts(n, 1)
        series["lstar"].append([n, *measured(setting, model, prompt, setting.fewer(3 if n < 8192 else 1))])
        if n <= 8192:
            series["SDPA, no statistics"].append([n, *peer_measured(setting, "sdpa", model, prompt)])
        if n <= 2048:  # its attentions alone take 2.4 GB there
            series["eager with attentions"].append([n, *peer_measured(setting, "eager", model, prompt)])
    outcome.curve("tokens", "tokens of one prompt", series)
    hold_quadratic(outcome, series["lstar"])
    hold_growth(outcome, "memory against tokens", series["lstar"], 2)


def over_prompts(setting, outcome):
    model = setting.checkpoint("tiny" if setting.quick else "gpt2")
    counts = (1, 4) if setting.quick else (1, 4, 16, 64, 256)
    warm([model])
    points = []
    for count in counts:
        say(f"prompts: {count}")
        points.append([count, *measured(setting, model, setting.prompts(128, count), setting.fewer(3))])
    outcome.curve("prompts", "prompts of 128 tokens", {"lstar": points})
    hold_growth(outcome, "time against prompts", points, 1)


def over_shapes(setting, outcome):
    prompts = setting.prompts(128, 2 if setting.quick else 16)
    shapes = {
        "layers": {3: "gpt2-layers-3", 6: "gpt2-layers-6", 12: "gpt2", 24: "gpt2-layers-24", 48: "gpt2-layers-48"},
        "width": {384: "gpt2-width-384", 768: "gpt2", 1536: "gpt2-width-1536", 2304: "gpt2-width-2304"},
    }
    for name, of in shapes.items():
        points = []
        for value, checkpoint in list(of.items())[: 1 if setting.quick else None]:
            say(f"{name}: {value}")
            model = setting.checkpoint(checkpoint)
            warm([model])
            points.append([value, *measured(setting, model, prompts, setting.fewer(3))])
        axis = {"layers": "layers, width 768", "width": "width, 12 layers"}[name]
        outcome.curve(name, f"{axis}; 16 prompts of 128 tokens", {"lstar": points})
        values = list(of)
        work = (values[-1] / values[-2]) ** (2 if name == "width" else 1)  # weights grow with the square of the width
        hold_growth(outcome, f"time against {name}", points, 1, work)


def over_threads(setting, outcome):
    """Two threads against one, on job B and on a fifth of job C."""
    if setting.threads < 2:
        for job in "BC":
            outcome.not_measured(f"one thread's time over two threads', job {job}", 1.8, "×", "≥", "one processor")
        return
    name = "tiny" if setting.quick else "gpt2-8192"
    jobs = {
        "B": (setting.checkpoint(name), setting.prompts(2048 if setting.quick else 8192, 1)),
        "C": (
            setting.checkpoint("tiny" if setting.quick else "gpt2"),
            setting.prompts(128, 16 if setting.quick else 200),
        ),
    }
    counts = [t for t in (1, 2, 4, 8, 16, 32, 64) if t <= setting.threads]
    series = {}
    for job, (model, prompts) in jobs.items():
        warm([model])
        programs = {
            threads: lambda threads=threads: setting.run_lstar(
                *setting.trace_command(model, prompts, "--threads", str(threads))
            )
            for threads in counts
        }
        runs = interleave(programs, setting.fewer(3), lambda line: say(f"job {job}, repetition and threads: {line}"))
        if len({run.output for of in runs.values() for run in of}) != 1:
            raise Stop(f"job {job} prints something else with another number of threads")
        seconds = {threads: median_seconds(of) for threads, of in runs.items()}
        series[f"job {job}"] = [[t, seconds[t], max(r.peak for r in runs[t]) / 1e6] for t in counts]
        outcome.at_least(f"one thread's time over two threads', job {job}", seconds[1] / seconds[2], 1.8, "×")
    outcome.curve("threads", "threads", series)
    outcome.note("The output is the same, byte for byte, whatever the number of threads.")


def curves(setting):
    outcome = Outcome("G", "Cost curves: tokens, prompts, layers, width, threads")
    for part in (over_tokens, over_prompts, over_shapes, over_threads):
        part(setting, outcome)
    outcome.note(
        "Memory is the most that is resident beside mapped files; with threads, and for the peers, everything that is "
        "resident. Times of `lstar` are of whole processes with all statistics, the peers' of their passes alone. GPT-2's "
        "shape with one size changed."
    )
    outcome.note("Job C's threads are compared on 200 of its prompts.")
    return outcome
