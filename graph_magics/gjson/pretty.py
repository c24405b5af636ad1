"""``@pretty``: JSON text over several lines, arrays on one line where they are short enough."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

_BLANK = re.compile(rb"[\x00-\x20]*+")
_TO_VALUE = re.compile(rb'[^"0-9\-{\[tfn]*+')
_TO_MEMBER = re.compile(rb'[^"}]*+')
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?)', re.DOTALL)
_NUMBER = re.compile(rb".[^\x00-\x20,:\]}]*+", re.DOTALL)
_WORDS = {ord("t"): b"true", ord("f"): b"false", ord("n"): b"null"}


class Style(NamedTuple):
    """What the modifier's argument says.

    An array goes on one line if that is no longer than ``width``; with a width of 0 none does.
    """

    width: int = 80
    prefix: bytes = b""
    indent: bytes = b"  "
    sort_keys: bool = False


@dataclass
class _Block:
    """An object or array that is being written over several lines."""

    opening: int
    count: int = 0
    keys: list[bytes] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)


def pretty(text: bytes, style: Style, spend: Callable[[int], None]) -> bytes:
    """Write a text anew; ``spend`` is told of everything written."""
    pieces = [style.prefix]
    blocks: list[_Block] = []
    # Where the line stands, by gjson's count: the line break counts too, but not after an array's
    # comma.
    column = len(style.prefix)
    at, end = 0, len(text)

    def write(piece: bytes) -> None:
        spend(len(piece))
        pieces.append(piece)

    def write_value(at: int) -> int:
        """Write a scalar, or an array on one line; or open a block."""
        at = _TO_VALUE.match(text, at).end()  # type: ignore[union-attr]
        if at >= end:
            return at
        if text[at] in b"{[":
            room = style.width - column
            if text[at] == ord("[") and style.width > 0 and room > 3:
                line, after = _one_line(text, at, room, spend)
                if line is not None:
                    write(line)
                    return after
            blocks.append(_Block(text[at]))
            write(text[at : at + 1])
            return at + 1
        piece, at = _scalar(text, at)
        write(piece)
        return at

    at = write_value(at)
    while blocks:
        block = blocks[-1]
        in_array = block.opening == ord("[")
        skip = _BLANK if in_array else _TO_MEMBER
        at = skip.match(text, at).end()  # type: ignore[union-attr]
        if at >= end:
            break
        if text[at] == (ord("]") if in_array else ord("}")):
            blocks.pop()
            if block.count:
                if style.sort_keys and not in_array:
                    _sort(pieces, block)
                write(b"\n" + style.prefix + style.indent * len(blocks))
            write(b"]" if in_array else b"}")
            at += 1
            continue
        write(b",\n" if block.count else b"\n")
        margin = style.prefix + style.indent * len(blocks)
        column = len(margin) + (not (in_array and block.count and style.width != -1))
        block.starts.append(len(pieces))
        write(margin)
        if not in_array:
            key = _STRING.match(text, at)[0]  # type: ignore[index]
            at += len(key)
            block.keys.append(key[1:-1])
            write(key + b": ")
            column += len(key) + 2
        block.count += 1
        at = write_value(at)
    made = b"".join(pieces)
    return made + b"\n" if made else made


def _scalar(text: bytes, at: int) -> tuple[bytes, int]:
    word = _WORDS.get(text[at])
    if word:
        # One letter is enough; what stands in the place of the others is passed over.
        return word, at + len(word)
    token = (_STRING if text[at] == ord('"') else _NUMBER).match(text, at)
    assert token
    return token[0], token.end()


def _one_line(
    text: bytes, at: int, room: int, spend: Callable[[int], None]
) -> tuple[bytes | None, int]:
    """Write an array of scalars and arrays on one line, unless there is no room for it."""
    pieces, size, counts, end = [b"["], 1, [0], len(text)
    at += 1
    while counts and size <= room:
        at = _BLANK.match(text, at).end()  # type: ignore[union-attr]
        if at >= end:
            break
        if text[at] == ord("]"):
            counts.pop()
            piece, at = b"]", at + 1
        else:
            if counts[-1]:
                pieces.append(b", ")
                size += 2
            counts[-1] += 1
            at = _TO_VALUE.match(text, at).end()  # type: ignore[union-attr]
            if at >= end:
                break
            if text[at] == ord("{"):
                spend(size)
                return None, at
            if text[at] == ord("["):
                counts.append(0)
                piece, at = b"[", at + 1
            else:
                piece, at = _scalar(text, at)
        pieces.append(piece)
        size += len(piece)
    spend(size)
    return (b"".join(pieces), at) if size <= room else (None, at)


def _sort(pieces: list[bytes], block: _Block) -> None:
    """Put the members of the object that ends here in the order of their keys."""
    ends = [start - 1 for start in block.starts[1:]] + [len(pieces)]
    spans = sorted(zip(block.keys, block.starts, ends, strict=True), key=lambda span: span[0])
    members = [pieces[start:stop] for _, start, stop in spans]
    del pieces[block.starts[0] :]
    for index, member in enumerate(members):
        if index:
            pieces.append(b",\n")
        pieces += member
