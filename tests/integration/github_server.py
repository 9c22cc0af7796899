"""The few calls of GitHub's REST API that pull requests need, on a socket that the real `gh` can be sent to."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class GitHubServer:
    """What the server knows: its pull requests, the requests that it has got, and how it refuses, where it does."""

    pulls: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    refusal: tuple[int, dict[str, Any]] | None = None

    def answer(self, method: str, path: str, values: dict[str, Any]) -> tuple[int, Any]:
        """The status and the JSON value of an answer."""
        self.requests.append((method, path))
        if self.refusal is not None:
            return self.refusal
        place = urlsplit(path)
        if method == "GET":
            asked = parse_qs(place.query)
            return 200, [pull for pull in self.pulls if [pull["head"]["label"]] == asked["head"]]
        if method == "PATCH":
            number = int(place.path.rpartition("/")[2])
            self.pulls[number - 1] |= {"title": values["title"], "body": values["body"]}
            return 200, self.pulls[number - 1]
        number = len(self.pulls) + 1
        label = values["head"] if ":" in values["head"] else f"you:{values['head']}"
        url = f"https://github.com/you/project/pull/{number}"
        made = {"number": number, "html_url": url, "state": "open", "head": {"label": label}, **_texts(values)}
        self.pulls.append(made)
        return 201, made


def _texts(values: dict[str, Any]) -> dict[str, Any]:
    return {"title": values["title"], "body": values["body"], "base": {"ref": values["base"]}}


@contextmanager
def serve(path: Path) -> Iterator[GitHubServer]:
    """A server that listens on the socket `path` until the block ends."""
    known = GitHubServer()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            status, value = known.answer(self.command, self.path, json.loads(self._read() or b"{}"))
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _read(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data

        def log_message(self, *arguments: Any) -> None:
            """Nobody reads it."""

        do_GET = do_POST = do_PATCH = _answer

    class Server(ThreadingMixIn, UnixStreamServer):
        daemon_threads = True

    with Server(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield known
        finally:
            server.shutdown()
            thread.join()
