"""Extracts plain text from Debian packages and writes one training mix for each lab.

    python prepare_text.py --debs debs --out text [--download] [--mix NAME ...] [--jobs 2]

DEBS holds the .deb files that sources.toml names; with --download the missing ones are fetched with apt-get, in the
version that was read the first time or, where the archive has moved on, in the one it has now. Needs dpkg-deb and
mandoc on the path.

For each mix two JSON Lines files are written, MIX.train.jsonl and MIX.heldout.jsonl, a line being {"source": package,
"lang": code, "text": document}. A document is held out when a hash of its text says so (2 %): the split does not depend
on order, and exact duplicates fall on one side.
"""

import argparse
import gzip
import hashlib
import html.parser
import json
import random
import re
import subprocess
import tempfile
import tomllib
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

CHUNK = 12_000  # characters; longer files are cut into several documents
HELDOUT = 0.02
BLOCK_TAGS = {"p", "div", "li", "tr", "dt", "dd", "pre", "br", "h1", "h2", "h3", "h4", "h5", "h6"}
SKIP_TAGS = {"script", "style", "head", "nav", "footer", "svg"}
SKIP_CLASS = re.compile(r"nav(header|footer|igation)|sphinxsidebar|related|toc\b|docnav|footer")
VOID_TAGS = {"br", "img", "hr", "meta", "link", "input", "col", "area", "base", "source", "wbr", "embed"}


class TextOfHtml(html.parser.HTMLParser):
    """Collects the visible text, one line per block element, without navigation."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.parts, self.skipping, self.depth, self.pre = [], None, 0, 0

    def handle_starttag(self, tag, attrs):
        if tag in BLOCK_TAGS:
            self.parts.append("\n")
        if tag in VOID_TAGS:
            return
        self.depth += 1
        self.pre += tag == "pre"
        names = " ".join(v or "" for k, v in attrs if k in ("class", "id"))
        if self.skipping is None and (tag in SKIP_TAGS or SKIP_CLASS.search(names)):
            self.skipping = (self.depth, tag)

    def handle_endtag(self, tag):
        if tag in VOID_TAGS:
            return
        if self.skipping and tag == self.skipping[1] and self.depth <= self.skipping[0]:
            self.skipping = None
        self.depth -= 1
        self.pre -= tag == "pre" and self.pre > 0
        if tag in BLOCK_TAGS:
            self.parts.append("\n")

    def handle_data(self, data):
        if self.skipping is None:
            self.parts.append(data if self.pre else re.sub(r"\s+", " ", data))


def decode(raw):
    for encoding in ("utf-8", "latin-1"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            pass


def from_html(raw):
    parser = TextOfHtml()
    parser.feed(decode(raw))
    return ["".join(parser.parts)]


def from_man(raw):
    run = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=100"], input=raw, capture_output=True)
    text = re.sub(r".\x08", "", run.stdout.decode("utf-8", "replace"))
    return ["\n".join(text.split("\n")[1:-2])]  # without the header and footer lines


def from_fortune(raw):
    return [re.sub("\x1b[^m]*m", "", t) for t in re.split(r"\n%\n", decode(raw))]


def from_sword(raw):
    """zText module: a run of zlib streams, one per book."""
    books = []
    while raw:
        stream = zlib.decompressobj()
        try:
            books.append(decode(stream.decompress(raw)))
        except zlib.error:
            break
        raw = stream.unused_data.lstrip(b"\0")
    text = "\n".join(books)
    text = re.sub(r"<(note|title)\b[^>]*>.*?</\1>", " ", text, flags=re.S)
    text = re.sub(r"<(verse|chapter|div|p|l|lg)\b[^>]*>|\x00", "\n", text)
    return [re.sub(r"[ \t]+", " ", re.sub(r"<[^>]*>", "", text))]


def from_text(raw):
    return [decode(raw)]


READERS = {"html": from_html, "man": from_man, "fortune": from_fortune, "sword": from_sword, "text": from_text}


def tidy(text):
    text = text.replace("\r", "").replace("\xa0", " ").replace("\xad", "").replace("\x00", "")
    text = re.sub(r"[ \t]+\n", "\n", text)
    text = re.sub(r"(\S)[ \t]{2,}", r"\1 ", text)  # keep indentation, not column padding
    text = re.sub(r"^[ \t]{9,}", " " * 8, text, flags=re.M)
    text = re.sub(r"([-=_*.~#+])\1{5,}", r"\1\1\1\1", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def pieces(text):
    """Cuts a long text at line ends into documents of about CHUNK characters."""
    if len(text) <= CHUNK * 1.3:
        return [text]
    out, current, size = [], [], 0
    for block in re.split(r"(\n+)", text):
        if size > CHUNK:
            out.append("".join(current).strip())
            current, size = [], 0
        current.append(block)
        size += len(block)
    return out + ["".join(current).strip()]


def extract(job):
    """All documents of one package entry of sources.toml."""
    deb, entry = job
    wanted, unwanted = re.compile(entry["files"]), re.compile(entry.get("skip", r"^$"))
    read, documents = READERS[entry["kind"]], []
    with tempfile.TemporaryDirectory() as root:
        subprocess.run(["dpkg-deb", "-x", deb, root], check=True)
        for path in sorted(Path(root).rglob("*")):
            name = str(path.relative_to(root))
            if path.is_symlink() or not path.is_file() or not wanted.search(name) or unwanted.search(name):
                continue
            raw = path.read_bytes()
            if path.suffix in (".gz", ".dz"):
                raw = gzip.decompress(raw)
            for text in read(raw):
                text = tidy(text)
                if len(text) >= entry.get("shortest", 200):
                    documents += pieces(text)
    return documents


def find_deb(folder, entry, download):
    package, version = entry["package"], entry["version"]
    if download and not list(folder.glob(f"{package}_*.deb")):
        fetch = ["apt-get", "download", "-qq"]
        if subprocess.run([*fetch, f"{package}={version}"], cwd=folder, capture_output=True).returncode:
            subprocess.run([*fetch, package], cwd=folder, check=True)
    found = sorted(folder.glob(f"{package}_*.deb"))
    if not found:
        raise SystemExit(f"{package}: no .deb in {folder} (use --download)")
    field = ["dpkg-deb", "--field", str(found[-1]), "Version"]
    here = subprocess.run(field, capture_output=True, text=True, check=True).stdout.strip()
    if here != version:
        print(f"{package}: version {here}, the zoo was trained on {version}", flush=True)
    return str(found[-1])


def write_mix(mix, cap, sources, out):
    """The documents of all sources of the mix, at most `cap` bytes from one, split in two files."""
    total, seen = {"train": 0, "heldout": 0}, set()
    with (out / f"{mix}.train.jsonl").open("w") as train, (out / f"{mix}.heldout.jsonl").open("w") as heldout:
        for entry, documents in sources:
            budget, rng = entry.get("cap_mb", cap) * 1e6, random.Random(entry["package"] + entry["lang"])
            for text in rng.sample(documents, len(documents)):
                size = len(text.encode())
                if budget < size or text in seen:
                    continue
                seen.add(text)
                budget -= size
                share = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") / 2**32
                side = "heldout" if share < HELDOUT else "train"
                total[side] += size
                line = {"source": entry["package"], "lang": entry["lang"], "text": text}
                (heldout if side == "heldout" else train).write(json.dumps(line, ensure_ascii=False) + "\n")
    print(mix, {side: f"{size / 1e6:.2f} MB" for side, size in total.items()}, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--debs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--download", action="store_true")
    parser.add_argument("--mix", nargs="*", help="only these mixes, and only their packages")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    args.debs.mkdir(parents=True, exist_ok=True)
    args.out.mkdir(parents=True, exist_ok=True)

    plan = tomllib.loads((Path(__file__).resolve().parent / "sources.toml").read_text())
    mixes = {name: plan["mix"][name] for name in args.mix or plan["mix"]}
    entries = [e for e in plan["source"] if set(e["mixes"]) & set(mixes)]
    jobs = [(find_deb(args.debs, e, args.download), e) for e in entries]
    with ProcessPoolExecutor(args.jobs) as pool:
        texts = list(pool.map(extract, jobs))
    for mix, settings in mixes.items():
        sources = [(e, t) for e, t in zip(entries, texts, strict=True) if mix in e["mixes"]]
        write_mix(mix, settings["cap_mb"], sources, args.out)


if __name__ == "__main__":
    main()
