"""Plain data: what JSON can hold, copied, and bounded in depth."""

from __future__ import annotations

import datetime
import math
import numbers
from collections.abc import Mapping
from typing import Any

from ...errors import GraphError, a

MAX_DEPTH = 100
"""How deep a manifest may nest. A real one nests about fifteen deep, for its affinities."""


class Repeated(dict[str, Any]):
    """A JSON object in which keys came more than once; `pairs` has them all, in order.

    As a dict it holds the last value of each key, as JSON readers usually do. KServe's router
    merges some of them, see ``startup``.
    """

    pairs: list[tuple[str, Any]]


def plain(value: Any, depth: int = MAX_DEPTH, path: str = "the manifest") -> Any:
    """Copy a value as plain data.

    Parameters
    ----------
    value : any
        Mappings with text as keys, sequences, text, numbers, booleans, None; dates become text.
    depth : int
        How deep it may nest.
    path : str
        What to call the value in an error.

    Returns
    -------
    any
        Dicts, lists, str, int, float, bool, None. Nothing in it is shared with what was given.

    Raises
    ------
    GraphError
        If it holds something else, or nests deeper; so does what contains itself.

    Examples
    --------
    >>> import datetime
    >>> plain({"a": (1, datetime.date(2026, 8, 1))})
    {'a': [1, '2026-08-01']}
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        number = float(value)
        if not math.isfinite(number):
            raise GraphError(f"{path} is {number}, which no manifest can hold")
        return number
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if not isinstance(value, (Mapping, list, tuple)):
        raise GraphError(f"{path} is {a(value)}, which no manifest can hold")
    if depth == 0:
        raise GraphError(f"the manifest nests deeper than {MAX_DEPTH} levels")
    if not isinstance(value, Mapping):
        return [plain(item, depth - 1, f"{path}[{i}]") for i, item in enumerate(value)]
    given = value.pairs if isinstance(value, Repeated) else value.items()
    pairs = [(_key(key, path), plain(v, depth - 1, _below(path, key))) for key, v in given]
    if isinstance(value, Repeated):
        repeated = Repeated(pairs)
        repeated.pairs = pairs
        return repeated
    return dict(pairs)


def _below(path: str, key: object) -> str:
    """The path of a field: ``spec.nodes`` for ``nodes`` below ``spec``."""
    return str(key) if path == "the manifest" else f"{path}.{key}"


def _key(key: object, path: str) -> str:
    if not isinstance(key, str):
        raise GraphError(f"the keys of {path} must be text, and {key!r} is {a(key)}")
    return _text(key)


def _text(text: str) -> str:
    """A str of exactly that type, without halves of surrogate pairs: UTF-8 has none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return str(text)
