"""Whether a text is JSON by gjson's rules, and the same text as Python objects where they tell all.

gjson's rules are those of RFC 8259, save that the bytes in a string need not be UTF-8.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

_BLANK = re.compile(rb"[ \t\n\r]*+")
_STRING = rb'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"'
_SCALAR = re.compile(
    rb"%s|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+|true|false|null" % _STRING
)
_KEY = re.compile(rb"%s[ \t\n\r]*+:[ \t\n\r]*+" % _STRING)
_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")


class Reading(NamedTuple):
    """What reading a text gave: whether it is JSON, and whether ``value`` tells all it says."""

    valid: bool
    faithful: bool
    value: Any = None


_INVALID = Reading(False, False)


def read(text: str) -> Reading:
    """Read a text with the standard library, which is fast, and say how far that may be trusted.

    Objects do not tell all where a key is repeated, half a surrogate pair is escaped, or the
    text goes deeper, or a number longer, than Python reads.
    """
    text = text.strip(" \t\n\r")
    try:
        value, end = _DECODER.raw_decode(text)
    except json.JSONDecodeError:
        return _INVALID
    except (ValueError, RecursionError):
        return Reading(is_valid(text.encode("utf-8", "surrogatepass")), False)
    if end != len(text):
        return _INVALID
    if ("\\ud" in text or "\\uD" in text) and (
        # After an escaped backslash, what looks like an escape may be none.
        "\\\\" in text or re.search(r"\\u[dD][89a-fA-F]", _PAIR.sub("", text))
    ):
        return Reading(True, False)
    return Reading(True, True, value)


def read_bytes(text: bytes) -> Reading:
    """Read a text in UTF-8; where it is not UTF-8, only its validity is told."""
    try:
        return read(text.decode())
    except UnicodeDecodeError:
        return Reading(is_valid(text), False)


def is_valid(text: bytes) -> bool:
    """Whether a text is JSON; without recursion, however deep it goes.

    >>> is_valid(b'{"a":[1,2]}'), is_valid(b'{"a":01}'), is_valid(b"[" * 9999 + b"]" * 9999)
    (True, False, True)
    """
    closing = bytearray()
    at = _BLANK.match(text).end()  # type: ignore[union-attr]
    while True:
        first = text[at : at + 1]
        if first in (b"{", b"["):
            closer = b"}" if first == b"{" else b"]"
            at = _BLANK.match(text, at + 1).end()  # type: ignore[union-attr]
            if text[at : at + 1] != closer:
                closing += closer
                if closer == b"}":
                    if not (key := _KEY.match(text, at)):
                        return False
                    at = key.end()
                continue
            at += 1
        elif scalar := _SCALAR.match(text, at):
            at = scalar.end()
        else:
            return False
        while True:
            at = _BLANK.match(text, at).end()  # type: ignore[union-attr]
            if not closing:
                return at == len(text)
            if text[at : at + 1] != closing[-1:]:
                break
            closing.pop()
            at += 1
        if text[at : at + 1] != b",":
            return False
        at = _BLANK.match(text, at + 1).end()  # type: ignore[union-attr]
        if closing[-1:] == b"}":
            if not (key := _KEY.match(text, at)):
                return False
            at = key.end()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key is repeated")
    return members


def _constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
