"""`RemoteStep` and `BatchHttpRequests`: events that are sent over HTTP (MLRun 1.12)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, time, timedelta
from functools import partial
from typing import Any, ClassVar

import numpy as np

from ...batch import Batch
from ...bodies import Samples
from ...context import Context
from ...errors import GraphError, a, one_line
from ...failures import Failure
from ...limits import CONCURRENCY
from ...steps.remote import TIMEOUT
from ...wire import plain_value, with_nulls
from ..calling import each, own_bodies, without_errors
from ..errors import MLRunInvalidArgumentError
from ..events import Event, GraphContext, events_of
from ..fields import updated
from ..lookup import Namespace, evaluated
from ..storey.classes import Flow
from ..storey.elements import StoreyNode
from .sending import (
    BACKOFF_FACTOR,
    RETRIES,
    BadResponse,
    Line,
    Reply,
    Request,
)

_ID, _PATH = "MLRUN-EVENT-ID", "MLRUN-EVENT-PATH"


class RemoteStep(Flow):
    """Sends each event to a service and answers what that does: ``$remote`` (MLRun 1.12).

    The events of a batch are under way at the same time, over connections that are kept. The
    service gets the headers given here, ``MLRUN-EVENT-ID`` and ``MLRUN-EVENT-PATH``, and no other
    header of the request. Certificates are checked.

    Parameters
    ----------
    url : str
        ``http://`` or ``https://``.
    subpath : str, optional
        Follows the URL; ``"$path"`` is the event's path.
    method : str, optional
        If absent, the event's, else ``POST``. A ``GET`` sends no body.
    headers : dict, optional
    url_expression, body_expression, headers_expression : str, optional
        Expressions of ``event``, the body, such as ``event["url"]``; ``endpoint`` is the URL.
    return_json : bool
        Whether the answer is read as JSON whatever its type; else JSON only if it says so, and
        bytes otherwise.
    input_path, result_path : str, optional
        Where in the body is what is sent, and where the answer is written.
    max_in_flight : int, optional
        How many requests of a batch are under way at once; 32 if absent.
    retries : int, optional
        How often a request is sent again that came to no connection, or was answered with a
        status of 500 and above; 6 if absent. Once one has been given up, the next ones are sent
        but once, until one is answered.
    backoff_factor : float, optional
        Seconds before it is sent again, doubled each time, up to two minutes, and then somewhat
        at random; 0.1 if absent.
    timeout : float, optional
        Seconds for one request and its answer; 300 if absent. It is not sent again.

    Raises
    ------
    GraphError
        If there is neither a URL nor a ``url_expression``, or a number cannot be.

    Examples
    --------
    >>> from graph_magics import Graph
    >>> graph = Graph("g")
    >>> step = graph.to("$remote", name="echo", url="http://localhost:8080", retries=0).respond()
    >>> graph.nodes["echo"].title
    'localhost:8080'
    """

    run_by: ClassVar[str] = "remote.steps.RemoteNode"

    def __init__(
        self,
        url: str | None = None,
        subpath: str | None = None,
        method: str | None = None,
        headers: Mapping[str, str] | None = None,
        url_expression: str | None = None,
        body_expression: str | None = None,
        return_json: bool = True,
        input_path: str | None = None,
        result_path: str | None = None,
        max_in_flight: int | None = None,
        retries: int | None = None,
        backoff_factor: float | None = None,
        timeout: float | None = None,
        headers_expression: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(input_path=input_path, result_path=result_path, **kwargs)
        for what, number, least in (
            ("max_in_flight", max_in_flight, 1),
            ("retries", retries, 0),
            ("backoff_factor", backoff_factor, 0),
            ("timeout", timeout, 0),
        ):
            if number is not None and not (isinstance(number, (int, float)) and number >= least):
                raise GraphError(f"{what} must be a number, {least} or more, got {number!r}")
        if not url and not url_expression:
            raise GraphError("it needs a url or a url_expression")
        if headers is not None and not isinstance(headers, Mapping):
            raise GraphError(f"headers are a dict, got {a(headers)}")
        self.url = url
        self.subpath = subpath
        self.method = method
        self.headers = headers
        self.url_expression = url_expression
        self.body_expression = body_expression
        self.headers_expression = headers_expression
        self.return_json = return_json
        self.max_in_flight = max_in_flight
        self.retries = retries
        self.backoff_factor = backoff_factor
        self.timeout = timeout


class BatchHttpRequests(RemoteStep):
    """Sends each item of a body, a list, to a service; answers all answers (MLRun 1.12).

    Parameters
    ----------
    url, url_expression
        One of them, for an item.
    subpath, method, headers, body_expression, return_json, input_path, result_path, retries, \
backoff_factor, timeout
        As of `RemoteStep`; an answer with a status from 400 to 499 is an answer here.

    Examples
    --------
    >>> from graph_magics import Graph
    >>> graph = Graph("g")
    >>> step = graph.to("BatchHttpRequests", name="b", url_expression="event['url']").respond()
    >>> graph.nodes["b"].title
    "event['url']"
    """

    run_by: ClassVar[str] = "remote.steps.BatchRequestsNode"

    def __init__(
        self, url: str | None = None, subpath: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(url, subpath, *args, **kwargs)
        if self.url and self.url_expression:
            raise MLRunInvalidArgumentError("it takes a url or a url_expression, not both")


class RemoteNode(StoreyNode):
    """Sends the events of a batch, all at once."""

    kind = "Remote"
    waits = True
    needs_async = False
    is_function = True
    _endpoint = ""
    _url: Callable[[Any], Any] | None = None
    _body: Callable[[Any], Any] | None = None
    _headers: Callable[[Any], Any] | None = None

    @property
    def title(self) -> str:
        """The URL without its scheme and whoever is named in it, or how it is come by."""
        given = self.step.class_args
        url = str(given.get("url") or getattr(self.made_of, "url", None) or "")
        told = given.get("url_expression") or getattr(self.made_of, "url_expression", None)
        return re.sub(r"^https?://([^/?#]*@)?", "", url, flags=re.IGNORECASE) or str(told or "")

    def start(self, server: GraphContext, namespace: Namespace, mode: str = "sync") -> None:
        """Make the object and read its expressions."""
        super().start(server, namespace, mode)
        made = self.object
        self.full_event = False  # What is sent is the body, as in MLRun.
        if made.url:
            try:
                self._endpoint = server.get_remote_endpoint(made.url).strip("/")
            except ValueError as error:
                raise GraphError(str(error), node=self.name) from None
        endpoint = self._endpoint
        if made.subpath and made.subpath != "$path":
            self._endpoint = f"{endpoint}/{made.subpath.lstrip('/')}"
        for what in ("url", "body", "headers"):
            expression = getattr(made, f"{what}_expression", None)
            if expression:
                function = evaluated(
                    expression, f"{what}_expression", endpoint=endpoint, context=server
                )
                setattr(self, f"_{what}", function)

    def _answered(self, batch: Batch, context: Context) -> Batch:
        failures: dict[int, Failure] = {}
        bodies = own_bodies(batch)
        has_columns = not isinstance(batch.source[0], (list, Samples))
        given, rows = self._given(bodies, batch, context, failures)
        events = events_of(batch, bodies, context)
        told = [events[row] for row in rows] if rows is not None else events
        pairs = list(zip(told, given, strict=True))
        request = partial(self._request, has_columns=has_columns)
        requests, rows = each(lambda pair: request(*pair), pairs, failures, context, rows)
        results = context.setup.async_map(self._line().answer, requests, self._limit())
        replies, rows = without_errors(results, failures, context, rows)
        answers, rows = each(self._read, replies, failures, context, rows)
        if self.target:
            target = self.target
            kept = bodies if rows is None else [bodies[row] for row in rows]
            both = list(zip(kept, answers, strict=True))
            answers, _ = each(lambda pair: updated(target, *pair), both, failures, context, rows)
        return self._going_on(batch.fail(failures, answers), batch, context)

    def _line(self) -> Line:
        made = self.object
        return Line(
            RETRIES if made.retries is None else int(made.retries),
            BACKOFF_FACTOR if made.backoff_factor is None else made.backoff_factor,
            made.timeout or TIMEOUT,
        )

    def _limit(self) -> int:
        return int(self.object.max_in_flight or CONCURRENCY)

    def _request(self, event: Event, body: Any, *, has_columns: bool) -> Request:
        made = self.object
        if self._headers is not None:
            headers = dict(self._headers(body) or {})
        else:
            headers = dict(made.headers or {})
        if self._url is not None:
            url = self._url(body)
        else:
            url, path = self._endpoint, event.path.lstrip("/")
            if made.subpath == "$path":
                url = f"{url}/{path}"
            if path:
                headers[_PATH] = event.path
        if event.id:
            headers[_ID] = event.id
        return self._of(event, url, body, headers, has_columns=has_columns)

    def _of(
        self, event: Event, url: Any, body: Any, headers: dict[str, Any], *, has_columns: bool
    ) -> Request:
        method = str(self.object.method or event.method or "POST").upper()
        content: bytes | None = None
        if method == "GET" or body is None:
            pass
        elif isinstance(body, (str, bytes)):
            content = body.encode() if isinstance(body, str) else body
        else:
            if self._body is not None:
                body = self._body(body)
            content = _json(with_nulls(body) if has_columns else body)
            headers = {k: v for k, v in headers.items() if k.lower() != "content-type"}
            headers["Content-Type"] = "application/json"
        return Request(method, url, headers, content)

    def _read(self, reply: Reply) -> Any:
        if reply.status >= 400:
            raise BadResponse(reply)
        return self._data(reply)

    def _data(self, reply: Reply) -> Any:
        if not self.object.return_json and reply.content_type.lower() != "application/json":
            return reply.body
        try:
            return json.loads(reply.body)
        except (ValueError, RecursionError) as error:
            raise GraphError(
                f"{reply.request}: the answer is no JSON: {one_line(error)}; "
                "return_json=False takes it as it is"
            ) from None


class BatchRequestsNode(RemoteNode):
    """Sends the items of all events of a batch, all at once."""

    def __init__(self, step: Any, made_of: Any) -> None:
        super().__init__(step, made_of)
        self.needs_async = True

    def _answered(self, batch: Batch, context: Context) -> Batch:
        failures: dict[int, Failure] = {}
        bodies = own_bodies(batch)
        has_columns = not isinstance(batch.source[0], (list, Samples))
        given, rows = self._given(bodies, batch, context, failures)
        events = events_of(batch, bodies, context)
        told = [events[row] for row in rows] if rows is not None else events

        def requests_of(pair: tuple[Event, Any]) -> list[Request]:
            event, items = pair
            if not isinstance(items, (list, tuple)):
                raise GraphError(f"it needs a list of requests, got {a(items)}")
            return [self._item(event, item, has_columns=has_columns) for item in items]

        pairs = list(zip(told, given, strict=True))
        lists, rows = each(requests_of, pairs, failures, context, rows)
        flat = [request for some in lists for request in some]
        results = iter(context.setup.async_map(self._line().answer, flat, self._limit()))
        replies = [[next(results) for _ in some] for some in lists]
        answers, rows = each(self._all, replies, failures, context, rows)
        if self.target:
            target = self.target
            kept = bodies if rows is None else [bodies[row] for row in rows]
            both = list(zip(kept, answers, strict=True))
            answers, _ = each(lambda pair: updated(target, *pair), both, failures, context, rows)
        return self._going_on(batch.fail(failures, answers), batch, context)

    def _item(self, event: Event, item: Any, *, has_columns: bool) -> Request:
        url = self._endpoint if self._url is None else self._url(item)
        headers = dict(self.object.headers or {})
        return self._of(event, url, item, headers, has_columns=has_columns)

    def _all(self, replies: Sequence[Any]) -> list[Any]:
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
            if reply.status >= 500:
                raise BadResponse(reply)
        return [self._data(reply) for reply in replies]


def _json(body: Any) -> bytes:
    try:
        return json.dumps(body, default=_plain).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise GraphError(f"the event cannot be sent as JSON: {one_line(error)}") from None


def _plain(value: Any) -> Any:
    """What stands in JSON for a value of NumPy or a moment; nothing does for anything else."""
    if isinstance(value, (np.generic, np.ndarray, date, time, timedelta)):
        return plain_value(value)
    raise TypeError(f"{a(value)} is no JSON")
