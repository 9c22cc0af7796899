"""A service on loopback that answers as a script says, to an agent that takes it for its model's."""

import gzip
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from tests.agents.protocols import Refuse, Say, find_call, render_refusal, render_turn

_STREAMS = ("/messages", "/responses", "/chat/completions", ":streamGenerateContent", ":generateContent")
_AFTER = Say("Nothing more to do.")


@dataclass
class Script:
    """What the service answers, turn by turn, and what it was asked; `strays` are requests for other hosts.

    Requests that offer no shell are for titles and the like and take no turn, but where the agent knows no tools.
    """

    turns: Sequence[Say | Refuse]
    has_tools: bool = True
    requests: list[dict[str, Any]] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    port: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _next: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def take_turn(self, body: dict[str, Any]) -> Say | Refuse:
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
        call = find_call(body, turn.run) if turn.run else None
        model = str(body.get("model") or path.rpartition("/")[2].partition(":")[0])
        self.send_response(200)
        is_stream = bool(body.get("stream")) or ":stream" in path
        self.send_header("Content-Type", "text/event-stream" if is_stream else "application/json")
        self.end_headers()
        if not is_stream:
            self.wfile.write(json.dumps(_render_whole(path, model, turn.text)).encode())
            return None
        for name, data in render_turn(path, model, turn.text, call):
            self.wfile.write((f"event: {name}\n" if name else "").encode() + f"data: {data}\n\n".encode())
        return None

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


def _render_whole(path: str, model: str, text: str) -> object:
    """Return the answer to a request that wants no stream."""
    if path.endswith("/messages"):
        content = [{"type": "text", "text": text}]
        usage = {"input_tokens": 1, "output_tokens": 1}
        return {"id": "m", "type": "message", "role": "assistant", "model": model, "content": content, "usage": usage}
    if ":" in path:
        candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP", "index": 0}
        return {"candidates": [candidate], "modelVersion": model}
    usage = {"prompt_tokens": 1200, "completion_tokens": 42, "total_tokens": 1242}
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "created": 0, "model": model, "choices": [choice], "usage": usage}


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
