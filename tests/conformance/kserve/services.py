"""The mock services behind the recorded answers, on loopback and as Python functions."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterable
from http.client import responses
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any, NamedTuple
from urllib.parse import urlsplit

JSON = (("Content-Type", "application/json"),)
LIVE = re.compile(r"(?i)(http://)(svc|dead)/")


class Answer(NamedTuple):
    """What a service answers; without a status, it closes without an answer."""

    status: int | None
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    missing: int = 0  # bytes that are promised and not sent


class Played:
    """The services of a case, while it is played."""

    def __init__(self, services: dict[str, Any]) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._asked: Counter[str] = Counter()
        self.calls: list[dict[str, Any]] = []

    def record(self, call: dict[str, Any]) -> None:
        with self._lock:
            self.calls.append(call)

    def answer(self, name: str, request: bytes) -> Answer:
        """Answer a request as the service of that name."""
        if name not in self._services:
            return _json({"no such service": name}, 404)
        with self._lock:
            turn = self._asked[name]
            self._asked[name] += 1
        return played(self._services[name], request, turn)


def played(service: dict[str, Any], request: bytes, turn: int = 0) -> Answer:
    """Answer a request as a service that was asked so often before."""
    status = service.get("status", 200)
    match service["kind"]:
        case "static":
            more = tuple(service.get("headers", {}).items())
            return _json(service["body"], status, more)
        case "echo":
            return Answer(status, request, JSON)
        case "echo_wrapped":
            return Answer(status, _wrapped(service["key"], request), JSON)
        case "scale":
            return _scaled(request, service["by"])
        case "nonjson":
            kind = service.get("content_type", "text/plain")
            body = service["text"].encode() if "text" in service else None
            body = base64.b64decode(service["b64"]) if body is None else body
            return Answer(status, body, (("Content-Type", kind),))
        case "slow":
            time.sleep(service["seconds"])
            return played(service["then"], request)
        case "cycle":
            responses = service["responses"]
            return played(responses[turn % len(responses)], request)
        case "truncate":
            return _json(service["body"])._replace(missing=10)
        case "drop":
            return Answer(None)
        case "gzip":
            whole = _json(service["body"])
            packed = gzip.compress(whole.body, mtime=0)
            return Answer(200, packed, (*whole.headers, ("Content-Encoding", "gzip")))
        case "redirect":
            to = service.get("location")
            return Answer(status, b"", (("Location", to),) if to else ())
    raise ValueError(service["kind"])


def parsed(request: bytes) -> Any:
    """The JSON of a request, or its text."""
    try:
        return json.loads(request)
    except ValueError:
        return request.decode("utf-8", "replace")


def _wrapped(key: str, request: bytes) -> bytes:
    """Wrap a request as it was written; a text, where it is no JSON."""
    value = parsed(request)
    if isinstance(value, str) and not request.startswith(b'"'):
        request = json.dumps(value, ensure_ascii=False).encode()
    return json.dumps({key: 0}).encode().replace(b" 0", request)


def _scaled(request: bytes, by: float) -> Answer:
    value = parsed(request)
    instances = value.get("instances") if isinstance(value, dict) else None
    if not isinstance(instances, list) or not all(isinstance(x, (int, float)) for x in instances):
        return _json({"error": "no numeric instances"}, 400)
    return _json({"predictions": [instance * by for instance in instances]})


def _json(body: Any, status: int = 200, more: Iterable[tuple[str, str]] = ()) -> Answer:
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return Answer(status, text.encode(), (*JSON, *more))


class Services:
    """A server that plays the services of one case after the other.

    A service is named by the first segment of a path: ``/a/v1/models/m:predict`` is ``a``.
    """

    def __init__(self, services: dict[str, Any] | None = None) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self.port: int = self._server.server_address[1]
        self._closed = socket.socket()  # bound, and so nobody else's; but nobody listens
        self._closed.bind(("127.0.0.1", 0))
        self.dead: int = self._closed.getsockname()[1]
        self.load(services or {})

    def load(self, services: dict[str, Any]) -> None:
        """Play other services, and forget the calls."""
        self._server.services = self
        self.played = Played(services)

    @property
    def calls(self) -> list[dict[str, Any]]:
        """What was asked: service, method, path, query, body and headers, as recorded."""
        return self.played.calls

    def live(self, text: str) -> str:
        """Put the addresses of the server where the recorded case has names."""
        ports = {"svc": self.port, "dead": self.dead}
        return LIVE.sub(lambda url: f"{url[1]}127.0.0.1:{ports[url[2]]}/", text)

    def norm(self, told: bytes) -> bytes:
        """Put the names back."""
        told = told.replace(b"127.0.0.1:%d" % self.port, b"svc")
        return told.replace(b"127.0.0.1:%d" % self.dead, b"dead")

    def __enter__(self) -> Services:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._closed.close()


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512
    services: Services

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing where the router did not wait for an answer."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        services = self.server.services
        played = services.played  # another case may be loaded before the answer is ready
        length = int(self.headers.get("Content-Length", 0))
        request = self.rfile.read(length)
        url = urlsplit(self.path)
        name = url.path.split("/")[1]
        played.record(
            {
                "service": name,
                "method": self.command,
                "path": url.path,
                "query": url.query,
                "body": request,
                "headers": sorted(
                    [key.lower(), services.norm(value.encode("latin-1")).decode()]
                    for key, value in self.headers.items()
                    if key.lower() != "host"
                ),
            }
        )
        self._send(played.answer(name, request))

    do_GET = do_POST

    def _send(self, answer: Answer) -> None:
        if answer.status is None:
            self.close_connection = True
            return
        lines = [f"HTTP/1.1 {answer.status} {responses.get(answer.status, '')}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        body = b"" if answer.status == 204 else answer.body
        if answer.status != 204:
            lines.append(f"Content-Length: {len(body) + answer.missing}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self.close_connection = self.close_connection or answer.missing > 0
        with contextlib.suppress(ConnectionError):
            self.wfile.write(head + body)

    def log_message(self, *_: object) -> None:
        pass
