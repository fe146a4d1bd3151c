"""Are two programs' numbers the same? Asked before either is timed.

The rule is that of the tests: within 1e-5 of float64, relative; values below a thousandth of their kind's largest to
twice what `transformers`' own float32 is off. Where the other side is float32 itself, both may be off by 1e-5.
"""

from processes import Stop

TOLERANCE = 1e-5
SMALL = 1e-3


def flat(value):
    return [x for item in value for x in flat(item)] if isinstance(value, list) else [value]


def share_of_allowed(ours, theirs, tolerance, own_error=0.0):
    """The largest difference as a share of what is allowed: above 1 is a mismatch."""
    ours, theirs = flat(ours), flat(theirs)
    if len(ours) != len(theirs):
        raise Stop(f"{len(ours)} numbers against {len(theirs)}")
    scale = max(map(abs, theirs), default=0.0)
    worst = 0.0
    for a, b in zip(ours, theirs):
        small = abs(b) < SMALL * scale
        allowed = max(tolerance * SMALL * scale, 2 * own_error) if small else tolerance * abs(b)
        if a != b:
            worst = max(worst, abs(a - b) / allowed if allowed > 0 else float("inf"))
    return worst


class Equality:
    """Collects comparisons of one job; a mismatch stops the job."""

    def __init__(self):
        self.compared, self.worst, self.sentences = 0, 0.0, []

    def hold(self, what, ours, theirs, tolerance, own_error=0.0):
        share = share_of_allowed(ours, theirs, tolerance, own_error)
        if not share <= 1:  # NaN is a mismatch too
            raise Stop(f"not timed: {what} differs by {share:.2g} times what is allowed ({tolerance:g} relative)")
        self.compared += len(flat(ours))
        self.worst = max(self.worst, share)

    def hold_to_float64(self, what, trace, reference):
        """`lstar trace --json` against peers/reference.py."""
        if len(trace["prompts"]) != len(reference["prompts"]):
            raise Stop(f"not timed: {what}: {len(trace['prompts'])} prompts against {len(reference['prompts'])}")
        for prompt, expected in zip(trace["prompts"], reference["prompts"]):
            ours = {
                "diagonal_sum_per_head": [layer["diagonal_sum_per_head"] for layer in prompt["layers"]],
                "attention_entropy": [layer["attention_entropy"] for layer in prompt["layers"]],
                "residual_norm": prompt["residual_norm"],
            }
            for key, values in ours.items():
                own = max(map(abs, flat(expected["float32_error"][key])))
                self.hold(f"{what}: {key}", values, expected[key], TOLERANCE, own)

    def hold_to_float32(self, what, trace, numbers):
        """`lstar trace --json` against the numbers of a peer that computes in float32: {key: [a prompt's values]}."""
        ours = {
            "diagonal_sum_per_head": lambda p: [layer["diagonal_sum_per_head"] for layer in p["layers"]],
            "residual_norm": lambda p: p["residual_norm"],
        }
        for key, prompts in numbers.items():
            for prompt, values in zip(trace["prompts"], prompts, strict=True):
                self.hold(f"{what}: {key}", ours[key](prompt), values, 2 * TOLERANCE)

    def said(self, sentence):
        self.sentences.append(sentence)

    def summary(self):
        return {"compared": self.compared, "worst_share_of_allowed": self.worst, "sentences": self.sentences}
