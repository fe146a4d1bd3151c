"""Records what numpy answers for the three detectors of L*, NaN and ties included: tests/data/detectors.json.

    python tools/oracle/record_detectors.py > tests/data/detectors.json        (numpy 2.x; any version agrees)
"""
import json
import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")  # NaN in, NaN out


def argmax_step(t):
    return int(np.argmax(np.abs(np.diff(t)))) + 1 if len(t) > 1 else 0


def central_difference(t):
    return int(np.argmax(np.abs(np.gradient(t)))) if len(t) > 1 else None


def sign_change(t):
    """[layer, rule]; None where the threshold is NaN and no step is comparable to it."""
    if len(t) < 3:
        return [len(t) // 2, "fallback"]
    step = np.diff(t)
    turns = np.nonzero((step[:-1] > 0) & (step[1:] < 0))[0]
    if len(turns):
        return [int(turns[0]) + 1, "sign_change"]
    peak = int(np.argmax(t))
    if 1 <= peak <= len(t) - 2:
        return [peak, "peak"]
    large = np.nonzero(np.abs(step) >= 0.5 * np.max(np.abs(step)))[0]
    return [int(large[-1]) + 1, "gradient_drop"] if len(large) else None


def traces(random):
    for layers in [1, 2, 3, 4, 5, 12, 24, 32]:
        for _ in range(4):
            yield random.standard_normal(layers)
            yield np.exp(3 * random.standard_normal(layers))
            yield random.integers(0, 3, layers).astype(float)  # ties and plateaus
            yield np.sort(random.integers(0, 6, layers)).astype(float)  # rising, with plateaus
            yield -np.sort(random.random(layers))  # falling
            broken = random.integers(0, 9, layers).astype(float)
            broken[random.integers(layers)] = np.nan
            yield broken
            cut = np.sort(random.random(layers))
            cut[random.integers(layers):] = np.nan
            yield cut
        yield np.zeros(layers)
        yield np.arange(layers, dtype=float)
        yield np.full(layers, np.nan)


cases = []
for t in traces(np.random.default_rng(20)):
    t = np.round(t, 6)
    cases.append({
        "trace": [None if np.isnan(x) else x for x in t.tolist()],
        "argmax_step": argmax_step(t),
        "sign_change": sign_change(t),
        "central_difference": central_difference(t),
    })
print('{"numpy": %s, "cases": [' % json.dumps(np.__version__))
print(",\n".join(json.dumps(case) for case in cases))
print("]}")
rules = [case["sign_change"][1] if case["sign_change"] else None for case in cases]
print({rule: rules.count(rule) for rule in set(rules)}, file=sys.stderr)
