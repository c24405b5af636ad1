"""Go's HTTP client, as KServe's router calls services with it."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence

from .errors import TransportError
from .headers import Headers, fault, grouped, redirected, sent, takes_gzip
from .transport import MAX_BODY, Answer, BrokenOff, NoAnswer, asked, too_large
from .urls import URL, parse, quoted

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_WITH_BODY = frozenset({307, 308})
_MOST_REQUESTS = 10
_PIECE = 2**16
_SHORT = 2048  # how much of a redirect's body is waited for, to keep the connection


async def post(
    url: str,
    body: bytes,
    headers: Sequence[tuple[str, str]] = (),
    *,
    timeout: float | None = None,
) -> tuple[int, bytes]:
    """Call a service as KServe's router does, and follow where it leads.

    Parameters
    ----------
    url : str
    body : bytes
    headers : sequence of (name, value)
        To be sent besides those that are always sent; a name may stand more than once. Without
        a Content-Type, the body is called JSON.
    timeout : float, optional
        Seconds for all of it, redirects and reading included; without limit, if it is 0 or
        absent.

    Returns
    -------
    tuple of (int, bytes)
        The status, whichever it is, and the body.

    Raises
    ------
    TransportError
        If there is no answer, or not all of one.

    Examples
    --------
    >>> asyncio.run(post("ftp://svc/", b"{}"))
    Traceback (most recent call last):
        ...
    graph_magics.gohttp.errors.TransportError: Post "ftp://svc/": unsupported protocol scheme "ftp"
    """
    call = _Call(parse(url), body, grouped(headers))
    try:
        async with asyncio.timeout(timeout if timeout and timeout > 0 else None):
            return await call.answer()
    except TimeoutError:
        raise call.too_late() from None


class _Call:
    """A request, and those that redirects make of it."""

    def __init__(self, url: URL, body: bytes, headers: Headers) -> None:
        self._first, self._url = url, url
        self._method = "POST"
        self._body: bytes | None = body
        self._given, self._headers = headers, headers
        self._trusted = True
        self._reading = False

    async def answer(self) -> tuple[int, bytes]:
        """The first answer that is no redirect."""
        for _ in range(_MOST_REQUESTS):
            status, body, location = await self._exchange()
            if location is None:
                return status, body
            self._follow(status, location)
        raise self._failed("stopped after 10 redirects", location)

    def too_late(self) -> TransportError:
        """What is said when the time is over."""
        if self._reading:
            return TransportError(
                "context deadline exceeded "
                "(Client.Timeout or context cancellation while reading body)"
            )
        return self._failed(
            "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        )

    async def _exchange(self) -> tuple[int, bytes, str | None]:
        """Send the request as it is now; give status, body, and where a redirect leads."""
        if wrong := self._fault():
            raise self._failed(wrong)
        body = None if self._body is None else len(self._body)
        lines = sent(self._url, self._headers, body)
        try:
            async with asked(self._method, self._url, lines, self._body) as answer:
                return await self._taken(answer)
        except BrokenOff as error:
            raise TransportError(str(error)) from None
        except NoAnswer as error:
            raise self._failed(str(error)) from None

    async def _taken(self, answer: Answer) -> tuple[int, bytes, str | None]:
        location = answer.first("Location") if answer.status in _REDIRECTS else None
        if location:
            await answer.skip(_SHORT)
            return answer.status, b"", location
        self._reading = True
        packed = await answer.body()
        is_gzip = takes_gzip(self._headers) and answer.first("Content-Encoding").lower() == "gzip"
        return answer.status, _unpacked(packed) if is_gzip else packed, None

    def _fault(self) -> str | None:
        """What Go sees before it sends anything."""
        if self._url.scheme not in ("http", "https"):
            return f"unsupported protocol scheme {quoted(self._url.scheme)}"
        return fault(self._headers) or (None if self._url.host else "http: no Host in request URL")

    def _follow(self, status: int, location: str) -> None:
        """Become the request that a redirect asks for."""
        last = self._url
        try:
            self._url = last.refer(location)
        except TransportError as error:
            raise self._failed(
                f"failed to parse Location header {quoted(location)}: {error.message}"
            ) from None
        if status not in _WITH_BODY:
            self._body = None
            self._method = "GET"
        # Go never trusts again, even where a later redirect leads back.
        self._trusted = self._trusted and _is_within(self._url, self._first)
        secret = last.scheme == "https" and self._url.scheme == "http"
        self._headers = redirected(
            self._given, "" if secret else last.referer, trusted=self._trusted
        )

    def _failed(self, reason: str, url: str | None = None) -> TransportError:
        return TransportError(f"Post {quoted(url or self._url.text)}: {reason}")


def _is_within(url: URL, first: URL) -> bool:
    """Whether a host is another's, or of its domain."""
    host, domain = url.host_name, first.host_name
    is_address = ":" in host or "%" in host
    return host == domain or (not is_address and host.endswith(f".{domain}"))


def _unpacked(packed: bytes) -> bytes:
    """Undo gzip; there may be several members, one after the other."""
    parts: list[bytes] = []
    left, at = MAX_BODY, 0
    while at < len(packed):
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            # In pieces, for what stands behind a member is copied.
            piece = packed[at : at + _PIECE]
            if not piece:
                raise BrokenOff("unexpected EOF")
            try:
                parts.append(member.decompress(piece, left + 1))
            except zlib.error as error:
                raise BrokenOff(_gzip_fault(str(error))) from None
            at += len(piece) - len(member.unused_data)
            left -= len(parts[-1])
            if left < 0:
                raise BrokenOff(too_large())
    return b"".join(parts)


def _gzip_fault(told: str) -> str:
    if "header" in told:
        return "gzip: invalid header"
    return "gzip: invalid checksum" if "check" in told else "flate: corrupt input"
