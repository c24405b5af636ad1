"""A server that tests talk to."""

from __future__ import annotations

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Server:
    """A server that notes what it is sent, and answers what a test says."""

    def __init__(self) -> None:
        self.requests: list[dict] = []
        self.answer = lambda request: (200, {"got": request["body"]})
        self.under_way = self.most = 0
        lock, server = threading.Lock(), self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def respond(self):
                size = int(self.headers.get("Content-Length") or 0)
                raw = self.rfile.read(size)
                request = {
                    "method": self.command,
                    "path": self.path,
                    "raw": raw,
                    "body": json.loads(raw) if raw[:1] in b'{[0123456789"ntf' and raw else None,
                    "headers": {key.lower(): value for key, value in self.headers.items()},
                }
                with lock:
                    server.requests.append(request)
                    server.under_way += 1
                    server.most = max(server.most, server.under_way)
                status, body, *headers = server.answer(request)
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                with lock:
                    server.under_way -= 1
                self.send_response(status)
                kind = "text/plain" if isinstance(body, bytes) else "application/json"
                for name, value in [("Content-Type", kind), *headers]:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = respond

        class Many(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

        self._http = Many(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def speak_tls(self, pem: Path) -> str:
        """Speak TLS from now on, and give the URL for that."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self._http.handle_error = lambda *of: None
        return self.url.replace("http:", "https:")

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
