"""`Remote`: a model server that is called over HTTP."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from ..backoff import pause
from ..batch import Batch
from ..bodies import objects
from ..context import Context
from ..errors import GraphError, one_line
from ..failures import Failure
from ..limits import CONCURRENCY, count, seconds
from ..nodes import Node, accepts
from ..wire import Raw, with_nulls, written

TIMEOUT = 300.0
"""How many seconds a service may take, where nothing is said; Knative's own limit."""

_BACKOFF = 0.1
_TOO_MANY = 429  # requests, and so it may take this one later.
_URL = re.compile(r"https?://[^/?#]", re.IGNORECASE)


class Remote(Node):
    """A service that answers events over HTTP: each is posted to it as JSON.

    The requests of a batch are under way at the same time, over connections that are kept.
    They are those that KServe's router would send, redirects included. None is repeated that
    the service may have read, unless ``retries`` says that it may be.

    Parameters
    ----------
    url : str
        ``http://`` or ``https://``, such as that of a model server's ``:predict``. A URL may
        also stand by itself, where a step is expected.
    timeout : float, optional
        Seconds for one request and its response; 300 if absent.
    concurrency : int
        How many requests of a batch are under way at once; fewer for a server that resets
        connections which it has no room for, as Python's ``http.server`` does.
    retries : int
        How often a request is sent again that came to no answer, or to one with the status 429
        or 500 and above; 0 if absent. For services that may be asked twice, as most models.
    backoff_factor : float
        Seconds before it is sent again, doubled each time, up to two minutes, and then somewhat
        at random; 0.1 if absent. The ``timeout`` is for each time anew.
    propagate_headers : str, optional
        Which headers of the request to the graph are sent along: regular expressions with
        commas between them, as KServe's ``PROPAGATE_HEADERS``; none if absent.
    name : str, optional
        Otherwise the variable's that it is assigned to.

    Raises
    ------
    GraphError
        If the URL is none, or a number is not above 0.

    Examples
    --------
    >>> from graph_magics import Graph, Remote
    >>> iris = Remote("http://localhost:8080/v1/models/iris:predict", timeout=5)
    >>> Graph("g", iris).nodes["iris"].title
    'localhost:8080/v1/models/iris:predict'
    """

    kind = "Remote"
    waits = True
    goes_by_event = True

    def __init__(
        self,
        url: str,
        *,
        timeout: float | None = None,
        concurrency: int = CONCURRENCY,
        retries: int = 0,
        backoff_factor: float | None = None,
        propagate_headers: str | None = None,
        name: str | None = None,
    ) -> None:
        if not isinstance(url, str) or not _URL.match(url):
            raise GraphError(f"a URL begins with http:// or https:// and a host, got {url!r}")
        self.url = url
        self.timeout = seconds("timeout", timeout)
        self.concurrency = count("concurrency", concurrency)
        self.retries = count("retries", retries, 0)
        self.backoff_factor = seconds("backoff_factor", backoff_factor) or _BACKOFF
        self.propagate_headers = propagate_headers
        self.name = name

    @classmethod
    def as_declared(cls, url: str, *, timeout: float | None, headers: str | None) -> Remote:
        """Make one of whatever a manifest has for a URL: events find out what is wrong with it."""
        remote = cls("http://localhost", timeout=timeout, propagate_headers=headers)
        remote.url = url
        return remote

    @property
    def title(self) -> str:
        """The URL without its scheme."""
        return re.sub(r"^https?://", "", self.url, flags=re.IGNORECASE)

    def natural_name(self) -> str:
        """The last word of the URL's path, or its host."""
        words = re.findall(r"[A-Za-z][\w-]*", self.title.partition("?")[0].partition(":predict")[0])
        return words[-1].replace("-", "_") if words else "remote"

    def run(self, batch: Batch, context: Context) -> Batch:
        """Post every event; a response is an answer whatever its status."""
        from ..gohttp import TransportError, post, propagated

        failures: dict[int, Failure] = {}
        requests: list[bytes] = []
        of_columns = not isinstance(batch.source[0], list)
        for row, body in enumerate(objects(batch.bodies)):
            try:
                requests.append(written(with_nulls(body) if of_columns else body))
            except (TypeError, ValueError) as error:
                unsent = GraphError(f"the event cannot be sent as JSON: {one_line(error)}")
                failures[row] = context.failure(unsent, status=400)
        headers = propagated(context.setup.headers, self.propagate_headers)
        timeout = self.timeout or TIMEOUT

        async def ask(request: bytes) -> tuple[int, bytes]:
            for attempt in range(self.retries):
                with suppress(TransportError):
                    status, body = await post(self.url, request, headers, timeout=timeout)
                    if status < 500 and status != _TOO_MANY:
                        return status, body
                await asyncio.sleep(pause(attempt, self.backoff_factor))
            return await post(self.url, request, headers, timeout=timeout)

        replies = context.setup.async_map(_timed(ask), requests, self.concurrency)
        rows = [row for row in range(len(batch)) if row not in failures]
        answers: list[Any] = []
        good: list[_Reply] = []
        for row, reply in zip(rows, replies, strict=True):
            if reply.error is not None:
                failures[row] = context.failure(reply.error, elapsed=reply.seconds)
            else:
                answers.append(Raw(reply.body))
                good.append(reply)
        status = np.array([reply.status for reply in good], dtype=np.int16)
        answered = batch.fail(failures, batch.like(answers), status)
        waited = answered.waited(np.array([reply.seconds for reply in good]))
        return waited.with_failures(answered.failures)


class _Reply(NamedTuple):
    """What came of one request, and after how many seconds."""

    seconds: float
    status: int = 0
    body: bytes = b""
    error: Exception | None = None


def _timed(
    ask: Callable[[bytes], Awaitable[tuple[int, bytes]]],
) -> Callable[[bytes], Awaitable[_Reply]]:
    async def timed(request: bytes) -> _Reply:
        started = perf_counter()
        try:
            status, body = await ask(request)
        except Exception as error:
            return _Reply(perf_counter() - started, error=error)
        return _Reply(perf_counter() - started, status, body)

    return timed


@accepts(lambda thing: isinstance(thing, str) and _URL.match(thing) is not None)
def _remote(thing: str) -> Node:
    return Remote(thing)
