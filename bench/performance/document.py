"""docs/performance.md from the results of the jobs."""

import json

import plots

ORDER = ("A", "A'", "B", "C", "D", "E", "F", "G", "H")

INTRODUCTION = """\
# How fast, how small

This page is written by `make performance` (`bench/measure`), which measures `lstar` against what the machine can do and
against the programs that people use instead. Machines differ, so what counts is a ratio measured in one run.

**The bound of a job** is the time of its multiply-adds at the float32 rate that oneDNN reaches on the job's own shapes,
plus the time that reading and widening its weights takes from the page cache; `bench_bound` measures both beside the
job.

Times are wall clock of whole processes, from before the process exists until it is gone, unless a line says otherwise;
medians of interleaved repetitions. The page cache is warm, from reading the files and not from writing them, which
would leave them there in small pages (with 4 KB instead of 2 MB, job A takes 0.2 s longer). Peak memory is what the
kernel reports for the process, pages of mapped files included, and never less than the 20 MB of the program that starts
it; private memory is without mapped files. Peers run with as many threads as `lstar`. Before anything is timed, numbers
are held to those of the peers; a mismatch ends the job.
"""


def number(value, unit):
    if unit == "×":
        return f"{value:.2f} ×" if value < 10 else f"{value:.1f} ×"
    if unit in ("ms", "%"):
        return f"{value:.1f} {unit}"
    return f"{value:,.0f} {unit}"


def seconds(value):
    return f"{1000 * value:.2f} ms" if value < 0.1 else f"{value:.3f} s" if value < 10 else f"{value:.1f} s"


def megabytes(value):
    return "" if value is None else f"{value:,.0f}"


def target_rows(result):
    for target in result["targets"]:
        limit = f"{target['sign']} {target['limit']:g} {target['unit']}"
        if target["reached"] is None:
            reached, met = "–", f"not measured: {target['why']}"
        else:
            reached, met = number(target["reached"], target["unit"]), "yes" if target["met"] else "**no**"
        yield f"| {result['job']} | {target['what']} | {limit} | {reached} | {met} |"


def where(results):
    """Processor, versions and date, once for each machine that results come from."""
    seen = {}
    for result in results:
        machine = dict(result["machine"])
        seen.setdefault(json.dumps(machine, sort_keys=True), (machine, []))[1].append((result["job"], result["date"]))
    for machine, jobs in seen.values():
        dates = sorted({date for _, date in jobs})
        peers = machine["peers"]
        versions = ", ".join(f"{name} {peers[name]}" for name in peers if peers[name] and not name.startswith("torch "))
        yield (
            f"* Jobs {', '.join(job for job, _ in jobs)}: {machine['processor']}, {machine['vectors']}, "
            f"{machine['threads']} threads, {machine['memory_gb']:.0f} GB; {' to '.join(dates[:1] + dates[1:][-1:])}; "
            f"{machine['lstar']}. Peers: {versions}; PyTorch uses {peers['torch uses']}."
        )


def job_section(result):
    yield f"## {result['job']}. {result['title']}\n"
    if result["rows"]:
        yield "| | time | peak, MB | private, MB | |\n| --- | ---: | ---: | ---: | --- |"
        for row in result["rows"]:
            memory = f"{megabytes(row['peak_mb'])} | {megabytes(row['private_mb'])}"
            yield f"| {row['what']} | {seconds(row['seconds'])} | {memory} | {row['remark']} |"
        repetitions = max(len(row.get("all_seconds") or []) for row in result["rows"])
        if repetitions:
            yield f"\nRepetitions: {repetitions}."
        yield ""
    bound = result.get("bound")
    if bound:
        yield (
            f"Bound: {seconds(bound['seconds'])} = "
            f"{bound['gflop']:,.0f} GFLOP at {bound['gflop_per_second']:.0f} GFLOP/s "
            f"({seconds(bound['arithmetic'])}) + {bound['weight_bytes'] / 1e9:.2f} GB of weights widened in "
            f"{seconds(bound['widening'])}.\n"
        )
    equality = result["equality"]
    if equality:
        worst = equality["worst_share_of_allowed"]
        share = "" if worst is None else f" The largest difference is {100 * worst:.2g} % of what is allowed."
        yield f"Held to the peers first: {equality['compared']:,} numbers.{share} {' '.join(equality['sentences'])}\n"
    yield from (f"{note}\n" for note in result["notes"])


def profile_section(results):
    profiles = {name: parts for result in results for name, parts in result.get("profiles", {}).items()}
    if not profiles:
        return
    names = sorted({part for parts in profiles.values() for part in parts})
    names.sort(key=lambda part: -max(parts.get(part, 0) for parts in profiles.values()))
    yield "## Where the time goes\n"
    yield "Seconds by call of the backend, all statistics, inside one process (`bench_forward`); linear layers widen"
    yield "their weights. Opening the models and the norms of their weights surround the pass.\n"
    yield "| | " + " | ".join(profiles) + " |\n| --- |" + " ---: |" * len(profiles)
    for part in names:
        cells = [
            f"{parts[part]:.3f} ({100 * parts[part] / sum(parts.values()):.0f} %)" if part in parts else ""
            for parts in profiles.values()
        ]
        yield f"| {part} | " + " | ".join(cells) + " |"
    yield "| **all** | " + " | ".join(f"{sum(parts.values()):.3f}" for parts in profiles.values()) + " |"
    bounds = [next((r["bound"] for r in results if name in r.get("profiles", {})), None) for name in profiles]
    yield "| the bound | " + " | ".join(f"{bound['seconds']:.3f}" if bound else "" for bound in bounds) + " |\n"


def curve_section(results, folder):
    for result in results:
        for name, curve in result["curves"].items():
            drawn = plots.draw(curve, name, folder / "figures")
            if drawn:
                yield f"![Time and memory against {curve['axis']}](figures/{drawn.name})\n"
            yield f"| {curve['axis']} | | seconds | MB |\n| ---: | --- | ---: | ---: |"
            for label, points in curve["series"].items():
                yield from (f"| {x:,} | {label} | {spent:.3f} | {memory:,.0f} |" for x, spent, memory in points)
            yield ""


def write(results_folder, folder):
    """Makes folder/performance.md; says what was written."""
    results = [json.loads(path.read_text()) for path in results_folder.glob("*.json")]
    results.sort(key=lambda result: ORDER.index(result["job"]))
    if not results:
        return "no results, no document"
    lines = [
        INTRODUCTION,
        *where(results),
        "",
        "| job | what | target | reached | met |\n| --- | --- | --- | ---: | --- |",
    ]
    for result in results:
        lines.extend(target_rows(result))
    lines.append("")
    for result in results:
        lines.extend(job_section(result))
        if result["curves"]:
            lines.extend(curve_section([result], folder))
    lines.extend(profile_section(results))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "performance.md"
    path.write_text("\n".join(lines).rstrip() + "\n")
    return f"{path}: jobs {', '.join(result['job'] for result in results)}"
