"""A scanner of JSON with Go's own grammar, limits and error messages, at any depth.

It is the arbiter: slower than the standard library's decoder by a factor of about ten, and
asked only where that one fails or cannot tell (see ``gojson``).
"""

from __future__ import annotations

import codecs
import json
import math
import re
from typing import Any, NoReturn

MAX_DEPTH = 10_000
"""How deep Go's ``encoding/json`` lets arrays and objects nest."""

_EXACT = 2**53
_SPACE = re.compile(rb"[ \t\n\r]*")
_STRING_START = rb'"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*'
_UNCLOSED = re.compile(_STRING_START)
_STRING = re.compile(_STRING_START + rb'"')
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_LITERALS = {b"t": (b"true", True), b"f": (b"false", False), b"n": (b"null", None)}
_KEY = "looking for beginning of object key string"
_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # of a surrogate pair
_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
# The half of a pair that stands alone is the group; all other escapes are stepped over.
_ESCAPE = re.compile(
    _PAIR.pattern + r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)


class GoJSONError(ValueError):
    """A document that Go's ``encoding/json`` refuses, in Go's own words."""


def scan(raw: bytes, max_depth: float = MAX_DEPTH) -> tuple[Any, str | None]:
    """Read a document as Go does, without recursion.

    Parameters
    ----------
    raw : bytes
        The document.
    max_depth : float
        How deep it may nest.

    Returns
    -------
    tuple
        The value, and the first number in it that no float64 can hold, or None.

    Examples
    --------
    >>> scan(b'[1, {"a": 1e400}]')
    ([1, {'a': inf}], '1e400')
    """
    open_values: list[Any] = []  # the arrays and objects around the place, outermost first
    keys: list[str] = []  # the key at which each open object stands
    too_large: str | None = None
    at = 0
    while True:
        at = _skip(raw, at)
        start = raw[at : at + 1]
        if start in (b"{", b"["):
            if len(open_values) >= max_depth:
                _refuse(raw, at, "exceeded max depth")
            at = _skip(raw, at + 1)
            value: Any = {} if start == b"{" else []
            if raw[at : at + 1] != (b"}" if start == b"{" else b"]"):
                if start == b"{":
                    key, at = _key(raw, at)
                    keys.append(key)
                open_values.append(value)
                continue
            at += 1
        elif start == b'"':
            value, at = _string(raw, at)
        elif start in _LITERALS:
            value, at = _literal(raw, at)
        elif start == b"-" or start.isdigit():
            literal, at = _number_text(raw, at)
            value = number(literal)
            if too_large is None and isinstance(value, float) and math.isinf(value):
                too_large = literal
        else:
            _refuse(raw, at, "looking for beginning of value")

        while True:  # a value ends here, and with it perhaps those around it
            at = _skip(raw, at)
            if not open_values:
                if at < len(raw):
                    _refuse(raw, at, "after top-level value")
                return value, too_large
            around = open_values[-1]
            end = raw[at : at + 1]
            if isinstance(around, list):
                around.append(value)
                if end not in (b",", b"]"):
                    _refuse(raw, at, "after array element")
            else:
                around[keys[-1]] = value
                if end not in (b",", b"}"):
                    _refuse(raw, at, "after object key:value pair")
            at += 1
            if end == b",":
                if isinstance(around, dict):
                    keys[-1], at = _key(raw, _skip(raw, at))
                break
            value = open_values.pop()
            if isinstance(value, dict):
                keys.pop()


def number(literal: str) -> int | float:
    """The float64 that a number is; an int where it is one that a float64 holds exactly.

    >>> number("12"), number("-0"), number("12345678901234567890"), number("1e400")
    (12, -0.0, 1.2345678901234567e+19, inf)
    """
    if len(literal) <= 16 and literal.lstrip("-").isdigit():
        whole = int(literal)
        if -_EXACT <= whole <= _EXACT and literal != "-0":
            return whole
    return float(literal)


def folded(name: str) -> str:
    """A key as Go compares it with a field's: two letters besides the ASCII ones are k and s.

    >>> folded("PREDICTION\u017f")
    'predictions'
    """
    return name.replace("\u017f", "s").replace("\u212a", "k").lower()


def text_of(raw: bytes) -> str:
    r"""A document as text; what is not UTF-8, or half a surrogate pair, is U+FFFD, as Go has it.

    >>> text_of(b'"\xff \\ud83d"')
    '"\ufffd \\ufffd"'
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode(errors=_GO_REPLACE)
    if _HALF.search(text) and ("\\\\" in text or _HALF.search(_PAIR.sub("", text))):
        text = _ESCAPE.sub(lambda escape: "\\ufffd" if escape[1] else escape[0], text)
    return text


def _replace_each_byte(error: UnicodeError) -> tuple[str, int]:
    # Python replaces a broken sequence once, Go each of its bytes.
    assert isinstance(error, UnicodeDecodeError)
    return "\ufffd" * (error.end - error.start), error.end


_GO_REPLACE = "graph_magics.goscan"
codecs.register_error(_GO_REPLACE, _replace_each_byte)


def _skip(raw: bytes, at: int) -> int:
    space = _SPACE.match(raw, at)
    assert space is not None
    return space.end()


def _key(raw: bytes, at: int) -> tuple[str, int]:
    """Read a key and its colon; what comes behind them is at the place returned."""
    if raw[at : at + 1] != b'"':
        _refuse(raw, at, _KEY)
    key, at = _string(raw, at)
    at = _skip(raw, at)
    if raw[at : at + 1] != b":":
        _refuse(raw, at, "after object key")
    return key, at + 1


def _string(raw: bytes, at: int) -> tuple[str, int]:
    whole = _STRING.match(raw, at)
    if whole is not None:
        return json.loads(text_of(whole[0])), whole.end()
    start = _UNCLOSED.match(raw, at)
    assert start is not None
    at = start.end()
    if raw[at : at + 1] != b"\\":
        _refuse(raw, at, "in string literal")
    if raw[at + 1 : at + 2] != b"u":
        _refuse_inside(raw, at + 1, "in string escape code")
    at += 2
    while raw[at : at + 1] in b"0123456789abcdefABCDEF" and at < len(raw):
        at += 1
    _refuse_inside(raw, at, "in \\u hexadecimal character escape")


def _number_text(raw: bytes, at: int) -> tuple[str, int]:
    found = _NUMBER.match(raw, at)
    if found is None:
        _refuse_inside(raw, at + 1, "in numeric literal")
    end = found.end()
    fraction, exponent = found.groups()
    behind = raw[end : end + 1]
    if behind == b"." and not fraction and not exponent:
        _refuse_inside(raw, end + 1, "after decimal point in numeric literal")
    if behind in (b"e", b"E") and not exponent:
        sign = raw[end + 1 : end + 2] in (b"+", b"-")
        _refuse_inside(raw, end + 1 + sign, "in exponent of numeric literal")
    return found[0].decode(), end


def _literal(raw: bytes, at: int) -> tuple[bool | None, int]:
    word, value = _LITERALS[raw[at : at + 1]]
    for i in range(1, len(word)):
        if raw[at + i : at + i + 1] != word[i : i + 1]:
            _refuse_inside(raw, at + i, f"in literal {word.decode()} (expecting {chr(word[i])!r})")
    return value, at + len(word)


def _refuse(raw: bytes, at: int, where: str) -> NoReturn:
    if at >= len(raw):
        raise GoJSONError("unexpected end of JSON input")
    raise GoJSONError(f"invalid character {_quoted(raw[at])} {where}")


def _refuse_inside(raw: bytes, at: int, where: str) -> NoReturn:
    """Refuse inside a token: there Go reads the end of the document as one more blank."""
    _refuse(raw if at < len(raw) else raw + b" ", at, where)


def _quoted(byte: int) -> str:
    """A byte as Go's messages show it: as the character of that number, in single quotes."""
    named = {7: r"\a", 8: r"\b", 9: r"\t", 10: r"\n", 11: r"\v", 12: r"\f", 13: r"\r"}
    named |= {0x27: r"\'", 0x5C: r"\\", 0x7F: r"\x7f"}
    if byte in named:
        shown = named[byte]
    elif byte < 0x20:
        shown = f"\\x{byte:02x}"
    elif 0x80 <= byte <= 0xA0 or byte == 0xAD:  # no character that Go calls printable
        shown = f"\\u{byte:04x}"
    else:
        shown = chr(byte)
    return f"'{shown}'"
