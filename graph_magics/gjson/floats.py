"""Numbers as Go reads and writes them."""

from __future__ import annotations

import re
from decimal import Decimal

_EXACT = 1 << 53
_ALL_BITS = (1 << 64) - 1
_INTEGER = re.compile(rb"-?[0-9]++")
_HEX = re.compile(
    rb"[+-]?0[xX](?=_?[0-9a-fA-F.])(?:_?[0-9a-fA-F])*+(?:\.(?:[0-9a-fA-F](?:_?[0-9a-fA-F])*+)?+)?+"
    rb"[pP][+-]?[0-9](?:_?[0-9])*+"
)


def parse_float(text: bytes) -> float:
    """The number a text spells, and 0 where it spells none: gjson compares with that.

    >>> parse_float(b"1e3"), parse_float(b"abc"), parse_float(b"-Inf"), parse_float(b"0x1p-2")
    (1000.0, 0.0, -inf, 0.25)
    """
    try:
        number = float(text)
    except ValueError:
        return _parse_hex(text) if _HEX.fullmatch(text) else 0.0
    # Python alone takes blanks around a number, and a sign before NaN.
    if number != number:
        return number if text[:1] in (b"n", b"N") else 0.0
    return number if text[:1] > b" " and text[-1:] > b" " else 0.0


def format_float(number: float) -> str:
    """Write a number in the fewest digits, never with an exponent.

    >>> format_float(1.0), format_float(1e21), format_float(-2.5e-7), format_float(float("inf"))
    ('1', '1000000000000000000000', '-0.00000025', '+Inf')
    """
    if number != number:
        return "NaN"
    if number in (float("inf"), float("-inf")):
        return "+Inf" if number > 0 else "-Inf"
    digits = format(Decimal(repr(number)), "f")
    return digits.removesuffix(".0")


def as_float(number: float) -> float:
    """A Python number as the float64 it would be in Go; integers may be beyond all floats."""
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


def as_integer(text: bytes, is_number: bool) -> int:
    """The 64-bit integer gjson takes from a number, or from the text of a string.

    >>> as_integer(b"79.9", True), as_integer(b"79.9", False), as_integer(b"-8", False)
    (79, 0, -8)
    """
    if is_number:
        number = parse_float(text)
        if abs(number) < _EXACT:
            return int(number)
    if not _INTEGER.fullmatch(text):
        return -(1 << 63) if is_number else 0
    value = 0
    for digit in text.lstrip(b"-"):
        value = (value * 10 + digit - 48) & _ALL_BITS
    value = -value & _ALL_BITS if text.startswith(b"-") else value
    return value - (1 << 64) if value >> 63 else value


def _parse_hex(text: bytes) -> float:
    spelled = text.decode().replace("_", "")
    if not re.search(r"[0-9a-fA-F]", re.split("[pP]", spelled)[0].lstrip("+-")[2:]):
        return 0.0
    try:
        return float.fromhex(spelled)
    except OverflowError:
        return float("-inf") if spelled.startswith("-") else float("inf")
