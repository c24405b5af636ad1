"""The content type of an answer, as Go's ``net/http`` sniffs it and KServe's router writes it."""

from __future__ import annotations

import re

from . import gojson

__all__ = ["content_type_of", "sniffed"]

_READ = 512  # how much of a body Go looks at
_SPACE = b"\t\n\f\r "
_TEXT = "text/plain; charset=utf-8"
_HTML = re.compile(
    rb"<(?:!DOCTYPE HTML|HTML|HEAD|SCRIPT|IFRAME|H1|DIV|FONT|TABLE|A|STYLE|TITLE|BODY|BR|B|P|!--)"
    rb"[ >]",  # Go wants one of the two even behind <!--
    re.IGNORECASE,
)
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")

# A type, and the places of a body at which something stands; asked for from above to below.
_Signature = tuple[str, tuple[tuple[int, bytes], ...]]


def _at(*starts: bytes) -> tuple[tuple[int, bytes], ...]:
    """The start of a body, and what stands behind the four bytes of a size."""
    return tuple(zip((0, 8), starts, strict=False))


_DOCUMENTS: tuple[_Signature, ...] = (
    ("application/pdf", _at(b"%PDF-")),
    ("application/postscript", _at(b"%!PS-Adobe-")),
)
_BYTE_ORDER_MARKS: tuple[_Signature, ...] = (
    ("text/plain; charset=utf-16be", _at(b"\xfe\xff")),
    ("text/plain; charset=utf-16le", _at(b"\xff\xfe")),
    (_TEXT, _at(b"\xef\xbb\xbf")),
)
_MEDIA: tuple[_Signature, ...] = (
    ("image/x-icon", _at(b"\x00\x00\x01\x00")),
    ("image/x-icon", _at(b"\x00\x00\x02\x00")),
    ("image/bmp", _at(b"BM")),
    ("image/gif", _at(b"GIF87a")),
    ("image/gif", _at(b"GIF89a")),
    ("image/webp", _at(b"RIFF", b"WEBPVP")),
    ("image/png", _at(b"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", _at(b"\xff\xd8\xff")),
    ("audio/aiff", _at(b"FORM", b"AIFF")),
    ("audio/mpeg", _at(b"ID3")),
    ("application/ogg", _at(b"OggS\x00")),
    ("audio/midi", _at(b"MThd\x00\x00\x00\x06")),
    ("video/avi", _at(b"RIFF", b"AVI ")),
    ("audio/wave", _at(b"RIFF", b"WAVE")),
)
_OTHERS: tuple[_Signature, ...] = (
    ("video/webm", _at(b"\x1a\x45\xdf\xa3")),
    ("application/vnd.ms-fontobject", ((34, b"LP"),)),
    ("font/ttf", _at(b"\x00\x01\x00\x00")),
    ("font/otf", _at(b"OTTO")),
    ("font/collection", _at(b"ttcf")),
    ("font/woff", _at(b"wOFF")),
    ("font/woff2", _at(b"wOF2")),
    ("application/x-gzip", _at(b"\x1f\x8b\x08")),
    ("application/zip", _at(b"PK\x03\x04")),
    ("application/x-rar-compressed", _at(b"Rar!\x1a\x07\x00")),
    ("application/x-rar-compressed", _at(b"Rar!\x1a\x07\x01\x00")),
    ("application/wasm", _at(b"\x00asm")),
)


def content_type_of(body: bytes) -> str | None:
    """The Content-Type that KServe's router writes with an answer.

    Parameters
    ----------
    body : bytes
        The answer. What a service said of its type does not count.

    Returns
    -------
    str or None
        None where there is nothing to look at, and the router writes none.

    Examples
    --------
    >>> content_type_of(b'{"predictions": [1]}'), content_type_of(b"no idea")
    ('application/json', 'text/plain; charset=utf-8')
    >>> content_type_of(b"") is None
    True
    """
    if gojson.valid(body):
        return "application/json"
    return sniffed(body) if body else None


def sniffed(body: bytes) -> str:
    """What ``http.DetectContentType`` takes a body for.

    Examples
    --------
    >>> sniffed(b"<!DOCTYPE html><title>x"), sniffed(b"GIF89a"), sniffed(bytes(4))
    ('text/html; charset=utf-8', 'image/gif', 'application/octet-stream')
    """
    start = body[:_READ]
    text = start.lstrip(_SPACE)
    if _HTML.match(text):
        return "text/html; charset=utf-8"
    if text.startswith(b"<?xml"):
        return "text/xml; charset=utf-8"
    return (
        _first(start, _DOCUMENTS)
        # A mark alone is none: Go compares it with four bytes, of which it then looks at some.
        or (_first(start, _BYTE_ORDER_MARKS) if len(start) >= 4 else None)
        or _first(start, _MEDIA)
        or ("video/mp4" if _is_mp4(start) else None)
        or _first(start, _OTHERS)
        or ("application/octet-stream" if _BINARY.search(text) else _TEXT)
    )


def _first(start: bytes, signatures: tuple[_Signature, ...]) -> str | None:
    for kind, places in signatures:
        if all(start.startswith(signature, at) for at, signature in places):
            return kind
    return None


def _is_mp4(start: bytes) -> bool:
    size = int.from_bytes(start[:4])
    if len(start) < max(12, size) or size % 4 or start[4:8] != b"ftyp":
        return False
    # The brands of the file; between the first and the others stands a version.
    return any(start.startswith(b"mp4", at) for at in (8, *range(16, size, 4)) if at < size)
