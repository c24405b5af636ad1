"""HTTP itself: httpx sends a request and reads the answer, and we say its errors as Go does."""

from __future__ import annotations

import asyncio
import atexit
import errno
import os
import re
import socket
import ssl
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cache
from typing import Any

import httpx

from .urls import URL

#: The largest body of an answer, in bytes, packed and unpacked.
MAX_BODY = 256 * 2**20
#: How long connecting may take, in seconds, as in Go.
DIAL_TIMEOUT = 30.0
#: How long an idle connection is kept, in seconds: shorter than a server waits before it closes
#: one. What is sent while it closes is lost, and nobody can say whether it was read.
KEEP_ALIVE = 1.0

# On every system, Windows included.
_REASONS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset by peer",
    errno.EPIPE: "broken pipe",
}


class NoAnswer(Exception):
    """An exchange came to no answer; the text says why, as Go does."""


class BrokenOff(NoAnswer):
    """An answer began, and did not end."""


class Answer:
    """The head of an answer, and the way to its body."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code

    def first(self, name: str) -> str:
        """The first value of a header; empty if there is none."""
        given = name.lower().encode()
        values = (value for key, value in self._response.headers.raw if key.lower() == given)
        return next(values, b"").decode("utf-8", "replace")

    async def body(self) -> bytes:
        """Read the whole body, as it came."""
        chunks, size = [], 0
        try:
            async for chunk in self._response.aiter_raw():
                chunks.append(chunk)
                size += len(chunk)
                if size > MAX_BODY:
                    raise BrokenOff(too_large())
        except httpx.TransportError as error:
            raise BrokenOff(_broken_off(error)) from None
        return b"".join(chunks)

    async def skip(self, most: int) -> None:
        """Read the body if it is short, so that the connection can be kept, and forget it."""
        size = 0
        with suppress(httpx.TransportError):
            async for chunk in self._response.aiter_raw():
                size += len(chunk)
                if size > most:
                    return


@asynccontextmanager
async def asked(
    method: str, url: URL, headers: Sequence[tuple[bytes, bytes]], body: bytes | None
) -> AsyncIterator[Answer]:
    """Send a request, and wait for the head of its answer.

    Where a connection that was kept turns out to be reset, the service was closing it and has
    not taken the request: it is sent again on another. It is never sent again otherwise.

    Raises
    ------
    NoAnswer
    """
    scheme, host, port = url.origin
    if port > 0xFFFF:
        raise NoAnswer(f"dial tcp: address {port}: invalid port")
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        place = httpx.URL(f"{scheme}://{address}/")
    except httpx.InvalidURL:
        raise NoAnswer(f"dial tcp: lookup {host}: no such host") from None
    lines = await _lines_of_loop()
    with lines.line(scheme) as line:
        response = await _sent(line, method, place, url.target, headers, body, address)
        try:
            yield Answer(response)
        finally:
            await response.aclose()


async def _sent(
    line: httpx.AsyncHTTPTransport,
    method: str,
    place: httpx.URL,
    target: str,
    headers: Sequence[tuple[bytes, bytes]],
    body: bytes | None,
    address: str,
) -> httpx.Response:
    while True:
        dialled = _Dialled()
        extensions = {
            "target": target.encode(),
            "timeout": {"connect": DIAL_TIMEOUT},
            "trace": dialled,
        }
        stream = httpx.ByteStream(body or b"")
        request = httpx.Request(
            method, place, headers=list(headers), stream=stream, extensions=extensions
        )
        try:
            return await line.handle_async_request(request)
        except httpx.TransportError as error:
            if not isinstance(error, httpx.ReadError) or dialled.anew:
                raise NoAnswer(_told(error, address)) from None


async def exchanged(request: httpx.Request) -> httpx.Response:
    """Send a request of httpx's own over one of the lines, and read the whole answer.

    It is sent again as in `asked`; what it raises is httpx's.
    """
    if request.url.scheme not in ("http", "https"):
        raise httpx.UnsupportedProtocol(f"no http:// or https://: {request.url.scheme}://")
    lines = await _lines_of_loop()
    with lines.line(request.url.scheme) as line:
        while True:
            dialled = _Dialled()
            request.extensions = {**request.extensions, "trace": dialled}
            try:
                response = await line.handle_async_request(request)
                break
            except httpx.ReadError:
                if dialled.anew:
                    raise
        try:
            body = await Answer(response).body()
        finally:
            await response.aclose()
    return httpx.Response(
        response.status_code, headers=response.headers, stream=httpx.ByteStream(body)
    )


class _Dialled:
    """Sees whether a request had a connection made for it."""

    anew = False

    async def __call__(self, event: str, info: dict[str, Any]) -> None:
        self.anew = self.anew or event.startswith("connection.")


class _Lines:
    """The transports of one event loop, each for one request at a time.

    One for all would do, but it goes through all its connections whenever one of them is taken
    or given back: with 32 requests under way that is most of the time.
    """

    def __init__(self) -> None:
        self._idle: dict[str, list[httpx.AsyncHTTPTransport]] = {"http": [], "https": []}
        self._guard = self._until_the_loop_ends()

    async def open(self) -> _Lines:
        """Let the connections be closed before the loop is."""
        await anext(self._guard)
        return self

    @contextmanager
    def line(self, scheme: str) -> Iterator[httpx.AsyncHTTPTransport]:
        """Take the transport that was used last, or make one, and give it back."""
        idle = self._idle[scheme]
        line = idle.pop() if idle else _new_line(scheme)
        try:
            yield line
        finally:
            idle.append(line)

    async def close(self) -> None:
        """Close all connections."""
        for idle in self._idle.values():
            while idle:
                await idle.pop().aclose()

    async def _until_the_loop_ends(self) -> AsyncGenerator[None, None]:
        """Be what `asyncio.run` closes before it closes the loop."""
        try:
            yield
        finally:
            _lines.pop(asyncio.get_running_loop(), None)
            await self.close()


# A connection holds its loop, so a loop that ends without closing its generators stays until the
# next one comes.
_lines: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Lines] = weakref.WeakKeyDictionary()


async def _lines_of_loop() -> _Lines:
    loop = asyncio.get_running_loop()
    found = _lines.get(loop)
    if found is None:
        for other in [other for other in _lines if other.is_closed()]:
            del _lines[other]
        found = _lines[loop] = _Lines()
        await found.open()
    return found


def _new_line(scheme: str) -> httpx.AsyncHTTPTransport:
    # To load whom to trust takes a while; a context by itself trusts nobody.
    context = _trusting() if scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    kept = httpx.Limits(keepalive_expiry=KEEP_ALIVE)
    return httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=kept)


@cache
def _trusting() -> ssl.SSLContext:
    return httpx.create_ssl_context()  # Of SSL_CERT_FILE or SSL_CERT_DIR, as Go has it, if set.


@atexit.register
def _close() -> None:
    """Leave no connection open when Python ends: that is the end of the private loop, too."""
    for loop, lines in list(_lines.items()):
        if loop.is_running():
            with suppress(TimeoutError):
                asyncio.run_coroutine_threadsafe(lines.close(), loop).result(timeout=1)


def too_large() -> str:
    """What is said of a body over `MAX_BODY`."""
    return f"the answer has more than {MAX_BODY:,} bytes"


def _told(error: Exception, address: str) -> str:
    """What Go says of an exchange that came to no answer."""
    cause = _cause(error)
    if isinstance(error, httpx.ConnectTimeout):
        return f"dial tcp {address}: i/o timeout"
    if isinstance(error, httpx.ConnectError):
        host = address.rpartition(":")[0].strip("[]")
        if isinstance(cause, (socket.gaierror, UnicodeError)):
            return f"dial tcp: lookup {host}: no such host"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"tls: failed to verify certificate: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"tls: {cause.reason}"
        return f"dial tcp {address}: connect: {_reason(cause)}"
    if isinstance(error, httpx.RemoteProtocolError):
        if "disconnected without" in str(error):
            return "EOF"
        return f"net/http: HTTP/1.x transport connection broken: malformed HTTP response: {error}"
    if isinstance(error, httpx.LocalProtocolError):
        return str(error)
    return f"read tcp: read: {_reason(cause)}"


def _broken_off(error: httpx.TransportError) -> str:
    """What Go says of an answer that did not end."""
    if isinstance(error, httpx.RemoteProtocolError):
        ended = "closed connection" in str(error) or "disconnected" in str(error)
        return "unexpected EOF" if ended else f"malformed body: {error}"
    return f"read tcp: read: {_reason(_cause(error))}"


def _cause(error: BaseException) -> BaseException:
    """The system's own error, at the end of what it was wrapped in."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error


def _reason(error: BaseException) -> str:
    """What Go says of a system's error."""
    number = error.errno if isinstance(error, OSError) else None
    if number is None and (found := re.search(r"\[Errno (\d+)\]", str(error))):
        number = int(found[1])
    if number is None:
        return str(error) or type(error).__name__
    return _REASONS.get(number) or os.strerror(number).lower()
