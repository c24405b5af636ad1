"""Raw JSON text, read as leniently as gjson reads it: values, members, strings, brackets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .floats import format_float, parse_float

NULL, FALSE, NUMBER, STRING, TRUE, JSON = range(6)
KINDS = ("Null", "False", "Number", "String", "True", "JSON")

# Every repetition is possessive: broken text must not make a pattern try twice.
_INSIDE = rb'[^"\\]*+(?:\\.[^"\\]*+)*+'
_NUMBER = rb"(?:n(?=[^u])|[-+0-9iIN])[^\x00-\x20,\]}]*+"
_LITERAL = rb"[ntf][a-z]*+"
_VALUE = rb'(?:("%s")|([{\[])|(%s)|(%s)|(")|\Z)' % (_INSIDE, _NUMBER, _LITERAL)
_TO_VALUE = rb'[^"{\[ntf+\-0-9iIN]*+'

FIRST_BRACKET = re.compile(rb"[{\[]")
AFTER_SPACES = re.compile(rb"[ \t\r\n]*+(.?)", re.DOTALL)
STRING_TOKEN = re.compile(rb'"%s"' % _INSIDE, re.DOTALL)
#: The next value, whatever stands before it.
ANY = re.compile(_TO_VALUE + _VALUE, re.DOTALL)
#: The next element of an array; group 6 is the bracket that ends it.
ELEMENT = re.compile(rb'[^"{\[ntf+\-0-9iIN\]]*+(?:%s|(\]))' % _VALUE, re.DOTALL)
#: The next member of an object: its key in group 1, its value in the groups from 2 on;
#: no group at all is the bracket that ends the object.
MEMBER = re.compile(rb'[^"}]*+(?:\}|"(%s)"%s%s)' % (_INSIDE, _TO_VALUE, _VALUE), re.DOTALL)
#: What ``lastindex`` says of a value in ``ANY`` and ``ELEMENT`` (one more in ``MEMBER``).
IN_STRING, IN_BRACKETS, IN_NUMBER, IN_LITERAL, UNENDED = 1, 2, 3, 4, 5
ARRAY_END = 6

_TO_BRACKET = rb'(?:[^"\[\](){}]++|"%s")*+' % _INSIDE
# A block without a block in it is one step, and has no group; so is a run of brackets.
_BRACKETS = re.compile(
    rb'%s(?:[\[{(]%s[\]})]|([\[{(]++)|([\]})]++)|(")|(\Z))' % (_TO_BRACKET, _TO_BRACKET),
    re.DOTALL,
)
_BLANK = re.compile(rb"[\x00-\x20]*+")
_BETWEEN = re.compile(rb"[\x00-\x20,:]*+")
_NUMBER_HERE = re.compile(rb".[^\x00-\x20,\]}]*+", re.DOTALL)
_LITERAL_HERE = re.compile(rb".[a-z]*+", re.DOTALL)
_UNESCAPED = re.compile(rb"[^\x00-\x1f\\]*+")
_HEX4 = re.compile(rb"[0-9a-fA-F]{4}")
_CONTROLS = "\b\f\n\r\t"
_ESCAPES = {ord(c): c.encode() for c in '\\/"'} | {
    ord(c): control.encode() for c, control in zip("bfnrt", _CONTROLS, strict=True)
}
_RARELY_QUOTED = re.compile(rb"[\x00-\x1f<>&]")
_SHORT = {ord(control): b"\\" + c.encode() for c, control in zip("bfnrt", _CONTROLS, strict=True)}
# The two line breaks that JavaScript knows besides, and each byte that is no UTF-8.
_NOT_ASCII = {0x2028: "\\u2028", 0x2029: "\\u2029"} | dict.fromkeys(
    range(0xDC80, 0xDD00), "\\ufffd"
)


class Found(NamedTuple):
    """A value in JSON text: its kind, its raw text, and whether that is a string left open."""

    kind: int
    raw: bytes
    unended: bool = False

    @property
    def exists(self) -> bool:
        """Whether there is a value at all; ``null`` is one."""
        return self.kind != NULL or self.raw != b""

    @property
    def string(self) -> bytes:
        """The text of a string, without quotes and escapes."""
        inside = self.raw[1:] if self.unended else self.raw[1:-1]
        return unescape(inside) if b"\\" in inside else inside


MISSING = Found(NULL, b"")
_INTEGER = re.compile(rb"-?[0-9]*+")
_WORD = {FALSE: b"false", TRUE: b"true"}
_OF_LITERAL = {ord("n"): NULL, ord("f"): FALSE, ord("t"): TRUE}


def spelled(found: Found) -> bytes:
    """A value as text: strings without quotes, numbers but integers without an exponent."""
    if found.kind == STRING:
        return found.string
    if found.kind == NUMBER:
        if _INTEGER.fullmatch(found.raw):
            return found.raw
        return format_float(parse_float(found.raw)).encode()
    if found.kind == JSON:
        return found.raw
    return _WORD.get(found.kind, b"")


def scalar(which: int, raw: bytes) -> Found:
    """What is no object or array, by the group that has found it."""
    if which == IN_LITERAL:
        return _literal(raw)
    return Found(STRING if which == IN_STRING else NUMBER, raw)


def _literal(raw: bytes) -> Found:
    # gjson looks at the first letter only: "nope" is a null.
    return Found(_OF_LITERAL[raw[0]], raw)


def block_end(text: bytes, start: int) -> int:
    """The index after the bracket that closes the one at ``start``, or the end of the text.

    Round, square and curly brackets count alike; those in strings do not count. One more than
    the length says that a string is open at the end: no array goes on, or ends, after that.
    """
    depth, at = 1, start + 1
    while brackets := _BRACKETS.match(text, at):
        at = brackets.end()
        which = brackets.lastindex
        if which == 1:
            depth += at - brackets.start(1)
        elif which == 2:
            depth -= at - brackets.start(2)
            if depth <= 0:
                return at + depth
        elif which is not None:
            return len(text) + (which == 3)
    raise AssertionError("the pattern fits anything")


def squash_end(text: bytes, start: int) -> int:
    """The same, where a string may stand at ``start`` as well."""
    if text[start] != ord('"'):
        return block_end(text, start)
    string = STRING_TOKEN.match(text, start)
    return string.end() if string else len(text)


def next_value(text: bytes, at: int) -> tuple[int, Found] | None:
    """The next value from ``at`` on, past anything that cannot start one, and its end."""
    token = ANY.match(text, at)
    which = token.lastindex if token else None
    if token is None or which is None or which == UNENDED:
        return None
    if which == IN_BRACKETS:
        end = block_end(text, token.start(which))
        return end, Found(JSON, text[token.start(which) : end])
    return token.end(), scalar(which, token[which])


def parse(text: bytes) -> Found:
    """The value a text starts with; of brackets, all that follows is taken as theirs."""
    start = _BLANK.match(text).end()  # type: ignore[union-attr]
    first = text[start : start + 1]
    if not first:
        return MISSING
    if first in b"{[":
        return Found(JSON, text[start:])
    if first == b'"':
        token = STRING_TOKEN.match(text, start)
        return Found(STRING, token[0]) if token else Found(STRING, text[start:], unended=True)
    if first in b"tf" or (first == b"n" and text[start + 1 : start + 2] in (b"", b"u")):
        return _literal(_LITERAL_HERE.match(text, start)[0])  # type: ignore[index]
    if first in b"+-0123456789iInN":
        return Found(NUMBER, _NUMBER_HERE.match(text, start)[0])  # type: ignore[index]
    return MISSING


def members(value: Found) -> Iterator[tuple[Found, Found]]:
    """Keys and values of an object, values of an array (their keys are ``MISSING``).

    What is neither is its own only value.
    """
    if value.kind != JSON:
        if value.exists:
            yield MISSING, value
        return
    text, at, key = value.raw, 1, MISSING
    in_object = text.startswith(b"{")
    while at < len(text):
        if in_object:
            opening = text.find(b'"', at)
            token = STRING_TOKEN.match(text, opening) if opening >= 0 else None
            if token is None:
                return
            key, at = Found(STRING, token[0]), token.end()
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]
        following = next_value(text, at)
        if following is None:
            return
        # One byte more: gjson takes the comma for granted.
        at = following[0] + 1
        yield key, following[1]


def unescape(inside: bytes) -> bytes:
    r"""The text of a string's inside, up to the first escape or control that is none.

    >>> unescape(rb"a\u00e9\n"), unescape(rb"a\qb")
    (b'a\xc3\xa9\n', b'a')
    """
    out, at, end = [], 0, len(inside)
    while True:
        plain = _UNESCAPED.match(inside, at)
        out.append(plain[0])  # type: ignore[index]
        at = plain.end() + 1  # type: ignore[union-attr]
        if at >= end or inside[at - 1] != ord("\\"):
            break
        short = _ESCAPES.get(inside[at])
        if short is not None:
            out.append(short)
            at += 1
            continue
        if inside[at] != ord("u") or at + 5 > end:
            break
        rune = _hex(inside, at + 1)
        at += 5
        if 0xD800 <= rune < 0xE000:
            low = 0
            if inside[at : at + 2] == b"\\u" and at + 6 <= end:
                low = _hex(inside, at + 2)
                at += 6
            paired = rune < 0xDC00 and 0xDC00 <= low < 0xE000
            rune = 0x10000 + ((rune - 0xD800) << 10) + (low - 0xDC00) if paired else 0xFFFD
        out.append(chr(rune).encode())
    return b"".join(out)


def _hex(text: bytes, at: int) -> int:
    return int(text[at : at + 4], 16) if _HEX4.match(text, at) else 0


def quote(text: bytes) -> bytes:
    r"""A text as a JSON string, escaped as gjson escapes it (HTML's brackets too).

    >>> quote(b'<"\xff>')
    b'"\\u003c\\"\\ufffd\\u003e"'
    """
    text = text.replace(b"\\", rb"\\").replace(b'"', rb"\"")
    text = _RARELY_QUOTED.sub(_escape, text)
    if not text.isascii():
        decoded = text.decode("utf-8", "surrogateescape").translate(_NOT_ASCII)
        text = decoded.encode()
    return b'"%s"' % text


def _escape(char: re.Match[bytes]) -> bytes:
    byte = char[0][0]
    return _SHORT.get(byte) or b"\\u%04x" % byte
