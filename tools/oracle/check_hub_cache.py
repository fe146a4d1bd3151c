#!/usr/bin/env python3
"""Holds our cache against huggingface_hub's: it reads what lstar wrote, and lstar reads what it wrote.

A hub on loopback serves one small repository; nothing else is asked. Needs huggingface_hub (see requirements.txt):

    tools/oracle/check_hub_cache.py [build/release/lstar]
"""

import hashlib
import http.server
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMIT, OLDER = "0123456789abcdef0123456789abcdef01234567", "89abcdef0123456789abcdef0123456789abcdef"
REPO = "org/name"
REFS = {"main": COMMIT, "step1000": OLDER, "refs/pr/1": OLDER}
CHECKPOINT = ROOT / "zoo" / "gpt2-12x12"


def git_sha1(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Hub(http.server.BaseHTTPRequestHandler):
    """resolve/ as the hub answers it: etags, commits, large files at another host."""

    protocol_version = "HTTP/1.1"
    files = {}
    requests = []
    storage = None

    def do_HEAD(self):
        self.answer(with_body=False)

    def do_GET(self):
        self.answer(with_body=True)

    def answer(self, with_body):
        Hub.requests.append(f"{self.command} {self.path}")
        path = self.path.split("?")[0]
        if path.startswith("/files/"):
            content = next(c for c in Hub.files.values() if hashlib.sha256(c).hexdigest() == path[len("/files/") :])
            return self.send(200, {}, content, with_body)
        head, _, rest = path.partition("/resolve/")
        revision, _, name = rest.partition("/")
        commit = REFS.get(revision.replace("%2F", "/"), revision)
        if head != "/" + REPO:
            return self.send(404, {"X-Error-Code": "RepoNotFound"}, b"", with_body)
        if commit not in REFS.values():
            return self.send(404, {"X-Error-Code": "RevisionNotFound"}, b"", with_body)
        if name not in Hub.files:
            return self.send(404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit}, b"", with_body)
        content = Hub.files[name]
        if name.endswith(".safetensors"):
            digest = hashlib.sha256(content).hexdigest()
            headers = {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content)), "X-Repo-Commit": commit}
            return self.send(302, {**headers, "Location": f"{Hub.storage}/files/{digest}?signature=x"}, b"", with_body)
        return self.send(200, {"ETag": f'"{git_sha1(content)}"', "X-Repo-Commit": commit}, content, with_body)

    def send(self, status, headers, content, with_body):
        part = self.headers.get("Range")
        if status == 200 and part:
            first, last = part.removeprefix("bytes=").split("-")
            first, last = int(first), min(int(last or len(content)), len(content) - 1)
            headers = {**headers, "Content-Range": f"bytes {first}-{last}/{len(content)}"}
            status, content = 206, content[first : last + 1]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def log_message(self, *_):
        pass


def serve():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def entries(folder):
    """Every file and link below a folder, links by their target."""
    return {
        str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def expect(what, good):
    print(("ok    " if good else "WRONG ") + what)
    return bool(good)


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "build" / "release" / "lstar")
    Hub.files = {path.name: path.read_bytes() for path in CHECKPOINT.iterdir() if path.is_file()}
    endpoint = f"http://127.0.0.1:{serve()}"
    Hub.storage = f"http://localhost:{serve()}"
    ours, theirs = (pathlib.Path(tempfile.mkdtemp(prefix=f"lstar-cache-{name}-")) for name in ("ours", "theirs"))
    for name in list(os.environ):
        if name.startswith(("HF_", "HUGGING", "TRANSFORMERS_")) or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ.update(HF_ENDPOINT=endpoint, HF_HOME=str(theirs), HF_HUB_DISABLE_XET="1", HF_HUB_DISABLE_TELEMETRY="1")
    import huggingface_hub  # reads the environment once
    from huggingface_hub import hf_hub_download, scan_cache_dir, try_to_load_from_cache

    def lstar(command, cache, **more):
        done = subprocess.run(
            [program, *command], env={**os.environ, "HF_HUB_CACHE": str(cache), **more}, capture_output=True, text=True
        )
        return done.stdout.strip() if done.returncode == 0 else f"exit {done.returncode}: {done.stderr.strip()}"

    print(f"huggingface_hub {huggingface_hub.__version__}, {program}")
    good = []
    names = ["config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "model.safetensors"]
    folder = "models--org--name"

    # What lstar wrote.
    for revision, commit in REFS.items():
        snapshot = lstar(["fetch", f"{REPO}@{revision}"], ours)
        good.append(expect(f"lstar fetch @{revision}", snapshot == str(ours / folder / "snapshots" / commit)))
        for name in names:
            found = hf_hub_download(REPO, name, revision=revision, cache_dir=ours, local_files_only=True)
            same = pathlib.Path(found).read_bytes() == Hub.files[name] and found == f"{snapshot}/{name}"
            good.append(expect(f"  huggingface_hub finds {name}", same))
    absent = try_to_load_from_cache(REPO, "added_tokens.json", cache_dir=ours)
    good.append(expect("huggingface_hub knows what is absent", absent is huggingface_hub._CACHED_NO_EXIST))
    report = scan_cache_dir(ours)
    repo = next(iter(report.repos), None)
    good.append(expect("huggingface_hub scans the cache without a warning", repo and not report.warnings))
    good.append(expect("  and finds two revisions, three refs", repo and len(repo.revisions) == 2 and len(repo.refs) == 3))
    before = len(Hub.requests)
    hf_hub_download(REPO, "model.safetensors", cache_dir=ours)
    asked = Hub.requests[before:]
    good.append(expect("huggingface_hub online transfers nothing again", all(r.startswith("HEAD") for r in asked)))

    # What huggingface_hub wrote.
    for revision in REFS:
        for name in [*names, "added_tokens.json"]:
            try:
                hf_hub_download(REPO, name, revision=revision, cache_dir=theirs / "hub")
            except huggingface_hub.errors.EntryNotFoundError:
                pass
    before = len(Hub.requests)
    for revision, commit in REFS.items():
        for command in (["inspect", f"{REPO}@{revision}", "--json"], ["tokenize", f"{REPO}@{revision}", "hello", "--json"]):
            local = [command[0], str(CHECKPOINT), *command[2:]]
            here, there = lstar(command, theirs / "hub"), lstar(local, theirs / "hub")
            same = here[here.find('"tensors"') :] == there[there.find('"tensors"') :] and not here.startswith("exit")
            good.append(expect(f"lstar {' '.join(command[:2])} reads what huggingface_hub wrote", same))
    good.append(expect("  and asks nobody", len(Hub.requests) == before))
    offline = lstar(["fetch", REPO], theirs / "hub", HF_HUB_OFFLINE="1")
    good.append(expect("lstar fetch offline", offline == str(theirs / "hub" / folder / "snapshots" / COMMIT)))

    # The two caches, file by file.
    listing_ours, listing_theirs = entries(ours / folder), entries(theirs / "hub" / folder)
    for listing in (listing_ours, listing_theirs):  # vocabularies that only we looked for, listings that only they keep
        for name in list(listing):
            if name.startswith((".no_exist/", "trees/")):
                del listing[name]
    good.append(expect("both caches hold the same blobs, links and refs", listing_ours == listing_theirs))
    for name in sorted(set(listing_ours.items()) ^ set(listing_theirs.items())):
        print("  differs:", name)
    for revision in REFS:
        good.append(
            expect(
                f"refs/{revision} is the same to the byte",
                *[
                    (ours / folder / "refs" / revision).read_bytes()
                    == (theirs / "hub" / folder / "refs" / revision).read_bytes()
                ],
            )
        )
    print(f"{sum(good)} of {len(good)} are as they should be")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
