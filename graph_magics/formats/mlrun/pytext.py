"""Python text: literals and calls, laid out as ruff and Black would."""

from __future__ import annotations

import keyword
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

#: What fits on a line: the width of ruff and Black.
WIDTH = 88
_INDENT = 4
_DEEPEST = 50


class NoLiteral(Exception):
    """A value that cannot be written down.

    Parameters
    ----------
    value : object
        The value, or the part of it that cannot.
    """

    def __init__(self, value: object) -> None:
        super().__init__(type(value).__name__)
        self.value = value


@dataclass(frozen=True)
class Call:
    """A call, to be written.

    Parameters
    ----------
    function : str
    arguments : sequence of (str, object)
        Name and value; ``""`` is the name of a positional one. A value is a literal or a call.
    then : str
        What follows it, such as ``.respond()``.
    """

    function: str
    arguments: Sequence[tuple[str, Any]]
    then: str = ""


@dataclass(frozen=True)
class _Group:
    """What stands in brackets, item by item."""

    opening: str
    items: Sequence[tuple[str, _Group | str]]
    closing: str
    #: Whether the items may share one line inside the brackets: those of a call do.
    shares: bool = False
    #: Whether a single item has a comma, as that of a tuple.
    is_tuple: bool = False

    def flat(self) -> str:
        inside = ", ".join(f"{prefix}{_flat(item)}" for prefix, item in self.items)
        comma = "," if self.is_tuple and len(self.items) == 1 else ""
        return f"{self.opening}{inside}{comma}{self.closing}"


def statement(value: Any, target: str = "") -> str:
    """Write a call or a literal as a statement, assigned to a target if there is one.

    Raises
    ------
    NoLiteral
        If a value in it cannot be written.

    Examples
    --------
    >>> print(statement(Call("graph.to", [("", "Clean"), ("name", "clean")]), "step"))
    step = graph.to("Clean", name="clean")
    """
    before = f"{target} = " if target else ""
    return before + _laid_out(_part(value), 0, len(before), 0)


def literal(value: Any) -> str:
    r"""Write a value on one line.

    Raises
    ------
    NoLiteral
        If it is none of those that Python has literals for.

    Examples
    --------
    >>> literal({"a": (1,), "b": ['say "hi"', None, float("inf")]})
    '{"a": (1,), "b": [\'say "hi"\', None, float("inf")]}'
    """
    return _flat(_part(value))


def text(value: str) -> str:
    r"""Write a text, in double quotes unless that needs more backslashes.

    >>> print(text("it's"), text('"'), text("a\n"))
    "it's" '"' "a\n"
    """
    return _quoted(c if c in "'\"" else repr(c)[1:-1] for c in value)


def _quoted(escaped: Iterable[str]) -> str:
    value = "".join(escaped)
    quote = "'" if value.count('"') > value.count("'") else '"'
    return quote + value.replace(quote, f"\\{quote}") + quote


def is_keyword_name(name: Any) -> bool:
    """Whether a name can stand before ``=`` in a call."""
    return isinstance(name, str) and name.isidentifier() and not keyword.iskeyword(name)


def _part(value: Any, depth: int = 0) -> _Group | str:
    if depth > _DEEPEST and isinstance(value, (Mapping, list, tuple)):
        raise NoLiteral(value)  # It may hold itself.
    if isinstance(value, Call):
        return _call(value, depth)
    if isinstance(value, Enum):
        return _part(value.value, depth + 1)
    if isinstance(value, np.generic):
        return _part(_of_numpy(value), depth + 1)
    if isinstance(value, Mapping):
        return _mapping(value, depth)
    if isinstance(value, (list, tuple)):
        is_tuple = isinstance(value, tuple)
        opening, closing = ("(", ")") if is_tuple else ("[", "]")
        items = [("", _part(item, depth + 1)) for item in value]
        return _Group(opening, items, closing, is_tuple=is_tuple)
    if isinstance(value, (set, frozenset)):
        return _set(value, depth)
    return _atom(value)


def _atom(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, str):
        return text(str(value))
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return float.__repr__(value) if math.isfinite(value) else f'float("{value:g}")'
    if isinstance(value, bytes):
        characters = (bytes([code]) for code in value)
        return "b" + _quoted(chr(c[0]) if c in b"'\"" else repr(c)[2:-1] for c in characters)
    raise NoLiteral(value)


def _of_numpy(value: np.generic) -> Any:
    plain = value.item()
    if isinstance(plain, (bool, int, float, str, bytes)):
        return plain
    raise NoLiteral(value)


def _mapping(value: Mapping[Any, Any], depth: int) -> _Group:
    items = []
    for key, item in value.items():
        if isinstance(key, (Mapping, list, set, Call)):
            raise NoLiteral(key)
        items.append((f"{_flat(_part(key, depth + 1))}: ", _part(item, depth + 1)))
    return _Group("{", items, "}")


def _set(value: set[Any] | frozenset[Any], depth: int) -> _Group:
    # Sorted as text: a set has no order, and the text is to be the same each time.
    items = sorted((_part(item, depth + 1) for item in value), key=_flat)
    braces = _Group("{", [("", item) for item in items], "}")
    if isinstance(value, frozenset):
        return _Group("frozenset(", [("", braces)] if items else [], ")", shares=True)
    return braces if items else _Group("set(", [], ")")


def _call(call: Call, depth: int) -> _Group:
    items: list[tuple[str, _Group | str]] = []
    others = {}
    for name, value in call.arguments:
        if not name or is_keyword_name(name):
            items.append((f"{name}=" if name else "", _part(value, depth + 1)))
        else:
            others[name] = value
    if others:
        items.append(("**", _mapping(others, depth + 1)))
    return _Group(f"{call.function}(", items, f"){call.then}", shares=True)


def _flat(part: _Group | str) -> str:
    return part if isinstance(part, str) else part.flat()


def _laid_out(part: _Group | str, indent: int, before: int, after: int) -> str:
    """Lay a part out where ``before`` columns are taken already, and ``after`` are to follow."""
    flat = _flat(part)
    if isinstance(part, str) or not part.items or before + len(flat) + after <= WIDTH:
        return flat
    inner = indent + _INDENT
    # Of a call that something follows, what follows may stand behind the closing bracket.
    shared = ", ".join(f"{prefix}{_flat(item)}" for prefix, item in part.items)
    if part.shares and inner + len(shared) <= WIDTH:
        lines = [shared]
    else:
        lines = [
            prefix + _laid_out(item, inner, inner + len(prefix), 1) + ","
            for prefix, item in part.items
        ]
    body = "".join(f"{' ' * inner}{line}\n" for line in lines)
    return f"{part.opening}\n{body}{' ' * indent}{part.closing}"
