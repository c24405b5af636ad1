"""How a graph takes requests and gives answers: plainly, as KServe's router, or as MLRun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .batch import Batch
from .bodies import objects
from .engine import Events
from .mlrun.answers import bodies_of, event_of, response_to, unwrapped
from .mlrun.face import FunctionSpec
from .serving import plain_response, request_of, requests_of, router_response, without_crash
from .wire import Response

_ONE = pd.RangeIndex(1)


@dataclass(slots=True)
class Asked:
    """One request, as the user asks it."""

    path: str
    body: Any
    method: str | None
    headers: Sequence[tuple[str, str]]
    event_id: str | None
    content_type: str | None


class Exchange:
    """Takes requests as they are, and answers with JSON."""

    #: Whether a cell of a run's frame holds the whole body of an answer.
    as_sent = False

    def is_path(self, path: Any, body: Any) -> bool:
        """Whether what is asked for first is a path, and not the body."""
        return isinstance(path, str) and path.startswith("/")

    def taken(self, events: Events) -> Events:
        """Take the events of a run."""
        return events

    def asked(self, asked: Asked) -> tuple[Events, Any]:
        """Take one request: as a batch of one, and what it is besides its body."""
        return request_of(asked.body, is_raw=False), None

    def settled(self, answer: Batch) -> Batch:
        """What was answered, as it stands in a run; KServe's routers may leave no status."""
        return without_crash(answer)

    def response(self, answer: Batch, given: Batch) -> Response:
        """What is sent, for an answer to one request that was settled; and as it was given."""
        return plain_response(answer)


class KServeExchange(Exchange):
    """As KServe's router: bytes in, and bytes out."""

    as_sent = True

    def taken(self, events: Events) -> Events:
        """A row of a table is an instance."""
        return requests_of(events)

    def asked(self, asked: Asked) -> tuple[Events, Any]:
        """The request goes over the wire."""
        return request_of(asked.body, is_raw=True), None

    def response(self, answer: Batch, given: Batch) -> Response:
        """What the router writes."""
        return router_response(answer)


class MLRunExchange(Exchange):
    """As MLRun's graph server: a request has a path, a method and an id, which steps may see."""

    def __init__(self, spec: FunctionSpec) -> None:
        self.spec = spec

    def is_path(self, path: Any, body: Any) -> bool:
        """MLRun takes any path."""
        if not isinstance(path, str):
            return False
        return path.startswith("/") or not path or body is not None

    def taken(self, events: Events) -> Events:
        """Texts are read."""
        if isinstance(events.bodies, list):
            return Events(bodies_of(events.bodies), events.index)
        return events

    def asked(self, asked: Asked) -> tuple[Events, Any]:
        """The event that MLRun makes of a request."""
        body, kind = asked.body, asked.content_type
        if type(body) is not dict and isinstance(body, (pd.DataFrame, pd.Series)):
            body = objects(request_of(body, is_raw=False).bodies)[0]
        if kind is None:
            kind = self.spec.default_content_type
        event = event_of(asked.path, body, asked.method, asked.headers, asked.event_id, kind)
        return Events([event.body], _ONE), event

    def settled(self, answer: Batch) -> Batch:
        """A step may have answered with a status."""
        return unwrapped(answer)

    def response(self, answer: Batch, given: Batch) -> Response:
        """What the server sends."""
        return response_to(answer, objects(given.bodies)[0] if len(given) else None)


PLAIN, KSERVE = Exchange(), KServeExchange()
