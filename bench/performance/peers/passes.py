"""Forward passes in float32 over prompts of one length:  passes.py KIND FOLDER PROMPTS BATCH [numbers]

KIND  sdpa      `transformers` with PyTorch's scaled_dot_product_attention, which shows no attention
      eager     `transformers` with eager attention, from which the diagonal sums of every head are taken
      sdpa-lm, eager-lm
                the same, loaded as the notebook does: with its language head, so that logits are computed
      lens      TransformerLens over `transformers`, from whose cached patterns they are taken
sdpa and eager run the model without its language head. BATCH prompts go at once; all have the same length, so nothing is
padded. A first short pass is not counted. Prints one JSON object: seconds of loading and of the passes, and with
`numbers` what was seen of each prompt.
"""

import json
import sys
import time

import torch
from transformers import AutoModel, AutoModelForCausalLM


def load_transformers(folder, attention, kind=AutoModel):
    return kind.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention).eval()


def diagonal_sums(attentions):
    """(layers) of (batch, heads, n, n) to (batch, layers, heads)"""
    return torch.stack([a.diagonal(dim1=-2, dim2=-1).sum(-1) for a in attentions], dim=1)


class Sdpa:
    key = "residual_norm"

    def __init__(self, folder, want_numbers, kind=AutoModel):
        self.model, self.norms = load_transformers(folder, "sdpa", kind), []
        if want_numbers:
            blocks = self.model.base_model.h  # GPT-2's shape is the only one asked for
            blocks[0].register_forward_pre_hook(lambda _, args: self.keep(args[0]))
            for block in blocks:
                block.register_forward_hook(lambda _, __, out: self.keep(out[0] if isinstance(out, tuple) else out))

    def keep(self, states):
        self.norms.append(states[:, -1].double().norm(dim=-1))

    def __call__(self, ids):
        self.norms.clear()
        self.model(ids, use_cache=False)
        return torch.stack(self.norms, dim=1) if self.norms else None


class Eager:
    key = "diagonal_sum_per_head"

    def __init__(self, folder, want_numbers, kind=AutoModel):
        self.model = load_transformers(folder, "eager", kind)

    def __call__(self, ids):
        return diagonal_sums(self.model(ids, output_attentions=True, use_cache=False).attentions)


class Lens:
    key = "diagonal_sum_per_head"

    def __init__(self, folder, want_numbers):
        from transformer_lens import TransformerBridge

        self.model = TransformerBridge.boot_transformers(folder, dtype=torch.float32)

    def __call__(self, ids):
        _, cache = self.model.run_with_cache(
            ids, names_filter=lambda name: name.endswith("hook_pattern"), return_type=None
        )
        return diagonal_sums(list(cache.values()))


def main(kind, folder, prompts_file, batch, want_numbers):
    prompts = torch.tensor([json.loads(line)["token_ids"] for line in open(prompts_file)])
    start = time.monotonic()
    name, _, head = kind.partition("-")
    peer = {"sdpa": Sdpa, "eager": Eager, "lens": Lens}[name]
    model = peer(folder, want_numbers, AutoModelForCausalLM) if head else peer(folder, want_numbers)
    with torch.no_grad():
        model(prompts[:1, :64])  # what a library does once, at its first call, is not counted against it
        loaded = time.monotonic()
        seen = [model(ids) for ids in prompts.split(batch)]
    done = time.monotonic()
    result = {"loading": loaded - start, "passes": done - loaded, "threads": torch.get_num_threads()}
    if want_numbers:
        result["numbers"] = {model.key: torch.cat(seen).tolist()}
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), "numbers" in sys.argv[5:])
