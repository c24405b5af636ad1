"""Requests as MLRun's graph server reads them, and what it answers with (MLRun 1.12)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..batch import Batch
from ..bodies import Mixed
from ..errors import GraphError, one_line
from ..failures import Failure
from ..wire import Response as Answer
from ..wire import plain_value
from .events import Event, Response

_ID, _PATH = "MLRUN-EVENT-ID", "MLRUN-EVENT-PATH"
_JSON = ("", "json", "application/json")
#: What is no response.
_PLAIN = frozenset({dict, list, str, int, float, bool, type(None)})


class NoJSON(GraphError):
    """The request says that it is JSON and is none."""

    status = 400


def event_of(
    path: str,
    body: Any,
    method: str | None,
    headers: Sequence[tuple[str, str]],
    event_id: str | None,
    content_type: str,
) -> Event:
    """Make the event of one request; its body is read if it is JSON.

    Raises
    ------
    NoJSON
        If the body is said to be JSON and is none.
    """
    given = dict(headers) if headers else {}
    if not method:
        method = "POST" if body else "GET"
    event = Event(
        body_of(body, content_type),
        id=given.get(_ID, event_id) or secrets.token_hex(16),
        path=given.get(_PATH, path) or "/",
        method=method,
        headers=given,
        content_type=content_type,
    )
    return event


def body_of(body: Any, content_type: str = "") -> Any:
    """Read a text or bytes that are JSON; what is none stays as it is.

    >>> body_of('{"a": 1}'), body_of("hello"), body_of(b"[1]", "image/png")
    ({'a': 1}, 'hello', b'[1]')
    """
    if not isinstance(body, (str, bytes)) or content_type not in _JSON:
        return body
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        if content_type:
            raise NoJSON(f"the body is no JSON: {one_line(error)}") from None
        return body


def bodies_of(bodies: list[Any]) -> list[Any]:
    """Read bodies, each as `body_of` does; the very list, where nothing in it is to be read."""
    if {str, bytes}.isdisjoint(map(type, bodies)):
        return bodies
    return list(map(body_of, bodies))


def unwrapped(answer: Batch) -> Batch:
    """Take apart answers that are Responses: their bodies, and their statuses."""
    bodies = answer.bodies
    if isinstance(bodies, Mixed):
        bodies = bodies.tolist()
    if not isinstance(bodies, list) or _PLAIN.issuperset(map(type, bodies)):
        return answer
    if not any(map(is_response, bodies)):
        return answer
    status = np.full(len(bodies), 200, dtype=np.int16)
    plain = list(bodies)
    failures: dict[int, Failure] = {}
    for row, body in enumerate(bodies):
        if not is_response(body):
            continue
        plain[row] = body.body
        try:
            status[row] = Answer(body.status_code).status_code
        except GraphError as error:
            failures[row] = Failure("", error)
    some = answer.answer(plain, status)
    return answer.fail(failures, *_without(plain, status, failures)) if failures else some


def _without(
    bodies: list[Any], status: np.ndarray, failures: Mapping[int, Failure]
) -> tuple[list[Any], np.ndarray]:
    rows = [row for row in range(len(bodies)) if row not in failures]
    return [bodies[row] for row in rows], status[rows]


def is_response(body: Any) -> bool:
    """Whether a step answered with a status of its own; MLRun's own class counts, too."""
    return isinstance(body, Response) or (
        hasattr(body, "status_code") and hasattr(body, "content_type") and hasattr(body, "body")
    )


def response_to(answer: Batch, raw: Any) -> Answer:
    """Give what the server sends: JSON, a text as it is, or the Response of a step.

    Parameters
    ----------
    answer : Batch
        To one event, unwrapped.
    raw : Any
        The answer as the step gave it, which knows its content type.
    """
    if answer.failures:
        (failure,) = answer.failures.values()
        told = f"{type(failure.error).__name__}: {failure.error}"
        return Answer(failure.status, told.encode(), "text/plain")
    body = answer.events()[0] if len(answer) else None
    status = answer.code(0) if len(answer) else 200
    kind = getattr(raw, "content_type", None) if is_response(raw) else None
    if isinstance(body, bytes):
        return Answer(status, body, kind or "text/plain")
    if isinstance(body, str):
        return Answer(status, body.encode(errors="surrogatepass"), kind or "text/plain")
    try:
        text = json.dumps(body, default=plain_value)
    except (TypeError, ValueError) as error:
        return Answer(500, f"the answer is no JSON: {one_line(error)}".encode(), "text/plain")
    return Answer(status, text.encode(), kind or "application/json")
