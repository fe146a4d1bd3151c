"""B: one long prompt.  C: many short ones.  H: statistics against none."""

import functools
import re
import statistics

from equality import Equality
from outcome import Outcome
from processes import Stop, interleave, median_seconds, say, warm
from setting import bound_of, json_lines, last_json


def passes_of(runs):
    """Median seconds that peers say their forward passes took."""
    return statistics.median(last_json(run)["passes"] for run in runs)


def llama_cpp(setting, outcome, equality, name, prompts):
    """The checkpoint as a GGUF, if llama.cpp runs it and agrees; None, and a note, where it does not run.

    It rounds activations to float16: its likeliest next token must be among our two likeliest.
    """
    if not setting.has("xllamacpp"):
        outcome.note(setting.why_not("xllamacpp"))
        return None
    model, gguf = setting.checkpoints(name, f"{name}-gguf")
    try:
        theirs = setting.peer_json("llama_cpp.py", gguf / "model.gguf", prompts, setting.threads)["likeliest"]
    except Stop as stop:
        outcome.note(f"llama.cpp is left out: {stop}.")
        return None
    traces = setting.trace(model, prompts, "--next-token", "2")["prompts"]
    ours = [[token["id"] for token in prompt["next_tokens"]] for prompt in traces]
    for i, (mine, likeliest) in enumerate(zip(ours, theirs, strict=True)):
        if likeliest is not None and likeliest not in mine:
            raise Stop(f"not timed: llama.cpp's likeliest token after prompt {i} is {likeliest}, ours are {mine}")
    equality.said("llama.cpp's likeliest next token of each prompt is one of our two likeliest.")
    return gguf / "model.gguf"


def lens(setting, outcome, equality, trace, model, prompts):
    """Whether TransformerLens runs the checkpoint; it must agree then."""
    if not setting.has("transformer-lens"):
        outcome.note(setting.why_not("transformer-lens"))
        return False
    try:
        numbers = setting.peer_json("passes.py", "lens", model, prompts, 8, "numbers")["numbers"]
    except Stop as stop:
        outcome.note(f"TransformerLens is left out: {stop}.")
        return False
    equality.hold_to_float32("TransformerLens", trace, numbers)
    return True


def llama_row(outcome, runs, tokens):
    seconds = passes_of(runs)
    built_for = " ".join(re.findall(r"(\w+) = 1", last_json(runs[0])["built_for"]))
    outcome.row(
        "llama.cpp, prompt only, float16 weights",
        seconds,
        seconds_all=[last_json(r)["passes"] for r in runs],
        peak=max(r.peak for r in runs),
        remark=f"{tokens / seconds:,.0f} tokens/s; its package is built for {built_for}",
    )


def peer_row(outcome, what, runs, remark=""):
    inside = passes_of(runs)
    whole = median_seconds(runs)
    said = f"whole process {whole:.2f} s" + (f"; {remark}" if remark else "")
    outcome.row(
        what, inside, seconds_all=[last_json(r)["passes"] for r in runs], peak=max(r.peak for r in runs), remark=said
    )


def long_prompt(setting):
    outcome = Outcome("B", "One prompt of 8,192 tokens, GPT-2's shape, all statistics")
    name, longest_name = ("tiny", "tiny") if setting.quick else ("gpt2-8192", "gpt2-32768")
    n, longest = (2048, 4096) if setting.quick else (8192, 32768)
    model = setting.checkpoint(name)
    prompt, shorter = setting.prompts(n, 1), setting.prompts(1024, 1)

    equality = Equality()
    say("equality")
    equality.hold_to_float64(
        "1,024 tokens", setting.trace(model, shorter), setting.peer_json("reference.py", model, shorter)
    )
    numbers = setting.peer_json("passes.py", "sdpa", model, prompt, 1, "numbers")["numbers"]
    equality.hold_to_float32(f"{n:,} tokens, SDPA", setting.trace(model, prompt), numbers)
    equality.said(
        f"The first 1,024 tokens' statistics against `transformers` eager in float64; all {n:,} tokens' residual norms "
        "against the SDPA pass that is timed (both float32: 2e-5)."
    )
    gguf = llama_cpp(setting, outcome, equality, name, prompt)
    outcome.equal(equality)

    warm([model])
    programs = {
        "lstar trace": lambda: setting.run_lstar(*setting.trace_command(model, prompt)),
        "sdpa": lambda: setting.peer("passes.py", "sdpa", model, prompt, 1),
        "bound": lambda: setting.bound({model: n}),
    }
    if gguf:
        programs["llama.cpp"] = lambda: setting.peer("llama_cpp.py", gguf, prompt, setting.threads)
    runs = interleave(programs, setting.fewer(3), say)
    weighed = setting.run_lstar(*setting.trace_command(model, prompt), weigh=True)
    far = setting.run_lstar(*setting.trace_command(setting.checkpoint(longest_name), setting.prompts(longest, 1)))

    outcome.runs("`lstar trace`, whole process, all statistics", runs["lstar trace"], weighed=weighed)
    peer_row(outcome, "PyTorch SDPA, forward alone, no statistics", runs["sdpa"], "float32, no logits")
    if gguf:
        llama_row(outcome, runs["llama.cpp"], n)
    outcome.row(f"`lstar trace`, {longest:,} tokens", far.seconds, peak=far.peak)
    bound = bound_of(runs["bound"])
    outcome.bound(bound)
    ours = median_seconds(runs["lstar trace"])
    outcome.at_most("our whole process over SDPA's forward alone", ours / passes_of(runs["sdpa"]), 1.0, "×")
    peak = max(r.peak for r in runs["lstar trace"])
    outcome.at_most("peak memory, mapped pages included", peak / 1e6, 700, "MB")
    outcome.at_most(f"peak memory of {longest:,} tokens, mapped pages included", far.peak / 1e6, 1500, "MB")
    heads_layers = 12 * 12 if not setting.quick else 4
    outcome.note(
        f"Eager attention that shows its attentions would hold {heads_layers * n * n * 4 / 1e9:.0f} GB of them; "
        "it is not run."
    )
    everything = json_lines(setting.program("bench_forward", model, n, 1, 1))
    parts = next(line["parts"] for line in everything if line.get("statistics", "").endswith("rounded sums"))
    outcome.profile(f"B: {n:,} tokens, float32", parts | everything[-1]["around"])
    return outcome


def many_prompts(setting):
    count = 16 if setting.quick else 1000
    outcome = Outcome("C", f"{count:,} prompts of 128 tokens, GPT-2's shape")
    name = "tiny" if setting.quick else "gpt2"
    model, prompts, few = setting.checkpoint(name), setting.prompts(128, count), setting.prompts(128, 8)

    equality = Equality()
    say("equality")
    trace = setting.trace(model, few)
    equality.hold_to_float64("8 prompts", trace, setting.peer_json("reference.py", model, few))
    kinds = ("eager-lm", "sdpa-lm", "eager", "sdpa")
    for kind in kinds:
        numbers = setting.peer_json("passes.py", kind, model, few, 8, "numbers")["numbers"]
        equality.hold_to_float32(kind, trace, numbers)
    with_lens = lens(setting, outcome, equality, trace, model, few)
    equality.said(
        "The first eight prompts: statistics against `transformers` eager in float64; diagonal sums of eager"
        f"{' and TransformerLens' if with_lens else ''} and residual norms of SDPA as they are timed "
        "(both float32: 2e-5)."
    )
    gguf = llama_cpp(setting, outcome, equality, name, few)
    outcome.equal(equality)

    # The batch that suits each peer best, found on a part of the prompts.
    part, batches = setting.prompts(128, min(count, 96)), {}
    for kind in kinds:
        tried = {batch: setting.peer_json("passes.py", kind, model, part, batch)["passes"] for batch in (1, 8, 32)}
        batches[kind] = min(tried, key=tried.get)
    warm([model])
    programs = {
        "lstar trace": lambda: setting.run_lstar(*setting.trace_command(model, prompts)),
        "bound": lambda: setting.bound({model: f"128x{count}"}),
    }
    for kind in kinds:
        programs[kind] = functools.partial(setting.peer, "passes.py", kind, model, prompts, batches[kind])
    runs = interleave(programs, setting.fewer(3), say)
    weighed = setting.run_lstar(*setting.trace_command(model, prompts), weigh=True)

    outcome.runs("`lstar trace`, whole process, all statistics", runs["lstar trace"], weighed=weighed)
    for kind in kinds:
        name, _, head = kind.partition("-")
        said = {"eager": "eager with attentions", "sdpa": "SDPA, no statistics"}[name]
        done = ", diagonal sums taken" if name == "eager" else ""
        peer_row(outcome, f"`transformers` {said}{'' if head else ', no language head'}, passes alone", runs[kind],
                 f"float32, {'with' if head else 'no'} logits, batches of {batches[kind]}{done}")  # fmt: skip
    slow_prompts = min(count, 100)
    slow = setting.prompts(128, slow_prompts)
    if with_lens:
        cached = [setting.peer("passes.py", "lens", model, slow, batches["eager"]) for _ in range(setting.fewer(3))]
        rate = 128 * slow_prompts / passes_of(cached)
        peer_row(outcome, f"TransformerLens, {slow_prompts} of the prompts, passes alone", cached,
                 f"{rate:,.0f} tokens/s, patterns cached, with logits")  # fmt: skip
    if gguf:
        command = ("llama_cpp.py", gguf, slow, setting.threads)
        try:
            llama = [setting.peer(*command) for _ in range(setting.fewer(3))]
            llama_row(outcome, llama, 128 * slow_prompts)
            outcome.note(f"llama.cpp evaluates {slow_prompts} of the prompts, one after the other.")
        except Stop as stop:  # a peer's failure does not throw away what the others took half an hour for
            outcome.note(f"llama.cpp is left out: {stop}.")
    bound = bound_of(runs["bound"])
    outcome.bound(bound)
    ours = median_seconds(runs["lstar trace"])
    outcome.note(f"`lstar` runs {128 * count / ours:,.0f} tokens/s.")
    over = {kind: passes_of(runs[kind]) / ours for kind in kinds}
    outcome.at_least("eager's passes alone over our whole process", over["eager-lm"], 2, "×")
    outcome.at_least("SDPA's passes alone over our whole process", over["sdpa-lm"], 1.3, "×")
    outcome.note(
        "The peers are loaded as the notebook and most programs load them, with the language head, whose logits we do "
        f"not compute. Without it eager takes {over['eager']:.2f} ×, SDPA {over['sdpa']:.2f} × our whole process."
    )
    return outcome


def statistics_cost(setting):
    outcome = Outcome("H", "Statistics against none: the pass of job B with and without observers")
    name, n = ("tiny", 2048) if setting.quick else ("gpt2-8192", 8192)
    model = setting.checkpoint(name)
    warm([model])
    say("passes with and without statistics")
    found = json_lines(setting.program("bench_forward", model, n, 1, setting.fewer(3)))[:-1]
    seconds = {line["statistics"]: line["seconds"] for line in found}
    for line in found:
        outcome.row(f"pass, statistics of attention: {line['statistics']}", line["seconds"], seconds_all=line["runs"],
                    remark=f"attention {line['parts']['attention']:.2f} s")  # fmt: skip
    none = seconds.pop("none")
    for what, spent in seconds.items():
        if what.endswith("rounded sums"):
            outcome.at_most(f"more time for {what} together", 100 * (spent / none - 1), 15, "%")
        elif what.endswith("overlap"):
            all_others = seconds["diagonal, entropy, rounded sums"]
            outcome.at_most("more time for the heads' overlap (edge_energy)", 100 * (spent / all_others - 1), 10, "%")
        else:
            outcome.note(f"More time for {what}: {100 * (spent / none - 1):.1f} %.")
    outcome.note(
        "Forward passes inside one process (`bench_forward`), in turns; residual norms are part of all of them."
    )
    return outcome
