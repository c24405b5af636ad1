"""Quoted values of a CSV file that do not end: all that follows would be a part of them."""

from __future__ import annotations

import codecs
from typing import Any

_AT_ONCE = 2**20
#: After which bytes a value begins.
_BEGINS = (b",", b"\r", b"\n")


class Ending:
    """A stream of bytes of which the end is kept.

    Parameters
    ----------
    stream : file
    """

    closed = False

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._last = [b"", b""]

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        some: bytes = self._stream.read(size)
        if some:
            self._last = [self._last[1], some]
        return some

    def may_be_open(self, value: Any) -> bool:
        """Tell whether the last value may have a quote that does not end, once all is read.

        Then the file ends with that value and a quote before it.

        Parameters
        ----------
        value : buffer or None
            None for one that is missing, whatever stood there.
        """
        end = b"".join(self._last)
        if value is None:
            return b'"' in end[-10:]
        raw = b'"' + bytes(value).replace(b'"', b'""')
        return end.endswith(raw) or len(raw) > len(end)


def opened_on(stream: Any) -> int | None:
    r"""The line on which a quoted value begins that does not end; None if all do.

    Parameters
    ----------
    stream : file
        From its first byte on.

    Examples
    --------
    >>> import io
    >>> opened_on(io.BytesIO(b'a,b\n1,"2\n3,4')), opened_on(io.BytesIO(b'a"b,"c""d"\n'))
    (2, None)
    """
    line, begun, before = 1, 0, b"\n"
    is_open = is_shut = False  # Shut by the very byte before, unless that was one of two.
    some = stream.read(_AT_ONCE).removeprefix(codecs.BOM_UTF8)
    while some:
        place = 0
        while place < len(some):
            quote = some.find(b'"', place)
            end = quote if quote >= 0 else len(some)
            if end > place:
                line += _ends(before, some[place:end])
                before, is_shut = some[end - 1 : end], False
            if quote < 0:
                break
            if is_open:
                is_open, is_shut = False, True
            elif is_shut:
                is_open, is_shut = True, False
            elif before in _BEGINS:
                is_open, begun = True, line
            before, place = b'"', quote + 1
        some = stream.read(_AT_ONCE)
    return begun if is_open else None


def _ends(before: bytes, some: bytes) -> int:
    """How many lines end in some bytes."""
    pairs = some.count(b"\r\n") + (before == b"\r" and some[:1] == b"\n")
    return some.count(b"\n") + some.count(b"\r") - pairs
