"""What MLRun's steps see besides a body: the event, the response and the graph's context."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..batch import Batch
from ..bodies import many_objects
from ..context import Context
from ..failures import Failure, error_status


class Event:
    """An event with all that is known of it: what a step with ``full_event`` gets (MLRun 1.12).

    Attributes
    ----------
    body : JSON body
    id : str
        The request's id, or the event's position in the run as a text.
    path, method : str
        Of the request.
    headers : dict
    content_type, key : str
    error : exception, dict or None
        What an error handler is to handle: the exception, or with the sync engine the messages
        by step.
    origin_state : str
        The step that raised it.

    Examples
    --------
    >>> Event({"x": 5}, path="/v2/models").path
    '/v2/models'
    """

    def __init__(
        self,
        body: Any = None,
        *,
        id: str | None = None,
        path: str = "/",
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        content_type: str = "",
        key: str = "",
    ) -> None:
        self.body = body
        self.id = id
        self.path = path
        self.method = method
        self.headers = dict(headers or {})
        self.content_type = content_type
        self.key = key
        self.error: Any = None
        self.origin_state = ""
        self.terminated = False
        self.trigger = _HTTP
        self.offset = 0
        self.time = None

    def __repr__(self) -> str:
        return f"Event(id={self.id}, path={self.path}, method={self.method}, body={self.body!r})"


class _Trigger:
    """What sent the events: a request."""

    kind = ""
    name = ""


_HTTP = _Trigger()


class Response:
    """An answer with a status of its own: ``context.Response(...)`` in a step (MLRun 1.12).

    Examples
    --------
    >>> Response(body="no such model", status_code=404).content_type
    'text/plain'
    """

    def __init__(
        self,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str | None = None,
        status_code: int = 200,
    ) -> None:
        self.headers = dict(headers or {})
        self.body = body
        self.content_type = content_type or "text/plain"
        self.status_code = status_code

    def __repr__(self) -> str:
        return f"Response(status_code={self.status_code}, body={self.body!r})"


class Logger(logging.LoggerAdapter):  # type: ignore[type-arg]
    """The log of a graph's steps: Python's own, with the fields that MLRun's takes besides."""

    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        """Put fields such as ``name="m1"`` after the message."""
        kept = {k: kwargs.pop(k) for k in ("exc_info", "stack_info", "extra") if k in kwargs}
        kwargs.pop("stacklevel", None)
        told = " ".join(f"{key}={value!r}" for key, value in kwargs.items())
        return (f"{msg} {told}" if told else msg), kept


class GraphContext:
    """What steps are given as ``context`` (MLRun 1.12); anything may be kept in it.

    Attributes
    ----------
    Response : type
        What a step answers with a status of its own.
    logger : Logger
        To Python's logging, under ``graph_magics.mlrun``.
    is_mock : bool
        True: nothing is deployed here.
    root : RootFlowStep or RouterStep
        The graph as it was declared.

    Examples
    --------
    >>> GraphContext(parameters={"k": 7}).get_param("k")
    7
    """

    def __init__(
        self, parameters: Mapping[str, Any] | None = None, *, root: Any = None, name: str = ""
    ) -> None:
        self.Response = Response
        self.logger = Logger(logging.getLogger("graph_magics.mlrun"), {})
        self.is_mock = True
        self.monitoring_mock = False
        self.verbose = False
        self.current_function = None
        self.worker_id = 0
        self.state = None
        self.stream = None
        self.trigger = "http"
        self.root = root
        self.project = name
        self.server = self
        self.parameters = parameters if parameters is not None else {}
        self.context = self

    def get_param(self, key: str, default: Any = None) -> Any:
        """Give a parameter of the function, ``graph.spec.parameters``."""
        return self.parameters.get(key, default)

    def get_secret(self, key: str) -> Any:
        """Give nothing: secrets are kept by a cluster."""
        return None

    def push_error(
        self, event: Any, message: Any, source: str | None = None, **kwargs: Any
    ) -> None:
        """Log an error; in a cluster it goes to the error stream."""
        self.logger.error(f"{source}: {message}" if source else str(message))

    def get_remote_endpoint(self, name: str, external: bool = True) -> str:
        """Give a URL; names of deployed functions are known to a cluster only."""
        if "://" in name:
            return name
        raise ValueError(
            f"{name!r} is the name of a deployed function, which only a cluster knows; give its URL"
        )


def events_of(batch: Batch, bodies: Sequence[Any], context: Context) -> list[Event]:
    """Give an event of its own for each event of a batch, with these bodies."""
    request = context.request or _PLAIN
    heads = batch.heads
    events = []
    with many_objects(len(bodies)):
        for row, (position, body) in enumerate(zip(batch.positions.tolist(), bodies, strict=True)):
            head = request if heads is None or heads[row] is None else heads[row]
            event = copied(head)
            event.body = body
            event.headers = dict(event.headers)  # A step may write to them.
            if event.id is None:
                event.id = str(position + context.setup.first)
            events.append(event)
    return events


def ids_of(batch: Batch, context: Context) -> list[str]:
    """Give the id of each event: its own, the request's, or its position as a text."""
    given = (context.request or _PLAIN).id
    positions = (batch.positions + context.setup.first).tolist()
    ids = list(map(str, positions)) if given is None else [given] * len(positions)
    if batch.heads is not None:
        for row, head in enumerate(batch.heads):
            if head is not None and head.id is not None:
                ids[row] = head.id
    return ids


def copied(event: Any) -> Any:
    """Copy an event of any class, with whatever stands on it."""
    twin = object.__new__(type(event))
    twin.__dict__ = event.__dict__.copy()
    return twin


def heads_of(events: Sequence[Any]) -> np.ndarray:
    """Events as what is known of those of a batch, besides their bodies."""
    heads = np.empty(len(events), dtype=object)
    heads[:] = events
    return heads


def requests_in(batch: Batch, context: Context) -> Iterator[tuple[Event, np.ndarray]]:
    """Give the requests of a batch, each with the rows of the events that it is of.

    What is known of the events is the same for most; an event that a step has changed is one
    by itself. Ids are not looked at.
    """
    request = context.request or _PLAIN
    if batch.heads is None:
        yield request, np.arange(len(batch))
        return
    own = np.array([head is not None for head in batch.heads], dtype=bool)
    if not own.all():
        yield request, np.flatnonzero(~own)
    groups: dict[Any, list[int]] = {}
    for row in np.flatnonzero(own).tolist():
        head = batch.heads[row]
        groups.setdefault((head.path, head.method, head.content_type), []).append(row)
    for rows in groups.values():
        yield batch.heads[rows[0]], np.array(rows)


def failure_of(context: Context, error: Exception) -> Failure:
    """An event's failure: a status is that of MLRun's error, else 400 (MLRun 1.12)."""
    status = getattr(error, "error_status_code", getattr(error, "status", 400))
    return context.failure(error, error_status(status) if status != 400 else 400)


_PLAIN = Event()
