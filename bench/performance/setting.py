"""Where a measurement happens: programs, folders, inputs, and the calls that all jobs share."""

import itertools
import json
import os
import statistics
import subprocess
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import processes
from processes import Stop

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
VOCABULARY = 32000  # Llama's, the smallest here


@dataclass
class Setting:
    python: Path  # of the virtual environment with the peers
    lstar: Path
    programs: Path  # the folder with bench_bound and the others
    work: Path  # checkpoints, inputs and results
    repetitions: int
    quick: bool
    repetitions_given: bool = False
    threads: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))

    @cached_property
    def versions(self):
        return json.loads(self.peer("versions.py").output)

    def has(self, peer):
        return self.versions[peer] is not None

    def why_not(self, peer):
        """One sentence on a peer that is left out."""
        file = self.python.parents[1] / "not-installed.txt"
        lines = file.read_text().splitlines() if file.exists() else []
        said = next((line.split(": ", 1)[1] for line in lines if line.startswith(f"{peer}: ")), "not installed")
        return f"{peer} is left out: {said}."

    def fewer(self, at_most):
        """Repetitions of something long."""
        return self.repetitions if self.repetitions_given else min(self.repetitions, at_most)

    def checkpoints(self, *names):
        """Their folders; those that are not there are written."""
        folder = self.work / "checkpoints"
        missing = [name for name in names if not (folder / name).exists()]
        if missing:
            processes.say(f"writing {', '.join(missing)}")
            processes.run([self.python, HERE / "checkpoints.py", folder, *missing])
        return [folder / name for name in names]

    def checkpoint(self, name):
        return self.checkpoints(name)[0]

    @property
    def labs(self):
        """Where `make labs` puts the labs' own checkpoints."""
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(os.environ.get("LSTAR_LABS") or Path(cache) / "lstar" / "labs")

    def prompts(self, tokens, count, first=0):
        """JSON Lines with prompts of random ids: numbers that follow from the prompt's number alone."""
        path = self.work / "inputs" / f"prompts-{tokens}x{count}-from-{first}.jsonl"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = []
            for p in range(first, first + count):
                state, ids = 2 * p + 1, []
                for _ in range(tokens):
                    state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
                    ids.append((state >> 33) % VOCABULARY)
                lines.append(json.dumps({"token_ids": ids}))
            path.write_text("\n".join(lines) + "\n")
        return path

    @property
    def environment(self):
        """lstar keeps files' sha256 in the cache folder; the benchmark has its own. Nothing asks a hub."""
        return {"XDG_CACHE_HOME": str(self.work / "cache"), "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}

    def run_lstar(self, *arguments, weigh=False):
        return processes.run([self.lstar, *arguments], environment=self.environment, weigh=weigh)

    def trace_command(self, model, prompts, *options):
        return ["trace", model, "--prompts", prompts, "--quiet", *options]

    def trace(self, model, prompts, *options):
        """The parsed result of `lstar trace --json`."""
        return json.loads(self.run_lstar(*self.trace_command(model, prompts, "--json", "--per-head", *options)).output)

    def peer(self, script, *arguments):
        return processes.run([self.python, HERE / "peers" / script, *arguments], environment=self.environment)

    def peer_json(self, script, *arguments):
        return last_json(self.peer(script, *arguments))

    def program(self, name, *arguments):
        return processes.run([self.programs / name, *arguments], environment={"OMP_NUM_THREADS": str(self.threads)})

    def bound(self, prompts_of_models):
        """`prompts_of_models`: for each model, the lengths of its prompts in tokens: "15x5", or "16,13,10"."""
        pairs = [(prompts, model) for model, prompts in prompts_of_models.items()]
        return self.program("bench_bound", *itertools.chain(*pairs))

    def machine(self):
        fields = {}
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
        meminfo = Path("/proc/meminfo").read_text().split()
        flags = set(fields.get("flags", "").split())
        known = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags]
        name = fields.get("model name", "unknown processor")
        numbers = f"family {fields.get('cpu family')}, model {fields.get('model')}"
        return {
            "processor": f"{name} ({numbers})",
            "vectors": " ".join(known) or "none of AVX2, AVX-512, AMX",
            "threads": self.threads,
            "memory_gb": int(meminfo[1]) * 1024 / 1e9,
            "lstar": self.lstar_version(),
            "peers": self.versions,
        }

    def lstar_version(self):
        commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
        said = subprocess.run([self.lstar, "--version"], capture_output=True, text=True).stdout.strip()
        return f"{said} ({commit.stdout.strip()})" if commit.returncode == 0 else said


def last_json(run):
    try:
        return json.loads(run.output.strip().splitlines()[-1])
    except (IndexError, json.JSONDecodeError) as error:
        raise Stop(f"no JSON on the last line of a program's output: {error}") from None


def json_lines(run):
    return [json.loads(line) for line in run.output.splitlines() if line.startswith("{")]


def bound_of(runs):
    """What bench_bound printed in several runs, its models added up: the medians."""
    totals = [json_lines(run) for run in runs]

    def median_over_runs(seconds):
        return statistics.median(sum(map(seconds, lines)) for lines in totals)

    gflop = sum(line["gflop"] for line in totals[0])
    arithmetic = median_over_runs(lambda line: line["gflop"] / line["gflop_per_second"])
    return {
        "seconds": median_over_runs(lambda line: line["bound"]),
        "gflop": gflop,
        "arithmetic": arithmetic,
        "gflop_per_second": gflop / arithmetic,
        "weight_bytes": sum(line["weight_bytes"] for line in totals[0]),
        "widening": median_over_runs(lambda line: line["weight_bytes"] / line["weight_gb_per_second"] / 1e9),
    }
