"""Measures the jobs of docs/performance.md and writes it: see bench/measure --help."""

import argparse
import sys
import time
import traceback
from pathlib import Path

import document
import jobs_curves
import jobs_limits
import jobs_passes
import jobs_studies
import jobs_tokenizing
from processes import Stop, say
from setting import ROOT, Setting

JOBS = {
    "A": jobs_studies.notebook,
    "A'": jobs_studies.quantised,
    "B": jobs_passes.long_prompt,
    "C": jobs_passes.many_prompts,
    "D": jobs_limits.seven_billion,
    "E": jobs_limits.small_commands,
    "F": jobs_tokenizing.tokenizing,
    "G": jobs_curves.curves,
    "H": jobs_passes.statistics_cost,
}


def arguments():
    parser = argparse.ArgumentParser(
        prog="bench/measure",
        description="Measures lstar against its bound and against what people use now, and writes docs/performance.md.",
        epilog="Each job's result is kept in build/bench/results; the document is made from all that are there.",
    )
    parser.add_argument(
        "--jobs", default=",".join(JOBS), help=f"which, of {','.join(JOBS)}; A' may be written A2 (all)"
    )
    parser.add_argument("--repetitions", type=int, help="of everything that is timed (5; long jobs 3)")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="tiny sizes, one repetition, document under build/bench/quick: to try the tool",
    )
    parser.add_argument("--document", action="store_true", help="measure nothing, make the document from what is there")
    parser.add_argument(
        "--lstar", type=Path, default=ROOT / "build/release/lstar", help="the program (build/release/lstar)"
    )
    parser.add_argument(
        "--programs", type=Path, default=ROOT / "build/release/bench", help="folder of the bench programs"
    )
    parser.add_argument(
        "--docs", type=Path, default=ROOT / "docs", help="where performance.md and its figures go (docs)"
    )
    parser.add_argument("--venv", help="virtual environment with the peers (build/bench/venv, made if it is not there)")
    return parser.parse_args()


def main():
    options = arguments()
    names = [name.strip().replace("A2", "A'") for name in options.jobs.split(",") if name.strip()]
    unknown = [name for name in names if name not in JOBS]
    if unknown:
        sys.exit(f"bench/measure: no job {', '.join(unknown)}; there are {', '.join(JOBS)}")
    for program in (options.lstar, options.programs / "bench_bound"):
        if not options.document and not program.exists():
            sys.exit(f"bench/measure: {program} is not there; `make performance` builds it")
    setting = Setting(
        python=Path(sys.executable),
        lstar=options.lstar.resolve(),
        programs=options.programs.resolve(),
        work=ROOT / "build/bench" / ("quick" if options.quick else "."),
        repetitions=options.repetitions or (1 if options.quick else 5),
        repetitions_given=options.repetitions is not None,
        quick=options.quick,
    )
    failed = []
    for name in [] if options.document else names:
        say(f"== {name}")
        start = time.monotonic()
        try:
            outcome = JOBS[name](setting)
            outcome.data["took_seconds"] = time.monotonic() - start
            say(f"== {name}: {time.monotonic() - start:.0f} s, {outcome.save(setting)}")
        except Stop as stop:
            failed.append(f"{name}: {stop}")
            say(f"== {name}: {stop}")
        except Exception:
            failed.append(f"{name}: an error of the benchmark itself")
            traceback.print_exc()
    folder = setting.work if options.quick else options.docs.resolve()
    print(document.write(setting.work / "results", folder))
    for line in failed:
        say(f"not measured: {line}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
