"""Calls of services: against real servers on loopback."""

from __future__ import annotations

import asyncio
import gc
import gzip
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from graph_magics.engine.aio import async_map
from graph_magics.gohttp import (
    TransportError,
    post,
    transport,
)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BODY = b'{"instances":[1]}'


@dataclass
class Asked:
    """A request, as the server saw it."""

    connection: int
    turn: int  # on its connection
    head: bytes
    body: bytes

    @property
    def line(self) -> str:
        return self.head.split(b"\r\n")[0].decode()

    @property
    def headers(self) -> list[tuple[str, str]]:
        lines = self.head.decode().split("\r\n")[1:]
        return [(name, value) for name, _, value in (line.partition(": ") for line in lines)]

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name)


@dataclass
class Server:
    """A server that answers with raw bytes; without an answer, it closes.

    It also closes, unannounced, after so many answers on a connection or so many idle seconds.
    """

    answer: Callable[[Asked], bytes | None]
    most: int = sys.maxsize
    closing: str | None = None
    host: str = "127.0.0.1"
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    closed: int = 0

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @contextmanager
    def running(self) -> Iterator[Server]:
        with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
            self.port = listening.getsockname()[1]
            threading.Thread(target=self._accept, args=(listening,), daemon=True).start()
            yield self
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                taken, _ = listening.accept()
                self.connections += 1
                args = (taken, self.connections)
                threading.Thread(target=self._serve, args=args, daemon=True).start()

    def _serve(self, taken: socket.socket, number: int) -> None:
        self._talk(taken, number)
        taken.close()
        self.closed += 1

    def _talk(self, taken: socket.socket, number: int) -> None:
        with suppress(OSError):
            taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for turn in range(self.most):
                if turn and self.closing == "when idle":
                    return
                if turn and self.closing == "just then":
                    taken.recv(1, socket.MSG_PEEK)  # It is there, and nobody reads it.
                    return
                asked = _request(taken, number, turn)
                if asked is None:
                    return
                self.asked.append(asked)
                answer = self.answer(asked)
                if answer is None:
                    return
                taken.sendall(answer)
                if b"Connection: close" in answer or b"Content-Length" not in answer:
                    return


def _request(taken: socket.socket, number: int, turn: int) -> Asked | None:
    read = b""
    while b"\r\n\r\n" not in read:
        more = taken.recv(65536)
        if not more:
            return None
        read += more
    head, _, body = read.partition(b"\r\n\r\n")
    asked = Asked(number, turn, head, b"")
    length = int(asked.header("Content-Length") or 0)
    while len(body) < length:
        body += taken.recv(65536)
    asked.body = body
    return asked


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def serving(given: bytes | Callable[[Asked], bytes | None] | None, **options: Any) -> Any:
    return Server(given if callable(given) else lambda asked: given, **options).running()


def call(url: str, *args: Any, body: bytes = BODY, **options: Any) -> tuple[int, bytes]:
    return asyncio.run(post(url, body, *args, **options))


def cause(url: str, *args: Any, **options: Any) -> str:
    with pytest.raises(TransportError) as caught:
        call(url, *args, **options)
    assert caught.value.status == 500
    return str(caught.value)


# --- what is sent


def test_a_call_sends_what_go_sends_and_no_more():
    with serving(OK) as server:
        assert call(f"{server.url}/a/b?x=1") == (200, b"ok")
    (asked,) = server.asked
    assert asked.head.decode().split("\r\n") == [
        "POST /a/b?x=1 HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        "User-Agent: Go-http-client/1.1",
        "Content-Length: 17",
        "Content-Type: application/json",
        "Accept-Encoding: gzip",
    ]
    assert asked.body == BODY


def test_given_headers_are_sent_in_the_order_of_their_names():
    given = [("x-b", " 2 "), ("X-A", "é"), ("x-B", "3"), ("user-agent", "me"), ("Range", "x")]
    given += [("Content-Type", "a/b"), ("Content-Type", "c/d"), ("Host", "h"), ("Trailer", "t")]
    given += [("Content-Length", "999"), ("Transfer-Encoding", "chunked")]
    with serving(OK) as server:
        call(server.url, given)
    assert server.asked[0].headers[1:] == [
        ("User-Agent", "me"),
        ("Content-Length", "17"),
        ("Content-Type", "a/b"),
        ("Content-Type", "c/d"),
        ("Range", "x"),
        ("X-A", "é"),
        ("X-B", "2"),
        ("X-B", "3"),
    ]


def test_an_empty_header_is_none_to_go():
    with serving(OK) as server:
        call(server.url, [("User-Agent", ""), ("Content-Type", ""), ("Accept-Encoding", "")])
    assert server.asked[0].headers[1:] == [
        ("Content-Length", "17"),
        ("Accept-Encoding", ""),
        ("Content-Type", ""),
        ("Content-Type", "application/json"),
        ("Accept-Encoding", "gzip"),
    ]


def test_an_empty_body_has_a_length():
    with serving(OK) as server:
        call(server.url, body=b"")
    assert server.asked[0].header("Content-Length") == "0"


def test_a_large_body_arrives():
    large = bytes(5_000_000)
    with serving(lambda asked: answer(200, str(len(asked.body)).encode())) as server:
        assert call(server.url, body=large) == (200, b"5000000")


@pytest.mark.parametrize(
    ("header", "wrong"),
    [
        (("a b", "1"), 'field name "a b"'),
        (("", "1"), 'field name ""'),
        (("é", "1"), 'field name "é"'),
        (("X-A", "1\r\nX-B: 2"), 'field value for "X-A"'),
        (("X-A", "\0"), 'field value for "X-A"'),
    ],
)
def test_a_header_that_cannot_be_is_not_sent(header: tuple[str, str], wrong: str):
    with serving(OK) as server:
        assert (
            cause(server.url, [header]) == f'Post "{server.url}": net/http: invalid header {wrong}'
        )
    assert not server.asked


def test_user_and_password_of_a_url_are_sent_and_hidden():
    with serving(OK) as server:
        url = server.url.replace("//", "//ada:se%20cret@")
        call(url)
        call(url, [("Authorization", "Bearer t")])
        ftp = url.replace("http", "ftp")
        assert cause(ftp).startswith(f'Post "ftp://ada:***@127.0.0.1:{server.port}": unsupp')
    assert [a.header("Authorization") for a in server.asked] == [
        "Basic YWRhOnNlIGNyZXQ=",
        "Bearer t",
    ]


# --- what comes back


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (OK, (200, b"ok")),
        (b"HTTP/1.1 599 \r\nContent-Length: 1\r\n\r\nx", (599, b"x")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"")),
        (b"HTTP/1.1 205 X\r\nContent-Length: 1\r\n\r\nx", (205, b"x")),
        (b"HTTP/1.1 200 OK\r\n\r\nall until the end", (200, b"all until the end")),
        (b"HTTP/1.0 200 OK\r\n\r\nold", (200, b"old")),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
            (200, b"abcde"),
        ),
        (b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK, (200, b"ok")),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, (200, b"ok")),
        (answer(200, b"x", X_A="a" * 100_000), (200, b"x")),
        (answer(301), (301, b"")),
        (answer(307, b"where to?"), (307, b"where to?")),
        (answer(304), (304, b"")),
        (answer(300, b"x", Location="/elsewhere"), (300, b"x")),
        (answer(200, b"packed", Content_Encoding="br"), (200, b"packed")),
    ],
)
def test_answers_come_back(raw: bytes, expected: tuple[int, bytes]):
    with serving(raw) as server:
        assert call(server.url, timeout=5) == expected


def test_a_switch_of_protocols_has_no_body():
    raw = b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nwhatever"
    with serving(raw) as server:
        assert call(server.url, [("Connection", "upgrade"), ("Upgrade", "h2c")]) == (101, b"")


def test_gzip_is_unpacked_if_nobody_asked_for_it():
    packed = gzip.compress(b"one ", mtime=0) + gzip.compress(b"two")
    with serving(answer(200, packed, Content_Encoding="GZip")) as server:
        assert call(server.url) == (200, b"one two")
        assert call(server.url, [("Accept-Encoding", "gzip")]) == (200, packed)
        assert call(server.url, [("Range", "bytes=0-")]) == (200, packed)
    members = [bytes([i % 256]) * i for i in range(3000)]
    packed = b"".join(gzip.compress(member, mtime=0) for member in members)
    with serving(answer(200, packed, Content_Encoding="gzip")) as server:
        assert call(server.url) == (200, b"".join(members))
    with serving(answer(200, b"", Content_Encoding="gzip")) as server:
        assert call(server.url) == (200, b"")


@pytest.mark.parametrize(
    ("packed", "told"),
    [
        (b"no gzip", "gzip: invalid header"),
        (gzip.compress(b"one", mtime=0) + b"behind", "gzip: invalid header"),
        (gzip.compress(b"one", mtime=0)[:-4], "unexpected EOF"),
        (gzip.compress(b"one", mtime=0)[:-8] + bytes(8), "gzip: invalid checksum"),
        (gzip.compress(b"", mtime=0)[:10] + b"\xff" * 20, "flate: corrupt input"),
    ],
)
def test_broken_gzip_is_told(packed: bytes, told: str):
    with serving(answer(200, packed, Content_Encoding="gzip")) as server:
        assert cause(server.url) == told


# --- no answer


def test_nobody_listens():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        address = f"127.0.0.1:{port}"
        assert cause(f"http://{address}/x") == (
            f'Post "http://{address}/x": dial tcp {address}: connect: connection refused'
        )
        told = cause(f"http://localhost:{port}/x")
        assert told.endswith(f"dial tcp localhost:{port}: connect: connection refused")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", 'Post "": unsupported protocol scheme ""'),
        ("svc/x", 'Post "svc/x": unsupported protocol scheme ""'),
        ("ftp://svc/x", 'Post "ftp://svc/x": unsupported protocol scheme "ftp"'),
        ("http:", 'Post "http:": http: no Host in request URL'),
        ("http:///x", 'Post "http:///x": http: no Host in request URL'),
        ("http://bad host/x", 'parse "http://bad host/x": invalid character " " in host name'),
        ("http://h/%zz", 'parse "http://h/%zz": invalid URL escape "%zz"'),
        ("http://h%41/", 'parse "http://h%41/": invalid URL escape "%41"'),
        ("http://h:p/x", 'parse "http://h:p/x": invalid port ":p" after host'),
        ("http://h/\n", r'parse "http://h/\n": net/url: invalid control character in URL'),
        ("http://[::1/", "parse \"http://[::1/\": missing ']' in host"),
        ("http://[::1]a/", 'parse "http://[::1]a/": invalid port "a" after host'),
        ('http://"@h/', r'parse "http://\"@h/": net/url: invalid userinfo'),
        (":x", 'parse ":x": missing protocol scheme'),
        ("a-b:c/d", 'Post "a-b:c/d": unsupported protocol scheme "a-b"'),
        ("1a:b", 'parse "1a:b": first path segment in URL cannot contain colon'),
        ("http://h/#%", 'parse "http://h/#%": invalid URL escape "%"'),
        ("http://127.0.0.1:65536", "dial tcp: address 65536: invalid port"),
        ("http://no.such.host.invalid/x", "no such host"),
        ("http://a:b:/x", "dial tcp: lookup a:b: no such host"),
        ("http://a..b/x", "dial tcp: lookup a..b: no such host"),
        (f"http://{'a' * 70}.b/", "no such host"),
        ("http://127.0.0.1:" + "9" * 5000, "invalid port"),
    ],
)
def test_a_url_that_leads_nowhere(url: str, told: str):
    assert cause(url).endswith(told)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (None, 'Post "URL": EOF'),
        (b"HTTP/1.1 200 OK\r\nContent-Le", 'Post "URL": EOF'),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nab", "unexpected EOF"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nab", "unexpected EOF"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nab", "malformed body: "),
        (b"SSH-2.0 here\r\n\r\n", 'Post "URL": net/http: HTTP/1.x transport connection broken: '),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "malformed HTTP response: "),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 2_000_000 + b"\r\n\r\n", "malformed HTTP response: "),
    ],
)
def test_an_answer_that_breaks_off(raw: bytes | None, told: str):
    with serving(raw) as server:
        given = cause(server.url).replace(server.url, "URL")
    assert given.startswith(told) or told in given
    assert given.startswith("Post") == ("Post" in told or "transport" in told or "HTTP" in told)
    assert len(server.asked) == 1


def test_a_server_that_speaks_no_tls():
    def plainly(taken: socket.socket) -> None:
        with taken:
            taken.recv(65536)
            taken.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=lambda: plainly(listening.accept()[0]))
        thread.start()
        url = f"https://127.0.0.1:{listening.getsockname()[1]}"
        assert cause(url, timeout=5).startswith(f'Post "{url}": tls: ')
        thread.join()


@pytest.mark.parametrize("raw", [b"x" * 1001, gzip.compress(bytes(1001), mtime=0)])
def test_an_answer_that_is_too_large(raw: bytes, monkeypatch: pytest.MonkeyPatch):
    from graph_magics.gohttp import client

    monkeypatch.setattr(transport, "MAX_BODY", 1000)
    monkeypatch.setattr(client, "MAX_BODY", 1000)
    encoding = {} if raw.startswith(b"x") else {"Content_Encoding": "gzip"}
    with serving(answer(200, raw, **encoding)) as server:
        assert cause(server.url) == "the answer has more than 1,000 bytes"


# --- too late


def test_a_service_that_hangs():
    given_up = threading.Event()

    def hang(asked: Asked) -> bytes:
        given_up.wait()
        return OK

    with serving(hang) as server:
        assert cause(server.url, timeout=0.5) == (
            f'Post "{server.url}": context deadline exceeded '
            "(Client.Timeout exceeded while awaiting headers)"
        )
        given_up.set()


def test_a_service_that_hangs_halfway():
    def half(asked: Asked) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"

    with serving(half) as server:
        assert cause(server.url, timeout=1.5) == (
            "context deadline exceeded (Client.Timeout or context cancellation while reading body)"
        )


def test_the_time_is_for_all_redirects_together():
    def slowly(asked: Asked) -> bytes:
        time.sleep(0.4)
        return answer(307, Location="/next")

    with serving(slowly) as server:
        told = cause(server.url, timeout=1.5)
    assert told.startswith(f'Post "{server.url}/next": context deadline exceeded (Client.Timeout ')


def test_what_was_given_up_answers_nobody_else():
    def late(asked: Asked) -> bytes:
        if asked.body == b"late":
            time.sleep(0.1)
        return answer(200, asked.body)

    async def both() -> list[Any]:
        with pytest.raises(TransportError):
            await post(server.url, b"late", timeout=0.02)
        return [await post(server.url, str(i).encode()) for i in range(3)]

    with serving(late) as server:
        assert asyncio.run(both()) == [(200, b"0"), (200, b"1"), (200, b"2")]


@pytest.mark.parametrize("timeout", [None, 0, -1])
def test_no_timeout(timeout: float | None):
    with serving(OK) as server:
        assert call(server.url, timeout=timeout) == (200, b"ok")


# --- redirects


def test_redirects_are_followed_as_by_go():
    steps = {
        "/a?q": answer(307, b"moved", Location="b/./c"),
        "/b/c": answer(302, Location="../d?x= y#f"),
        "/d?x=%20y": answer(308, Location="//HOST/e"),
        "/e": answer(200, b"there"),
    }

    def step(asked: Asked) -> bytes:
        return steps[asked.line.split()[1]].replace(b"HOST", server.url[7:].encode())

    with serving(step) as server:
        assert call(f"{server.url}/a?q", [("X-A", "1")]) == (200, b"there")
    told = [(asked.line, asked.body, asked.header("Referer")) for asked in server.asked]
    assert told == [
        ("POST /a?q HTTP/1.1", BODY, None),
        ("POST /b/c HTTP/1.1", BODY, f"{server.url}/a?q"),
        ("GET /d?x=%20y HTTP/1.1", b"", f"{server.url}/b/c"),
        ("GET /e HTTP/1.1", b"", f"{server.url}/d?x= y#f"),
    ]
    assert server.connections == 1
    for asked in server.asked:
        assert asked.header("Content-Type") == "application/json"
        assert asked.header("X-A") == "1"
    assert server.asked[2].header("Content-Length") is None


def test_a_circle_of_redirects_ends():
    with serving(answer(307, Location="/again")) as server:
        assert cause(server.url) == 'Post "/again": stopped after 10 redirects'
    assert len(server.asked) == 10


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("ftp://h/x", 'Post "ftp://h/x": unsupported protocol scheme "ftp"'),
        (
            "http://bad host/",
            'Post "URL": failed to parse Location header "http://bad host/": '
            'parse "http://bad host/": invalid character " " in host name',
        ),
        ("http:x", 'Post "http:x": http: no Host in request URL'),
    ],
)
def test_a_redirect_that_leads_nowhere(location: str, told: str):
    with serving(answer(307, Location=location)) as server:
        assert cause(server.url).replace(server.url, "URL") == told


def test_a_broken_body_does_not_stop_a_redirect():
    def step(asked: Asked) -> bytes:
        if asked.line.startswith("GET"):
            return OK
        return b"HTTP/1.1 303 X\r\nLocation: /x\r\nContent-Length: 9\r\nConnection: close\r\n\r\n"

    with serving(step) as server:
        assert call(server.url) == (200, b"ok")


SECRETS = [("Authorization", "t"), ("Cookie", "k=v"), ("Www-Authenticate", "w"), ("X-A", "1")]


def test_secrets_stay_on_their_host():
    def away(asked: Asked) -> bytes:
        if asked.line.startswith("POST / "):
            return answer(307, Location=f"http://localhost:{server.port}/away")
        if asked.line.startswith("POST /away "):
            return answer(307, Location=f"{server.url}/back")
        return OK

    with serving(away) as server:
        call(f"{server.url}/", SECRETS)
    sent = [[name for name, _ in SECRETS if asked.header(name)] for asked in server.asked]
    assert sent == [[name for name, _ in SECRETS], ["X-A"], ["X-A"]]


def test_secrets_go_along_on_the_same_host():
    def elsewhere(asked: Asked) -> bytes:
        return answer(307, Location=f"{other.url}/")

    with serving(OK) as other, serving(elsewhere) as server:
        call(f"{server.url}/", SECRETS)
    assert [name for name, _ in SECRETS if other.asked[0].header(name)] == [
        name for name, _ in SECRETS
    ]


# --- connections


def test_a_connection_is_used_again():
    async def often() -> None:
        for _ in range(20):
            await post(server.url, BODY)

    with serving(OK) as server:
        asyncio.run(often())
    assert server.connections == 1
    assert len(server.asked) == 20


def test_no_more_connections_than_calls_at_once():
    async def wave() -> None:
        await asyncio.gather(*(post(server.url, BODY) for _ in range(8)))

    async def waves() -> None:
        for _ in range(5):
            await wave()

    with serving(OK) as server:
        asyncio.run(waves())
    assert server.connections == 8


@pytest.mark.parametrize(
    "last",
    [
        answer(200, b"ok", Connection="close"),
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n\r\nok",
    ],
)
def test_a_connection_that_is_announced_to_close_is_not_used_again(last: bytes):
    async def twice() -> None:
        for _ in range(2):
            assert await post(server.url, BODY) == (200, b"ok")

    with serving(last) as server:
        asyncio.run(twice())
    assert server.connections == 2


def test_connections_that_a_server_closes_after_some_answers():
    """Whenever it closes them, nothing is lost, and nothing is asked twice."""

    async def all_of_them() -> list[Any]:
        limit = asyncio.Semaphore(16)

        async def one(i: int) -> tuple[int, bytes]:
            async with limit:
                return await post(server.url, str(i).encode())

        return await asyncio.gather(*map(one, range(300)))

    with serving(lambda asked: answer(200, asked.body), most=3) as server:
        assert asyncio.run(all_of_them()) == [(200, str(i).encode()) for i in range(300)]
    assert len(server.asked) == 300
    assert server.connections >= 100


def test_connections_that_a_server_closes_when_they_are_idle():
    async def with_pauses() -> None:
        for number in range(1, 5):
            assert await post(server.url, BODY) == (200, b"ok")
            while server.closed < number:
                await asyncio.sleep(0.001)

    with serving(OK, closing="when idle") as server:
        asyncio.run(with_pauses())
    assert len(server.asked) == server.connections == 4


def test_a_server_that_closes_just_then():
    """What crosses the closing of an idle connection was read by nobody, and is sent again."""

    async def one_after_the_other() -> None:
        for _ in range(5):
            assert await post(server.url, BODY) == (200, b"ok")

    async def several() -> None:
        await asyncio.gather(*(one_after_the_other() for _ in range(8)))

    with serving(OK, closing="just then") as server:
        asyncio.run(several())
    assert len(server.asked) == server.connections == 40


@pytest.mark.parametrize("greeting", [b"220 hello\r\n", b""])
def test_a_server_that_does_not_wait_for_a_request(greeting: bytes):
    def greet() -> None:
        taken, _ = listening.accept()
        with taken:
            taken.sendall(greeting)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=greet)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        assert cause(url, timeout=5).startswith(f'Post "{url}": ')
        thread.join()


def test_a_service_that_drops_a_request_is_asked_once_even_on_a_kept_connection():
    async def twice() -> str:
        assert await post(server.url, BODY) == (200, b"ok")
        with pytest.raises(TransportError) as caught:
            await post(server.url, b"drop")
        return str(caught.value)

    with serving(lambda asked: None if asked.body == b"drop" else OK) as server:
        assert asyncio.run(twice()) == f'Post "{server.url}": EOF'
    assert [(asked.connection, asked.body) for asked in server.asked] == [(1, BODY), (1, b"drop")]


def test_a_connection_is_not_used_again_after_a_while(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(transport, "KEEP_ALIVE", 0.02)

    async def twice() -> None:
        await post(server.url, BODY)
        await asyncio.sleep(0.05)
        await post(server.url, BODY)

    with serving(OK) as server:
        asyncio.run(twice())
    assert server.connections == 2


def test_calls_of_many_events_share_connections():
    async def one(event: int) -> tuple[int, bytes]:
        return await post(server.url, str(event).encode(), timeout=30)

    with serving(lambda asked: answer(200, asked.body)) as server:
        for _ in range(2):
            given = async_map(one, range(200))
            assert given == [(200, str(event).encode()) for event in range(200)]
    assert len(server.asked) == 400
    assert server.connections <= 32


def test_one_failure_among_many_is_its_own():
    async def one(event: int) -> tuple[int, bytes]:
        return await post(server.url, str(event).encode(), timeout=30)

    def but_seven(asked: Asked) -> bytes | None:
        return None if asked.body == b"7" else answer(200, asked.body)

    with serving(but_seven) as server:
        given = async_map(one, range(100))
    assert str(given[7]) == f'Post "{server.url}": EOF'
    assert [i for i, one_given in enumerate(given) if isinstance(one_given, Exception)] == [7]


def test_a_loop_that_ends_leaves_nothing_open():
    async def wave() -> None:
        await asyncio.gather(*(post(server.url, BODY) for _ in range(5)))

    with serving(OK) as server:
        thread = threading.Thread(target=lambda: asyncio.run(wave()))
        thread.start()
        thread.join()
    gc.collect()  # would warn of what is still open
    assert not [loop for loop in transport._lines if loop.is_closed()]


def test_a_loop_that_is_closed_carelessly_is_forgotten():
    with serving(OK) as server:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(post(server.url, BODY, [("Connection", "close")]))
        loop.close()
        assert loop in transport._lines
        call(server.url)
    assert loop not in transport._lines


def test_nothing_is_said_when_python_ends():
    with serving(OK) as server:
        code = (
            "from graph_magics.engine.aio import async_map\n"
            "from graph_magics.gohttp import post\n"
            f"print(async_map(lambda _: post({server.url!r}, b'1'), range(3))[2])\n"
        )
        command = [sys.executable, "-W", "error", "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("(200, b'ok')\n", "")
