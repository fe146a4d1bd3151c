"""What one job found, as it is kept in results/JOB.json and shown in the document."""

import datetime
import json
import statistics


class Outcome:
    def __init__(self, job, title):
        self.job = job
        self.data = {"job": job, "title": title, "rows": [], "targets": [], "equality": None, "notes": [], "curves": {}}

    def row(self, what, seconds, *, seconds_all=(), peak=None, private=None, remark=""):
        """One line of the job's table. Bytes become MB."""
        self.data["rows"].append(
            {
                "what": what,
                "seconds": seconds,
                "all_seconds": list(seconds_all),
                "peak_mb": None if peak is None else peak / 1e6,
                "private_mb": None if private is None else private / 1e6,
                "remark": remark,
            }
        )

    def runs(self, what, runs, *, weighed=None, remark=""):
        """A row from whole processes: median seconds, highest peak."""
        self.row(
            what,
            statistics.median(r.seconds for r in runs),
            seconds_all=[r.seconds for r in runs],
            peak=max(r.peak for r in runs),
            private=weighed.private if weighed else None,
            remark=remark,
        )

    def at_most(self, what, reached, limit, unit=""):
        self._target(what, reached, limit, unit, "≤", reached <= limit)

    def at_least(self, what, reached, limit, unit=""):
        self._target(what, reached, limit, unit, "≥", reached >= limit)

    def _target(self, what, reached, limit, unit, sign, met):
        self.data["targets"].append(
            {"what": what, "reached": reached, "limit": limit, "unit": unit, "sign": sign, "met": bool(met)}
        )

    def not_measured(self, what, limit, unit, sign, why):
        self.data["targets"].append(
            {"what": what, "reached": None, "limit": limit, "unit": unit, "sign": sign, "met": None, "why": why}
        )

    def bound(self, bound):
        self.data["bound"] = bound

    def equal(self, equality):
        self.data["equality"] = equality.summary()

    def profile(self, name, parts):
        """Seconds by kind of call."""
        self.data.setdefault("profiles", {})[name] = parts

    def note(self, sentence):
        self.data["notes"].append(sentence)

    def curve(self, name, axis, series):
        """series: {label: [[x, seconds, MB], ...]}"""
        self.data["curves"][name] = {"axis": axis, "series": series}

    def save(self, setting):
        folder = setting.work / "results"
        folder.mkdir(parents=True, exist_ok=True)
        self.data["date"] = datetime.date.today().isoformat()
        self.data["machine"] = setting.machine()
        self.data["repetitions"] = setting.repetitions
        path = folder / f"{self.job.replace(chr(39), '-prime')}.json"
        path.write_text(json.dumps(self.data, indent=1, ensure_ascii=False) + "\n")
        return path
