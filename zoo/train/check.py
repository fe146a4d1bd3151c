"""Checks finished folders: they load, write text, do not overflow in float16, and attend.

    python check.py [--zoo ..] [--model NAME ...]

For each layer n - trace(A) is printed, A the attention averaged over heads on a sentence of n tokens: 0 would be
attention to the own token only, n - 1 the other end.
"""

import argparse
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from recipes import SHAPES

SENTENCE = "The quick brown fox jumps over the lazy dog near the riverbank."
PROMPT = "The capital of"


@torch.no_grad()
def check(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    parameters, size = sum(p.numel() for p in model.parameters()), (folder / "model.safetensors").stat().st_size
    print(f"\n{folder.name}: {type(model).__name__}, {type(tokenizer).__name__}, {parameters} parameters, {size} bytes")

    ids = tokenizer(SENTENCE, return_tensors="pt").input_ids
    back = tokenizer.decode(ids[0], skip_special_tokens=True)
    print(f"  {ids.shape[1]} tokens: {' '.join(tokenizer.convert_ids_to_tokens(ids[0]))}")
    print(f"  round trip: {'exact' if back == SENTENCE else repr(back)}")

    out = model(input_ids=ids, output_attentions=True, output_hidden_states=True)
    curve = [ids.shape[1] - a[0].mean(0).trace().item() for a in out.attentions]
    print("  n - trace by layer: " + " ".join(f"{v:.2f}" for v in curve))
    peak = max(h.abs().max().item() for h in out.hidden_states)
    print(f"  largest hidden value {peak:.1f}, largest logit {out.logits.abs().max().item():.1f}")
    half = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float16, attn_implementation="eager").eval()
    logits = half(input_ids=ids).logits.float()
    gap = (logits - out.logits).abs().max().item()
    print(f"  float16 pass: {'finite' if logits.isfinite().all() else 'OVERFLOW'}, largest logit difference {gap:.4f}")

    ids = tokenizer(PROMPT, return_tensors="pt").input_ids
    for label, options in (("greedy", {}), ("sampled", {"do_sample": True, "top_k": 40, "temperature": 0.8})):
        torch.manual_seed(0)
        text = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=40, **options)
        print(f"  {label}: {tokenizer.decode(text[0], skip_special_tokens=True)!r}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zoo", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--model", nargs="*", choices=list(SHAPES), default=list(SHAPES))
    args = parser.parse_args()
    for name in args.model:
        check(args.zoo / name)


if __name__ == "__main__":
    main()
