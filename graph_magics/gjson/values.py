"""Python values as JSON takes them: their types, their keys, their text."""

from __future__ import annotations

import json
from typing import Any

from ..errors import GraphError, a

#: The types that JSON reads to.
PLAIN = frozenset((dict, list, str, int, float, bool, type(None)))


def settle(value: Any) -> Any:
    """A value in the type that JSON has for it: a tuple as a list, a NumPy number as a number."""
    if type(value) in PLAIN:
        return value
    plain: Any
    for plain in (dict, list, str, int, float):
        if isinstance(value, plain):
            return plain(value)
    if isinstance(value, tuple):
        return list(value)
    if hasattr(value, "tolist"):
        return settle(value.tolist())
    raise GraphError(f"{a(value)} in a document is no JSON")


def dump(value: Any) -> bytes:
    r"""Write a value as compact JSON.

    >>> dump({"a": (1, 2.0, "é")})
    b'{"a":[1,2.0,"\xc3\xa9"]}'
    """
    try:
        return _ENCODER.encode(value).encode("utf-8", "surrogatepass")
    except RecursionError:
        raise GraphError("a document is nested too deeply to be written as JSON") from None
    except (TypeError, ValueError) as error:
        raise GraphError(f"a document cannot be written as JSON: {error}") from None


def key_text(key: Any) -> str:
    """A dict's key as JSON writes it."""
    if isinstance(key, str):
        return str(key)
    # The encoder knows the rule: {1: 0} is written as {"1":0}.
    written: str = json.loads(dump({key: 0}))
    return next(iter(written))


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=settle)
