"""A service on loopback that answers as a script says, to an agent that takes it for its model's."""

import gzip
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from chant_tasks.agents.loopback.protocols import (
    Drop,
    Refuse,
    Say,
    Turn,
    find_call,
    render_refusal,
    render_turn,
    render_whole,
)

_STREAMS = ("/messages", "/responses", "/chat/completions", ":streamGenerateContent", ":generateContent")
_AFTER = Say("Nothing more to do.")


@dataclass
class Script:
    """What the service answers, turn by turn, and what it was asked; `strays` are requests for other hosts.

    Requests that offer no shell are for titles and the like and take no turn, but where the agent knows no tools.
    """

    turns: Sequence[Turn]
    has_tools: bool = True
    requests: list[dict[str, Any]] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    port: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _next: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def take_turn(self, body: dict[str, Any]) -> Turn:
        """Return the answer to a request, and note it."""
        if self.has_tools and find_call(body, "true") is None:
            return Say("A title")
        with self._lock:
            self.requests.append(body)
            turn = self.turns[self._next] if self._next < len(self.turns) else _AFTER
            if isinstance(turn, Say):
                self._next += 1
        return turn


class _Handler(BaseHTTPRequestHandler):
    script: ClassVar[Script]

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def do_CONNECT(self) -> None:
        # All agents are told that this is their proxy, so that none gets out.
        self.script.strays.append(self.path)
        self.send_error(403)

    def do_GET(self) -> None:
        if not self.path.startswith("/"):
            self.script.strays.append(self.path)
        self._send(200 if "/models" in self.path else 404, {"object": "list", "data": []})

    do_HEAD = do_GET

    def do_POST(self) -> None:
        body = self._load_body()
        path = self.path.partition("?")[0]
        if not path.startswith("/"):
            self.script.strays.append(path)
        if not path.endswith(_STREAMS):
            return self._send(200, {"input_tokens": 1, "totalTokens": 1})
        turn = self.script.take_turn(body)
        if isinstance(turn, Refuse):
            return self._send(turn.status, render_refusal(path, turn), dict(turn.headers))
        return self._send_turn(path, body, turn)

    def _send_turn(self, path: str, body: dict[str, Any], turn: Say | Drop) -> None:
        model = str(body.get("model") or path.rpartition("/")[2].partition(":")[0])
        if is_stream := bool(body.get("stream")) or ":stream" in path:
            call = find_call(body, turn.run) if isinstance(turn, Say) and turn.run else None
            events = render_turn(path, model, turn.text, call)
            text = "".join(f"event: {name}\ndata: {data}\n\n" if name else f"data: {data}\n\n" for name, data in events)
        else:
            text = json.dumps(render_whole(path, model, turn.text))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if is_stream else "application/json")
        if isinstance(turn, Drop):  # so that the other side knows that it has not got all
            self.send_header("Content-Length", str(len(text)))
            text = text[: len(text) // 2]
        self.end_headers()
        self.wfile.write(text.encode())

    def _load_body(self) -> dict[str, Any]:
        if "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            raw = b"".join(self._read_chunks())
        else:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            raw = gzip.decompress(raw)
        try:
            body = json.loads(raw)
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}

    def _read_chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()

    def _send(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(json.dumps(body).encode())


@contextmanager
def serve(script: Script) -> Iterator[Script]:
    """Answer on loopback while the block runs."""
    handler = type("Handler", (_Handler,), {"script": script})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        script.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()
