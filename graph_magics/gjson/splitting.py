"""Where the parts of a path begin and end, character by character as gjson goes through it."""

from __future__ import annotations

import re

from .floats import as_integer
from .scan import quote, squash_end
from .validity import is_valid

MODIFIERS = frozenset(
    b"pretty ugly reverse this flatten join valid keys values tostr fromstr group dig".split()
)
BLANKS = bytes(range(33))
#: What ends a part of a path, and what ends the name of a modifier.
SEPARATOR = re.compile(rb"[.|]")
NAME_END = re.compile(rb"[.|:]")
_NOT_SIMPLE = re.compile(rb"[\x00-\x1f\[\]{}()#|!]")


def acts_like_pipe(text: bytes) -> bool:
    """Whether a dot before this is a pipe: before a modifier and before a multipath."""
    if text[:1] == b"@":
        end = NAME_END.search(text)
        return text[1 : end.start() if end else len(text)] in MODIFIERS
    return text[:1] in (b"[", b"{")


def index_of(part: bytes) -> int:
    """The index that a part is, or -1.

    64 bits are read: 18446744073709551617 is 1, and half of them are negative.
    """
    return max(as_integer(part, False), -1) if part.isdigit() else -1


def split_operator(comparison: bytes) -> tuple[bytes, bytes]:
    """The operator at the start of a query's comparison, and the operand."""
    if comparison[:2] == b"==":
        return b"=", comparison[2:].strip(BLANKS)
    if comparison[:2] in (b"!=", b"!%", b"<=", b">="):
        size = 2
    else:
        # A "!" that starts no operator compares nothing, unless it stands alone.
        size = 0 if comparison[:1] == b"!" and len(comparison) > 1 else 1
    return comparison[:size], comparison[size:].strip(BLANKS)


def quoted_end(text: bytes, at: int) -> int:
    """The index of the quote that closes the one at ``at``, or at least the length."""
    at += 1
    while at < len(text) and text[at] != ord('"'):
        at += 2 if text[at] == ord("\\") else 1
    return at


def pipe_in(text: bytes) -> int:
    """The index of the first pipe outside of a query, or -1."""
    if text[:1] == b"{":
        # From the second character on, which is how gjson gets past the bracket.
        end = squash_end(text, 1)
        return end if text[end : end + 1] == b"|" else -1
    at = 0
    while at < len(text):
        char = text[at]
        if char == ord("|"):
            return at
        if char == ord("\\"):
            at += 1
        elif text[at : at + 2] == b".#":
            at += 2
            opening = text[at : at + 1]
            if opening in (b"(", b"["):
                at = _selector_end(text, at, opening[0])
        at += 1
    return -1


def _selector_end(text: bytes, at: int, opening: int) -> int:
    """The index of the bracket that closes the one at ``at``; other kinds do not count."""
    closing = ord(")") if opening == ord("(") else ord("]")
    depth = 0
    while at < len(text):
        char = text[at]
        if char == ord("\\"):
            at += 1
        elif char == opening:
            depth += 1
        elif char == closing:
            depth -= 1
            if not depth:
                break
        elif char == ord('"'):
            at = quoted_end(text, at)
        at += 1
    return at


def key_of_part(name: bytes, path: bytes) -> bytes:
    """The key, as JSON, that a part of a multipath gets."""
    if name:
        return name if name[:1] == b'"' and is_valid(name) else quote(name)
    at = len(path)
    while at > 0:
        at -= 1
        if path[at] in b"|." and not (at > 0 and path[at - 1] == ord("\\")):
            path = path[at + 1 :]
            break
    return quote(b"_" if _NOT_SIMPLE.search(path) else path)
