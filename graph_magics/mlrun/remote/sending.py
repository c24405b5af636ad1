"""Requests of remote steps: sent with httpx, and again where that may help."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from ...backoff import pause
from ...errors import GraphError, Unanswered, one_line
from ...gohttp.transport import BrokenOff, exchanged

RETRIES = 6
"""How often a request is sent again, where nothing is said (MLRun 1.12)."""

BACKOFF_FACTOR = 0.1
"""How many seconds pass before it is, where nothing is said; each time twice as many."""

_URL = re.compile(r"https?://[^/?#]", re.IGNORECASE)
#: Whatever happens before a request is taken, or breaks it off; not that it takes too long.
_NOT_CONNECTED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.ReadError,
    httpx.WriteError,
    httpx.CloseError,
    httpx.RemoteProtocolError,
    BrokenOff,
)


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent."""

    method: str
    url: Any
    headers: Mapping[str, Any]
    content: bytes | None

    def __str__(self) -> str:
        # Not whose password it is sent with.
        return f"{self.method} {re.sub(r'//[^/?#]*@', '//', str(self.url))}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered."""

    request: Request
    status: int
    body: bytes
    content_type: str


class BadResponse(GraphError, RuntimeError):
    """A service answered with a status that is an error."""

    status = 400

    def __init__(self, reply: Reply) -> None:
        told = reply.body[:500].decode(errors="replace")
        super().__init__(f"{reply.request} was answered with status {reply.status}: {told}")
        self.status_code = reply.status


class NotSent(Unanswered):
    """A request came to no answer."""

    status = 400


class Line:
    """Sends the requests of a batch.

    Parameters
    ----------
    retries : int
        How often one is sent again.
    backoff_factor : float
        Seconds before that.
    timeout : float
        Seconds for each time.
    """

    def __init__(self, retries: int, backoff_factor: float, timeout: float) -> None:
        self._retries = retries
        self._backoff_factor = backoff_factor
        self._timeout = timeout
        self._is_down = False

    async def answer(self, request: Request) -> Reply:
        """Send a request, and give what it is answered, whatever its status.

        Raises
        ------
        NotSent
            If there is no answer.
        """
        for attempt in range(self._retries + 1):
            try:
                reply = await self._sent(request)
            except _NOT_CONNECTED as error:
                cause = _cause(error)
                if self._gives_up(attempt) or _is_final(cause):
                    raise NotSent(f"{request} came to no answer: {one_line(cause)}") from None
            except TimeoutError:
                raise NotSent(
                    f"{request} was not answered within {self._timeout:g} seconds"
                ) from None
            except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError) as error:
                raise NotSent(f"{request} cannot be sent: {one_line(error)}") from None
            else:
                if reply.status < 500:
                    self._is_down = False
                    return reply
                if self._gives_up(attempt):
                    return reply
            await asyncio.sleep(pause(attempt, self._backoff_factor))
        raise AssertionError

    def _gives_up(self, attempt: int) -> bool:
        """Whether that was the last time; of no use is more, too, where others were given up."""
        self._is_down = self._is_down or attempt == self._retries
        return self._is_down

    async def _sent(self, request: Request) -> Reply:
        headers = {str(name): str(value) for name, value in request.headers.items()}
        if not _URL.match(str(request.url)):
            raise ValueError("a URL begins with http:// or https:// and a host")
        async with asyncio.timeout(self._timeout):
            response = await _client().request(
                request.method, str(request.url), headers=headers, content=request.content
            )
        kind = response.headers.get("content-type", "")
        return Reply(request, response.status_code, response.content, kind)


def _cause(error: BaseException) -> BaseException:
    """The system's own error, at the end of what it was wrapped in."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error


def _is_final(error: BaseException) -> bool:
    """Whether there is no host of that name, or one that is not to be trusted."""
    no_host = isinstance(error, socket.gaierror) and error.errno == socket.EAI_NONAME
    return no_host or isinstance(error, ssl.SSLError)


class _Lines(httpx.AsyncBaseTransport):
    """The connections that all remote steps of this package share."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await exchanged(request)


@cache
def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=_Lines(),
        timeout=None,
        follow_redirects=True,
        trust_env=False,
        # No event is to be taken for another's.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )
