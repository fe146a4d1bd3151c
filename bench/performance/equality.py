"""Are two programs' numbers the same? Asked before either is timed.

The rule is that of the tests: within 1e-5 of float64, relative; values below a thousandth of their kind's largest to
twice what `transformers`' own float32 is off. A larger value may be further off only where `transformers`' own float32
is too, to twice what that is off in the same layer: large biases of keys make scores of hundreds, which float32 rounds
for both. Those are counted. Where the other side is float32 itself, both may be off by 1e-5.
"""

from processes import Stop

TOLERANCE = 1e-5
SMALL = 1e-3
KEYS = {
    "diagonal_sum_per_head": lambda prompt: [layer["diagonal_sum_per_head"] for layer in prompt["layers"]],
    "attention_entropy": lambda prompt: [layer["attention_entropy"] for layer in prompt["layers"]],
    "residual_norm": lambda prompt: prompt["residual_norm"],
}


def flat(value):
    return [x for item in value for x in flat(item)] if isinstance(value, list) else [value]


def share_of_allowed(ours, theirs, tolerance, own_error=0.0, scale=None):
    """The largest difference as a share of what is allowed: above 1 is a mismatch. own_error: for small values."""
    ours, theirs = flat(ours), flat(theirs)
    if len(ours) != len(theirs):
        raise Stop(f"{len(ours)} numbers against {len(theirs)}")
    scale = scale or max(map(abs, theirs), default=0.0)
    worst = 0.0
    for a, b in zip(ours, theirs):
        small = abs(b) < SMALL * scale
        allowed = max(tolerance * SMALL * scale, 2 * own_error) if small else tolerance * abs(b)
        if a != b:  # NaN is a mismatch, whatever is allowed
            worst = max(worst, abs(a - b) / allowed if allowed > 0 and a == a and b == b else float("inf"))
    return worst


class Equality:
    """Collects comparisons of one job; a mismatch stops the job."""

    def __init__(self):
        self.compared, self.worst, self.sentences = 0, 0.0, []
        self.layers_beyond, self.worst_beyond = 0, 0.0

    def hold(self, what, ours, theirs, tolerance):
        share = share_of_allowed(ours, theirs, tolerance)
        if share > 1:
            raise Stop(f"not timed: {what} differs by {share:.2g} times what is allowed ({tolerance:g} relative)")
        self.compared += len(flat(ours))
        self.worst = max(self.worst, share)

    def hold_layer(self, what, ours, theirs, own_error, scale):
        own = max(map(abs, flat([own_error])))
        share = share_of_allowed([ours], [theirs], TOLERANCE, own, scale)
        if share > 1:
            differences = [abs(a - b) for a, b in zip(flat([ours]), flat([theirs]))]
            if not max(differences) <= 2 * own:
                raise Stop(f"not timed: {what} differs by {max(differences):.2g}, {share:.2g} times 1e-5 relative, "
                           f"where transformers' own float32 is off by {own:.2g}")  # fmt: skip
            self.layers_beyond += 1
            self.worst_beyond = max(self.worst_beyond, share * TOLERANCE)
        self.compared += len(flat([ours]))
        self.worst = max(self.worst, min(share, 1.0))

    def hold_to_float64(self, what, trace, reference, double=None):
        """`lstar trace --json` against peers/reference.py; `double`: of the same with --dtype float64, held to 1e-10."""
        for other in filter(None, (trace, double)):
            if len(other["prompts"]) != len(reference["prompts"]):
                raise Stop(f"not timed: {what}: {len(other['prompts'])} prompts against {len(reference['prompts'])}")
        for i, expected in enumerate(reference["prompts"]):
            for key, get in KEYS.items():
                scale = max(map(abs, flat(expected[key])))
                rows = zip(get(trace["prompts"][i]), expected[key], expected["float32_error"][key], strict=True)
                for layer, (ours, theirs, own) in enumerate(rows):
                    self.hold_layer(f"{what}: {key} of prompt {i}, layer {layer}", ours, theirs, own, scale)
                if double:
                    self.hold(f"{what}: {key} in float64", get(double["prompts"][i]), expected[key], 1e-10)

    def hold_to_float32(self, what, trace, numbers):
        """`lstar trace --json` against the numbers of a peer that computes in float32: {key: [a prompt's values]}."""
        for key, prompts in numbers.items():
            for prompt, values in zip(trace["prompts"], prompts, strict=True):
                self.hold(f"{what}: {key}", KEYS[key](prompt), values, 2 * TOLERANCE)

    def said(self, sentence):
        self.sentences.append(sentence)

    def summary(self):
        beyond = []
        if self.layers_beyond:
            beyond = [f"{self.layers_beyond} layers of prompts lie beyond 1e-5, at most {self.worst_beyond:.1e} off, where "
                      "`transformers`' own float32 is off by half of that or more."]  # fmt: skip
        return {
            "compared": self.compared,
            "worst_share_of_allowed": self.worst,
            "sentences": self.sentences + beyond,
        }
