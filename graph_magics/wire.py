"""Bodies as they go over the wire: requests and responses in bytes, with their status."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from . import gojson
from .bodies import many_objects
from .errors import GraphError
from .goscan import text_of


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def plain_value(value: Any) -> Any:
    """What stands in JSON for a value of NumPy or pandas; the text of anything else."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    return str(value)


_ENCODER = json.JSONEncoder(
    default=plain_value, ensure_ascii=False, allow_nan=False, separators=(",", ":")
)


class Raw(bytes):
    """A request or a response as it came, not yet read."""

    __slots__ = ()


class Merged(dict[str, Any]):
    """The responses of an Ensemble's steps by name; written as KServe's router writes them."""


@dataclass(frozen=True)
class Response:
    """An answer as HTTP has it: what `Graph.test` gives, and what a step may answer.

    Parameters
    ----------
    status_code : int
        Such as 200 answered, 400 the event is not what a step takes, 404 no route, 500 a step
        failed.
    body : bytes
        As it is sent. A step may hand over any JSON body.
    content_type : str or None
        None for an empty body of KServe's router, which has no such header.

    Raises
    ------
    GraphError
        If the status is no whole number from 100 to 999.

    Examples
    --------
    >>> from graph_magics import Graph, Response
    >>> graph = Graph("g", lambda event: event if event["x"] else Response(404, {"no": "x"}))
    >>> graph.test({"x": 0}, get_body=False)
    Response(status_code=404, body=b'{"no": "x"}', content_type='application/json')
    """

    status_code: int
    body: Any = b""
    content_type: str | None = "application/json"

    def __post_init__(self) -> None:
        code = self.status_code
        if not isinstance(code, (int, np.integer)) or isinstance(code, bool):
            raise GraphError(f"a status is a whole number such as 404, got {code!r}")
        if not 100 <= code <= 999:
            raise GraphError(f"a status has three digits, such as 404, got {code}")
        object.__setattr__(self, "status_code", int(code))


def read(body: Any) -> Any:
    """Give a body as a Python object; what is no JSON stays bytes.

    >>> read(Raw(b'{"a": 1}')), read(Raw(b"no JSON")), read({"a": 1})
    ({'a': 1}, b'no JSON', {'a': 1})
    """
    if type(body) is not Raw:
        return body
    try:
        return _DECODER.decode(text_of(body))
    except (ValueError, RecursionError):
        return bytes(body)


def read_all(bodies: list[Any]) -> list[Any]:
    """Give bodies as Python objects; the very list, where nothing in it is to be read."""
    if len(bodies) == 1:
        return [read(bodies[0])] if type(bodies[0]) is Raw else bodies
    if Raw not in set(map(type, bodies)):
        return bodies
    with many_objects(len(bodies)):
        return [read(body) for body in bodies]


def written(body: Any) -> bytes:
    r"""Write a body as it goes over the wire: JSON without blanks, unless it is bytes already.

    Raises
    ------
    TypeError, ValueError
        If it cannot be written as JSON.

    Examples
    --------
    >>> written({"b": 1.0, "a": "<"}), written(Merged(b=1.0, a="<"))
    (b'{"b":1.0,"a":"<"}', b'{"a":"\\u003c","b":1}')
    """
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    if type(body) is Merged:
        try:
            return gojson.encode(body)
        except gojson.GoJSONError as error:  # It holds values of NumPy, or what is no JSON at all.
            try:
                return gojson.encode(_plain_inside(body))
            except RecursionError:
                raise error from None
    text = _ENCODER.encode(body)
    return text.encode(errors="surrogatepass")


def with_nulls(body: Any) -> Any:
    """Write null for what is missing in the rows of a table: JSON has no NaN.

    >>> with_nulls({"instances": [{"age": float("nan"), "name": "a"}]})
    {'instances': [{'age': None, 'name': 'a'}]}
    """
    if isinstance(body, dict):
        return {key: with_nulls(value) for key, value in body.items()}
    if isinstance(body, list):
        return [with_nulls(value) for value in body]
    is_missing = body is pd.NA or body is pd.NaT or (isinstance(body, float) and body != body)
    return None if is_missing else body


def statuses_of(answers: list[Any]) -> tuple[list[Any], np.ndarray | None]:
    """Take apart answers among which may be Responses: bodies, and statuses if there are any."""
    if Response not in set(map(type, answers)):
        return answers, None
    status = np.full(len(answers), 200, dtype=np.int16)
    bodies = list(answers)
    for row, answer in enumerate(answers):
        if type(answer) is Response:
            status[row] = answer.status_code
            body = answer.body
            bodies[row] = Raw(body) if isinstance(body, bytes) else body
    return bodies, status


def _plain_inside(body: Any) -> Any:
    if isinstance(body, dict):
        return {key: _plain_inside(value) for key, value in body.items()}
    if isinstance(body, (list, tuple)):
        return [_plain_inside(value) for value in body]
    return body if isinstance(body, (str, int, float, bool, type(None))) else plain_value(body)
