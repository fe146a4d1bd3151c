"""F: tokenizing a long text, and opening large vocabularies."""

import filecmp
import statistics

from outcome import Outcome
from processes import Stop, interleave, run, say, warm
from setting import HERE, last_json

OPENINGS = 5


def tokenizing(setting):
    megabytes = 2 if setting.quick else 100
    outcome = Outcome("F", f"Tokenizing a text of {megabytes} MB; opening large vocabularies")
    data = setting.work / f"tokenizing-{megabytes}"
    if not (data / "bloom-size" / "tokenizer.json").exists():
        say("writing the text and training tokenizers")
    run([setting.python, HERE / "tokenizer_data.py", data, megabytes])
    text = data / "text.txt"
    compared, sentences, worst = 0, [], None
    for size in ("gpt2-size", "bloom-size"):
        folder = data / size
        say(f"equality: {size}")
        ours, theirs = data / "ours.ids", data / "theirs.ids"
        warm([text, folder])
        setting.program("bench_tokenize", folder, 1, text, ours)
        setting.peer("hf_tokenizers.py", folder, 1, text, theirs)
        if not filecmp.cmp(ours, theirs, shallow=False):
            raise Stop(f"not timed: {size}: the ids of {text} differ from Hugging Face's; they are in {data}")
        compared += ours.stat().st_size // 4
        runs = interleave(
            {
                "ours": lambda: setting.program("bench_tokenize", folder, OPENINGS, text),
                "theirs": lambda: setting.peer("hf_tokenizers.py", folder, OPENINGS, text),
            },
            setting.fewer(3),
            say,
        )
        found = {name: [last_json(r) for r in of] for name, of in runs.items()}
        encoding = {name: statistics.median(f["encoding"] for f in of) for name, of in found.items()}
        opening = {name: statistics.median(s for f in of for s in f["opening"]) for name, of in found.items()}
        entries = found["ours"][0]["vocabulary"]
        for name, who in (("ours", "`lstar`"), ("theirs", "Hugging Face tokenizers")):
            rate = found[name][0]["bytes"] / encoding[name] / 1e6
            outcome.row(f"{who}: encoding, {entries:,} entries", encoding[name],
                        seconds_all=[f["encoding"] for f in found[name]], peak=max(r.peak for r in runs[name]),
                        remark=f"{rate:.1f} MB/s, {found[name][0]['ids']:,} ids")  # fmt: skip
            outcome.row(f"{who}: opening, {entries:,} entries", opening[name])
        outcome.at_least(
            f"Hugging Face's time over ours, {entries:,} entries", encoding["theirs"] / encoding["ours"], 3, "×"
        )
        if size == "bloom-size":
            outcome.at_most(f"opening a tokenizer.json of {entries:,} entries", 1000 * opening["ours"], 100, "ms")
    outcome.data["equality"] = {
        "compared": compared, "worst_share_of_allowed": worst,
        "sentences": ["All ids of the text are the same, with both tokenizers.", *sentences],
    }  # fmt: skip

    gemma = setting.labs / "gemma-3-270m-q4_k_m.gguf"
    if gemma.exists():
        warm([gemma])
        found = [last_json(setting.program("bench_tokenize", gemma, OPENINGS)) for _ in range(setting.fewer(5))]
        seconds = statistics.median(s for f in found for s in f["opening"])
        outcome.row(f"`lstar`: opening {gemma.name}, {found[0]['vocabulary']:,} entries", seconds)
        outcome.at_most(f"opening a GGUF vocabulary of {found[0]['vocabulary']:,} entries", 1000 * seconds, 50, "ms")
    else:
        outcome.not_measured("opening a GGUF vocabulary of 262,144 entries", 50, "ms", "≤",
                             f"{gemma.name} is not there; `make labs` brings it")  # fmt: skip
    outcome.note(
        "One thread each, every line by itself, without special tokens: `bench_tokenize` beside encode_batch_fast, which "
        "forms no offsets. Openings are medians within the process, the page cache warm."
    )
    return outcome
