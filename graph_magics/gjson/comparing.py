"""What a query's comparison says of a value.

The operand is text. It is compared with strings as text, with numbers as the number it spells
(0 where it spells none), with true and false as those words; with null, objects and arrays
never. After ``~`` it names a class of values, and the value is in it or not.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from .floats import as_float, parse_float
from .scan import FALSE, JSON, NULL, NUMBER, STRING, TRUE, Found
from .wildcards import matcher, runes

_ORDERS: dict[bytes, Callable[[Any, Any], bool]] = {
    b"=": operator.eq,
    b"!=": operator.ne,
    b"<": operator.lt,
    b"<=": operator.le,
    b">": operator.gt,
    b">=": operator.ge,
}
_EXACT = 1 << 53
# Go's strconv.ParseBool, after lower-casing.
_TRUE_WORDS = frozenset(("1", "t", "true"))
_FALSE_WORDS = frozenset(("0", "f", "false"))


def as_bool(found: Found) -> bool:
    """Whether a value says true: a true itself, a number but 0, a string of Go's for true."""
    if found.kind == STRING:
        return runes(found.string).lower() in _TRUE_WORDS
    if found.kind == NUMBER:
        return parse_float(found.raw) != 0
    return found.kind == TRUE


class Comparison:
    """An operator and its operand, made ready for values of every type.

    Where it is one of order, ``order`` compares a number with ``number``, a string with ``text``.
    """

    def __init__(self, symbol: bytes, operand: bytes) -> None:
        self.symbol = symbol
        self.operand = operand
        self.like = operand[1:].decode("utf-8", "replace") if operand[:1] == b"~" else None
        word = b"true" if self.like is not None else operand
        self.if_true = _with_true(symbol, word)
        self.if_false = _with_false(symbol, word)
        self.exists_only = symbol == b""
        self.order = None if self.like is not None else _ORDERS.get(symbol)
        self.number = parse_float(operand)
        self.text = operand.decode("utf-8", "surrogateescape")
        self._wild = matcher(operand) if symbol in (b"%", b"!%") else None

    def of_text(self, found: Found) -> bool:
        """Whether a value in JSON text passes."""
        if self.like is not None:
            string = runes(found.string) if found.kind == STRING else ""
            number = parse_float(found.raw) if found.kind == NUMBER else 0.0
            return self._in_class(found.exists, found.kind, string, number)
        if not found.exists:
            return False
        if self.exists_only:
            return True
        if found.kind == STRING:
            if self._wild:
                return bool(self._wild(runes(found.string))) is (self.symbol == b"%")
            return self.order is not None and self.order(found.string, self.operand)
        if found.kind == NUMBER:
            return self.order is not None and self.order(parse_float(found.raw), self.number)
        return self.if_true if found.kind == TRUE else found.kind == FALSE and self.if_false

    def for_values(self) -> Callable[[Any], bool]:
        """Make the test of a Python value that exists; containers pass only by existing."""
        if self.like is not None:
            return lambda value: self._in_class(True, *_classified(value))
        if self.exists_only:
            return lambda value: True
        order, number, text = self.order or _never, self.number, self.text
        if_true, if_false = self.if_true, self.if_false
        wild = self._wild
        if wild:
            wanted = self.symbol == b"%"
            return lambda value: type(value) is str and bool(wild(value)) is wanted

        def test(value: Any) -> bool:
            kind = type(value)
            if kind is float:
                return order(value, number)
            if kind is str:
                return order(value, text)
            if kind is int:
                return order(value if -_EXACT <= value <= _EXACT else as_float(value), number)
            return if_true if value is True else value is False and if_false

        return test

    def of_missing(self) -> bool:
        """Whether what does not exist passes."""
        return self.like is not None and self._in_class(False, NULL, "", 0.0)

    def _in_class(self, exists: bool, kind: int, string: str, number: float) -> bool:
        if self.like == "*":
            inside = exists
        elif self.like == "null":
            inside = kind == NULL
        elif self.like == "true":
            inside = (
                kind == TRUE
                or (kind == STRING and string.lower() in _TRUE_WORDS)
                or (kind == NUMBER and number != 0)
            )
        elif self.like == "false":
            inside = (
                kind in (NULL, FALSE)
                or (kind == STRING and string.lower() in _FALSE_WORDS)
                or (kind == NUMBER and number == 0)
            )
        else:
            return False
        return self.if_true if inside else self.if_false


def _never(value: object, operand: object) -> bool:
    return False


def _classified(value: object) -> tuple[int, str, float]:
    if value is None:
        return NULL, "", 0.0
    if isinstance(value, bool):
        return (TRUE if value else FALSE), "", 0.0
    if isinstance(value, str):
        return STRING, value, 0.0
    if isinstance(value, (int, float)):
        return NUMBER, "", as_float(value)
    return JSON, "", 0.0


def _with_true(symbol: bytes, word: bytes) -> bool:
    return {
        b"=": word == b"true",
        b"!=": word != b"true",
        b">": word == b"false",
        b">=": True,
    }.get(symbol, False)


def _with_false(symbol: bytes, word: bytes) -> bool:
    return {
        b"=": word == b"false",
        b"!=": word != b"false",
        b"<": word == b"true",
        b"<=": True,
    }.get(symbol, False)
