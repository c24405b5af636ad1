"""Requests and responses of a graph that is served: by KServe's router, or plainly."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from .batch import Batch
from .bodies import Samples, objects
from .engine import Events, take_events
from .errors import GraphError, a, one_line
from .failures import Failure
from .wire import Raw, Response, plain_value, read, written

_ONE = pd.RangeIndex(1)
#: A status that KServe's router has only where it then crashes: no step gave one.
NO_STATUS = 0


def headers_of(headers: Any) -> list[tuple[str, str]]:
    """Take headers as a mapping or as pairs; a list of values is a header that is repeated.

    >>> headers_of({"X-Request-Id": "r1", "Accept": ["a/b", "c/d"]})
    [('X-Request-Id', 'r1'), ('Accept', 'a/b'), ('Accept', 'c/d')]
    """
    pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
    if isinstance(pairs, (str, bytes)) or not isinstance(pairs, Iterable):
        raise GraphError(f"headers are a dict or pairs of name and value, not {a(headers)}")
    taken = []
    for pair in pairs:
        try:
            name, values = pair
        except (TypeError, ValueError):
            raise GraphError(f"a header is a pair of name and value, not {pair!r:.60}") from None
        for value in values if isinstance(values, (list, tuple)) else [values]:
            taken.append((_text(name), _text(value)))
    return taken


def request_of(body: Any, *, is_raw: bool) -> Events:
    """One request as a batch of one.

    Parameters
    ----------
    body : JSON body, bytes, or a row of a table as a Series or a one-row DataFrame
    is_raw : bool
        Whether it goes over the wire as it would to KServe's router: a text is that very
        text, None is nothing at all.
    """
    if isinstance(body, pd.Series):
        body = pd.DataFrame([body.to_dict()]) if is_raw else body.to_dict()
    if isinstance(body, pd.DataFrame):
        return requests_of(take_events(body)) if is_raw else take_events(body)
    if isinstance(body, (bytes, bytearray)):
        return Events([Raw(body) if is_raw else read(Raw(body))], _ONE)
    if is_raw:
        try:
            text = body.encode(errors="surrogatepass") if isinstance(body, str) else None
            body = Raw(b"" if body is None else written(body) if text is None else text)
        except (TypeError, ValueError) as error:
            raise GraphError(f"the body is no JSON: {one_line(error)}") from None
    return Events([body], _ONE)


def requests_of(events: Events) -> Events:
    """Events as requests to KServe's router: a row of a table is an instance.

    A table with a column ``instances`` or ``inputs`` has bodies as rows.

    >>> requests_of(take_events(pd.DataFrame({"age": [30]}))).bodies.tolist()
    [{'instances': [{'age': 30}]}]
    """
    bodies: Any = events.bodies
    if isinstance(bodies, list):
        if {bytes, bytearray} & set(map(type, bodies)):
            bodies = [Raw(body) if type(body) in (bytes, bytearray) else body for body in bodies]
    elif isinstance(bodies, pd.DataFrame) and {"instances", "inputs"} & set(bodies.columns):
        bodies = objects(bodies)
    elif not isinstance(bodies, Samples):
        bodies = Samples(bodies, None, "instances")
    return Events(bodies, events.index)


def plain_response(answer: Batch) -> Response:
    """The answer to one request as JSON; an error is told as ``{"error": "node: what"}``."""
    if answer.failures:
        (failure,) = answer.failures.values()
        told = {"error": f"{failure.node}: {one_line(failure.error)}"}
        return Response(failure.status, _json(told))
    status = answer.code(0)
    (body,) = objects(answer.bodies)
    try:
        return Response(status, bytes(body) if isinstance(body, bytes) else _json(body))
    except (TypeError, ValueError) as error:
        return Response(500, _json({"error": f"the answer is no JSON: {error}"}))


def router_response(answer: Batch) -> Response:
    """The answer to one request as KServe's router writes it."""
    from .gohttp import cause_body
    from .gosniff import content_type_of

    if answer.failures:
        (failure,) = answer.failures.values()
        return Response(failure.status, cause_body(one_line(failure.error)))
    (body,) = objects(answer.bodies)
    try:
        raw = written(body)
    except (TypeError, ValueError) as error:
        return Response(500, cause_body(f"the answer is no JSON: {one_line(error)}"))
    return Response(answer.code(0), raw, content_type_of(raw))


def without_crash(answer: Batch) -> Batch:
    """Fail the events that end without a status: KServe's router crashes on these."""
    if answer.status is None or answer.status.all():
        return answer
    crash = GraphError("a Sequence without steps has no response; KServe's router crashes here")
    rows = np.flatnonzero(answer.status == NO_STATUS)
    failures = {int(answer.positions[row]): Failure("root", crash) for row in rows}
    kept = answer.select(np.flatnonzero(answer.status != NO_STATUS))
    return kept.with_failures({**answer.failures, **failures})


def _json(body: Any) -> bytes:
    return json.dumps(body, default=plain_value, ensure_ascii=False).encode()


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
