"""The modifiers: JSON text in, JSON text out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Protocol

from .comparing import as_bool
from .floats import as_integer
from .paths import Path
from .pretty import Style, pretty
from .scan import JSON, MISSING, NUMBER, STRING, TRUE, Found, members, parse, quote, spelled
from .validity import is_valid

_OUTSIDE_STRINGS = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+"?)|[\x00-\x20]++', re.DOTALL)
_BLANKS = bytes(range(33))
# What Go's strings.TrimSpace trims: Python's str.strip takes four controls more.
_SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)


class Reader(Protocol):
    """The look-up that a modifier is part of."""

    def spend(self, size: int) -> None:
        """Count what is read or written."""

    def look_up(self, text: bytes, path: Path) -> Found:
        """Look a path up in a text."""


def modify(reader: Reader, text: bytes, name: str, argument: bytes) -> bytes:
    """What the modifier of that name makes of a text."""
    made = _MODIFIERS[name](reader, text, argument)
    reader.spend(len(made))
    return made


def _this(reader: Reader, text: bytes, argument: bytes) -> bytes:
    return text


def _valid(reader: Reader, text: bytes, argument: bytes) -> bytes:
    return text if is_valid(text) else b""


def _ugly(reader: Reader, text: bytes, argument: bytes) -> bytes:
    return _OUTSIDE_STRINGS.sub(rb"\1", text)


def _pretty(reader: Reader, text: bytes, argument: bytes) -> bytes:
    options = dict(_options(argument))
    style = Style()
    if b"sortKeys" in options:
        style = style._replace(sort_keys=as_bool(options[b"sortKeys"]))
    if b"indent" in options:
        style = style._replace(indent=_blanks_of(options[b"indent"]))
    if b"prefix" in options:
        style = style._replace(prefix=_blanks_of(options[b"prefix"]))
    if b"width" in options:
        style = style._replace(width=_integer(options[b"width"]))
    return pretty(text, style, reader.spend)


def _reverse(reader: Reader, text: bytes, argument: bytes) -> bytes:
    value = parse(text)
    if value.kind != JSON:
        return text
    if _is_array(value):
        return b"[%s]" % b",".join([element.raw for _, element in members(value)][::-1])
    pairs = [key.raw + b":" + member.raw for key, member in members(value)]
    return b"{%s}" % b",".join(pairs[::-1])


def _keys(reader: Reader, text: bytes, argument: bytes) -> bytes:
    # Only an object has keys; each value of anything else has null for one.
    return b"[%s]" % b",".join(key.raw or b"null" for key, _ in members(parse(text)))


def _values(reader: Reader, text: bytes, argument: bytes) -> bytes:
    value = parse(text)
    if _is_array(value):
        return text
    return b"[%s]" % b",".join(member.raw for _, member in members(value))


def _flatten(reader: Reader, text: bytes, argument: bytes) -> bytes:
    value = parse(text)
    if not _is_array(value):
        return text
    deep = _option(argument, b"deep")
    raws = []
    open_arrays = [members(value)]
    while open_arrays:
        for _, element in open_arrays[-1]:
            raw = element.raw
            if _is_array(element):
                if deep:
                    reader.spend(len(raw))
                    open_arrays.append(members(element))
                    break
                raw = _unwrapped(raw)
            if raw := _trimmed(raw):
                raws.append(raw)
        else:
            open_arrays.pop()
    return b"[%s]" % b",".join(raws)


def _join(reader: Reader, text: bytes, argument: bytes) -> bytes:
    value = parse(text)
    if not _is_array(value):
        return text
    objects = [element for _, element in members(value) if _is_object(element)]
    if _option(argument, b"preserve"):
        return b"{%s}" % b",".join(_unwrapped(each.raw) for each in objects)
    # The first key as it is written, the last value.
    joined: dict[bytes, tuple[bytes, bytes]] = {}
    for each in objects:
        for key, member in members(each):
            first = joined.get(key.string, (key.raw, b""))[0]
            joined[key.string] = first, member.raw
    return b"{%s}" % b",".join(key + b":" + raw for key, raw in joined.values())


def _group(reader: Reader, text: bytes, argument: bytes) -> bytes:
    value = parse(text)
    if not _is_object(value):
        return b""
    rows: list[list[bytes]] = []
    for key, column in members(value):
        if not _is_array(column):
            continue
        for index, (_, element) in enumerate(members(column)):
            if index == len(rows):
                rows.append([])
            rows[index].append(key.raw + b":" + element.raw)
    return b"[%s]" % b",".join(b"{%s}" % b",".join(row) for row in rows)


def _dig(reader: Reader, text: bytes, argument: bytes) -> bytes:
    path = Path(argument)
    raws = []
    below: list[Iterator[tuple[Found, Found]]] = [iter([(MISSING, parse(text))])]
    while below:
        for _, value in below[-1]:
            found = reader.look_up(value.raw, path)
            if found.exists:
                reader.spend(len(found.raw))
                raws.append(found.raw)
            if value.kind == JSON:
                below.append(members(value))
                break
        else:
            below.pop()
    return b"[%s]" % b",".join(raws)


def _tostr(reader: Reader, text: bytes, argument: bytes) -> bytes:
    return quote(text)


def _fromstr(reader: Reader, text: bytes, argument: bytes) -> bytes:
    return spelled(parse(text)) if is_valid(text) else b""


_MODIFIERS: dict[str, Callable[[Reader, bytes, bytes], bytes]] = {
    "dig": _dig,
    "flatten": _flatten,
    "fromstr": _fromstr,
    "group": _group,
    "join": _join,
    "keys": _keys,
    "pretty": _pretty,
    "reverse": _reverse,
    "this": _this,
    "tostr": _tostr,
    "ugly": _ugly,
    "valid": _valid,
    "values": _values,
}


def _is_array(value: Found) -> bool:
    return value.kind == JSON and value.raw[:1] == b"["


def _is_object(value: Found) -> bool:
    return value.kind == JSON and value.raw[:1] == b"{"


def _options(argument: bytes) -> Iterator[tuple[bytes, Found]]:
    """The members of an argument that is an object."""
    value = parse(argument)
    if _is_object(value):
        for key, option in members(value):
            yield key.string, option


def _option(argument: bytes, name: bytes) -> bool:
    options = dict(_options(argument))
    return name in options and as_bool(options[name])


def _integer(value: Found) -> int:
    if value.kind == TRUE:
        return 1
    return as_integer(value.string if value.kind == STRING else value.raw, value.kind == NUMBER)


def _blanks_of(value: Found) -> bytes:
    return bytes(byte for byte in spelled(value) if byte in b" \t\n\r")


def _unwrapped(raw: bytes) -> bytes:
    raw = raw.strip(_BLANKS)
    return raw[1:-1] if len(raw) >= 2 and raw[0] in b"[{" else raw


def _trimmed(raw: bytes) -> bytes:
    if raw.isascii():
        return raw.strip(b"\t\n\v\f\r ")
    return raw.decode("utf-8", "surrogateescape").strip(_SPACES).encode("utf-8", "surrogateescape")
