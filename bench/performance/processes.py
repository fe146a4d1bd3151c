"""Whole processes, timed and weighed from outside, and the page cache they find."""

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path


class Stop(Exception):
    """Ends a job with one line."""


@dataclass
class Run:
    seconds: float  # wall clock, from before the process exists until it is gone
    cpu: float  # user and system, all threads
    peak: int  # bytes resident at most, pages of mapped files among them
    private: int | None  # bytes resident at most without those; where it was asked for
    output: str


def _private_bytes(pid):
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return 1024 * sum(int(fields[key].split()[0]) for key in ("RssAnon", "RssShmem") if key in fields)


def run(command, *, environment=None, weigh=False):
    """`weigh` also looks at the private memory, every two milliseconds: for a run of its own, not a timed one.

    A child's peak includes what this process held when it was started: nothing heavy is imported here.
    """
    private = 0
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.monotonic()
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env=os.environ | (environment or {}),
        )
        gone = threading.Event()

        def watch():
            nonlocal private
            while not gone.is_set():
                private = max(private, _private_bytes(process.pid))
                gone.wait(0.002)

        watcher = threading.Thread(target=watch) if weigh else None
        if watcher:
            watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if watcher:
            gone.set()
            watcher.join()
        output.seek(0)
        errors.seek(0)
        text = output.read().decode(errors="replace")
        if process.returncode != 0:
            said = errors.read().decode(errors="replace").strip().splitlines()[-2:]
            raise Stop(f"{' '.join(map(str, command))[:200]}: ended with {process.returncode}: {' '.join(said)}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, 1024 * usage.ru_maxrss, private if weigh else None, text)


def interleave(programs, repetitions, announce=None):
    """Every program once, then every program again: a machine that slows down does so for all. Name to its runs."""
    runs = {name: [] for name in programs}
    for repetition in range(repetitions):
        for name, program in programs.items():
            if announce:
                announce(f"{repetition + 1}/{repetitions} {name}")
            runs[name].append(program())
    return runs


def median_seconds(runs):
    return statistics.median(r.seconds for r in runs)


def files_of(paths):
    for path in map(Path, paths):
        yield from (p for p in sorted(path.rglob("*")) if p.is_file()) if path.is_dir() else [path]


def cool(paths):
    """Asks the kernel to forget the files' pages; they must be on disk for that."""
    for path in files_of(paths):
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def warm(paths):
    """Reads the files from the disk, so that the page cache holds them as it does after a first use, and not in the
    small pages that writing them leaves; the seconds that reading took."""
    cool(paths)
    start = time.monotonic()
    buffer = bytearray(1 << 22)
    for path in files_of(paths):
        with open(path, "rb", buffering=0) as file:
            while file.readinto(buffer):
                pass
    return time.monotonic() - start


def say(line):
    print(line, file=sys.stderr, flush=True)
