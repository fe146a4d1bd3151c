"""Records tests/data/as_written.json: the notebook's arithmetic on given float16 probabilities.

Every case is summed twice, by torch as the notebook does, and one float32 addition after the other in a stated order:
heads in order, divided by float32(H); each row from left to right; rows from top to bottom. The order decides the last
digits, and as_written is made of nothing else.
"""

from pathlib import Path

import numpy as np
import torch
from expectation import versions, write_json

TARGET = Path(__file__).resolve().parents[2] / "tests" / "data" / "as_written.json"
SHAPES = ((1, 1), (1, 3), (2, 5), (3, 7), (4, 8), (5, 12), (9, 11), (12, 13), (16, 16), (12, 24), (6, 24))


def random_causal(draw, heads, n, sharpness):
    scores = draw.normal(0, sharpness, size=(heads, n, n))
    scores = np.where(np.tril(np.ones((n, n), dtype=bool)), scores, -np.inf)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return (e / e.sum(axis=-1, keepdims=True)).astype(np.float16)


def by_torch(probabilities, w):
    n = probabilities.shape[-1]
    head_mean = torch.from_numpy(probabilities).float().mean(dim=0)
    attention_sum = head_mean.sum().item()
    return head_mean.numpy(), {"attention_sum": attention_sum, "trace": abs((attention_sum - n) * w)}


def one_by_one(probabilities, w):
    heads, n, _ = probabilities.shape
    widened = probabilities.astype(np.float32)
    head_mean = np.zeros((n, n), np.float32)
    for head in range(heads):
        head_mean = head_mean + widened[head]
    head_mean = head_mean / np.float32(heads)
    total = np.float32(0)
    for row in head_mean:
        row_sum = np.float32(0)
        for value in row:
            row_sum = row_sum + value
        total = total + row_sum
    if total.dtype != np.float32:
        raise TypeError("left float32")
    attention_sum = float(total)
    return head_mean, {"attention_sum": attention_sum, "trace": abs((attention_sum - n) * w)}


def case(name, probabilities, w):
    heads, n, _ = probabilities.shape
    torch_mean, torch_result = by_torch(probabilities, w)
    mean, result = one_by_one(probabilities, w)
    return {
        "name": name,
        "heads": heads,
        "tokens": n,
        "probabilities_float16_bits": probabilities.view(np.uint16).ravel().tolist(),
        "w_v_frobenius_sq": w,
        "sequential": result,
        "torch": torch_result,
        "torch_head_mean_equal": bool((torch_mean == mean).all()),
        "torch_sum_equal": torch_result["attention_sum"] == result["attention_sum"],
        "exact_sum": float(probabilities.astype(np.float64).mean(axis=0).sum()),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    draw = np.random.default_rng(20260106)
    cases = []
    for heads, n in SHAPES:
        w = float(np.float32(draw.uniform(50, 5000)))
        sharpness = float(draw.choice([0.5, 1.5, 4.0]))
        cases.append(case(f"random causal, {heads} heads", random_causal(draw, heads, n, sharpness), w))
    even = np.tril(np.ones((3, 10, 10))) / np.arange(1, 11)[None, :, None]
    cases.append(case("even over the past", even.astype(np.float16), 1024.5))
    cases.append(case("each token to itself", np.eye(6)[None].repeat(4, 0).astype(np.float16), 100.0))
    first = np.zeros((2, 9, 9))
    first[:, :, 0] = 1
    cases.append(case("all to the first token", first.astype(np.float16), 77.25))
    write_json(TARGET, {"versions": versions(), "cases": cases})
    for c in cases:
        parts = [f"{c['name']:28} n {c['tokens']:2}", f"sequential {c['sequential']['attention_sum']!r}"]
        parts += [f"torch {c['torch']['attention_sum']!r}", f"head means equal {c['torch_head_mean_equal']}"]
        print(*parts)
