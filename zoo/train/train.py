"""Trains one miniature and writes it as a Hugging Face folder with float16 weights.

    python train.py --model neox-12x12 --text text --out new --minutes 20

TEXT is the folder that prepare_text.py wrote. OUT/MODEL receives config.json, model.safetensors and the tokenizer,
OUT/train/logs/MODEL.json the numbers of the run. The schedule follows --minutes, or --steps where that is given.
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from narrow import use_narrow_attention
from recipes import POST_NORM_LR, RECIPES, SHAPES, initialise, new_model
from vocabularies import END, SPECIALS, save_tokenizer, train_tokenizer

LENGTH = 256  # tokens a window


def read_texts(folder, mix, side):
    with (folder / f"{mix}.{side}.jsonl").open() as lines:
        return [json.loads(line)["text"] for line in lines]


def encode(tokenizer, lab, texts, rng):
    """One long run of tokens: documents in random order with the end token between them."""
    end, runs = tokenizer.token_to_id(END[lab]), []
    for i in rng.permutation(len(texts)):
        ids = tokenizer.encode(texts[i], add_special_tokens=False).ids
        runs.append(np.array([end] + ids if lab == "opt" else ids + [end], dtype=np.uint16))
    return np.concatenate(runs)


def windows(run):
    rows = len(run) // LENGTH
    return torch.from_numpy(run[: rows * LENGTH].astype(np.int64)).view(rows, LENGTH)


@torch.no_grad()
def loss_of(model, rows):
    """Mean negative log-likelihood (nats) of the tokens of the windows, the first of each excepted."""
    model.eval()
    total = 0.0
    for batch in rows.split(16):
        logits = model(input_ids=batch, use_cache=False).logits.float()
        total += F.cross_entropy(logits[:, :-1].flatten(0, 1), batch[:, 1:].flatten(), reduction="sum").item()
    return total / rows[:, 1:].numel()


def unigram_loss(train_run, rows, vocab):
    counts = np.bincount(train_run, minlength=vocab) + 1.0
    return -torch.from_numpy(np.log(counts / counts.sum()))[rows[:, 1:]].mean().item()


def bytes_per_token(tokenizer, lab, rows):
    """Bytes of text behind one predicted token; end tokens stand for no text."""
    size = np.zeros(tokenizer.get_vocab_size())
    for token, index in tokenizer.get_vocab().items():
        size[index] = 0 if token in SPECIALS[lab] else len(token)  # one character is one byte here
    return size[rows[:, 1:].numpy()].mean()


def learning_rate(recipe, peak, progress):
    if progress < recipe.warmup:
        return peak * max(progress, 0.001) / recipe.warmup
    rest = min(1.0, (progress - recipe.warmup) / (1 - recipe.warmup))
    shape = 1 - rest if recipe.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * rest))
    return peak * (recipe.floor + (1 - recipe.floor) * shape)


def fit(model, rows, recipe, peak, rng, args):
    """The training loop; returns the loss of every step and the minutes taken."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=peak, betas=recipe.betas, fused=True)
    start, progress, order, history = time.monotonic(), 0.0, [], []
    while progress < 1:
        if len(order) < args.batch:
            order = list(rng.permutation(len(rows)))
        batch = rows[[order.pop() for _ in range(args.batch)]]
        if progress < args.short:
            batch = batch.view(-1, LENGTH // 2)
        for group in optimizer.param_groups:
            group["lr"] = rate = learning_rate(recipe, peak, progress)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(input_ids=batch, use_cache=False).logits
        loss = F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), batch[:, 1:].flatten())
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip).item()
        history.append(loss.item())
        if not math.isfinite(history[-1]) or not math.isfinite(norm):
            raise SystemExit(f"{args.model}: loss {history[-1]}, gradient {norm} at step {len(history)}")
        optimizer.step()
        optimizer.zero_grad()
        minutes = (time.monotonic() - start) / 60
        progress = len(history) / args.steps if args.steps else minutes / args.minutes
        if len(history) % 10 == 0:
            mean = sum(history[-10:]) / 10
            print(f"{len(history):5d} {minutes:6.2f} min  loss {mean:.4f}  grad {norm:.2f}  lr {rate:.2e}", flush=True)
    return history, minutes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=SHAPES, required=True)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--batch", type=int, default=8, help="windows of 256 tokens a step")
    parser.add_argument("--short", type=float, default=0.65, help="share of the run with the windows cut in halves")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--heldout", type=int, default=400, help="windows of the evaluation, at most")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    shape = SHAPES[args.model]
    recipe, lab = RECIPES[shape.lab], shape.lab
    rng = np.random.default_rng(shape.seed)
    torch.manual_seed(shape.seed)
    folder, logs = args.out / args.model, args.out / "train" / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    logs.mkdir(parents=True, exist_ok=True)

    # One generator for all that follows: with the same text and --steps, the same weights on the same machine.
    texts = read_texts(args.text, recipe.mix, "train")
    tokenizer = train_tokenizer(lab, texts, recipe.vocab, seed=shape.seed)
    save_tokenizer(tokenizer, args.model, lab, folder)
    run = encode(tokenizer, lab, texts, rng)
    held = windows(encode(tokenizer, lab, read_texts(args.text, recipe.mix, "heldout"), rng))[: args.heldout]
    print(f"{args.model}: {len(run)} training tokens, {held.numel()} held-out tokens used", flush=True)

    model = new_model(args.model)
    initialise(model, args.model)
    use_narrow_attention(model, lab)
    peak = recipe.peak_lr * (POST_NORM_LR if args.model == "opt-24x16" else 1)
    history, minutes = fit(model, windows(run), recipe, peak, rng, args)

    single_loss = loss_of(model, held)
    model.half().save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    half_loss = loss_of(model.float(), held)
    result = {
        "model": args.model,
        "parameters": sum(p.numel() for p in model.parameters()),
        "tokens_in_mix": len(run),
        "tokens_a_step": args.batch * LENGTH,
        "steps": len(history),
        "tokens_seen": len(history) * args.batch * LENGTH,
        "minutes": round(minutes, 2),
        "threads": args.threads,
        "peak_lr": peak,
        "heldout_tokens": held[:, 1:].numel(),
        "perplexity_float32": math.exp(single_loss),
        "perplexity_float16": math.exp(half_loss),
        "perplexity_unigram": math.exp(unigram_loss(run, held, recipe.vocab)),
        "bits_per_byte": half_loss / math.log(2) / bytes_per_token(tokenizer, lab, held),
        "loss_every_10_steps": [round(x, 4) for x in history[::10]],
    }
    (logs / f"{args.model}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({k: v for k, v in result.items() if not k.startswith("loss_")}), flush=True)


if __name__ == "__main__":
    main()
