"""Content types: what the router wrote with its answers, and Go's table beyond them."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_magics.gosniff import content_type_of, sniffed

from .conformance.kserve.router_cases import Answer, cases

ANSWERS = [
    pytest.param(answer, id=case.name) for case in cases() for answer in case.answers if answer.body
]
HTML, XML = "text/html; charset=utf-8", "text/xml; charset=utf-8"
TEXT, BINARY = "text/plain; charset=utf-8", "application/octet-stream"


@pytest.mark.parametrize("answer", ANSWERS)
def test_types_are_those_that_the_router_wrote(answer: Answer):
    assert content_type_of(answer.body) == answer.content_type


def test_nothing_has_no_type():
    assert content_type_of(b"") is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # Hypertext: a tag, and behind it a blank or a bracket.
        (b"<!DOCTYPE html>", HTML),
        (b" \t\r\n\x0c<hTmL >", HTML),
        (b"<head>", HTML),
        (b"<SCRIPT src=x>", HTML),
        (b"<iframe >", HTML),
        (b"<h1>", HTML),
        (b"<div>", HTML),
        (b"<font >", HTML),
        (b"<table>", HTML),
        (b"<a href=x>", HTML),
        (b"<style>", HTML),
        (b"<title>", HTML),
        (b"<b>", HTML),
        (b"<body>", HTML),
        (b"<br>", HTML),
        (b"<p>", HTML),
        (b"<!-- x -->", HTML),
        (b"<!--x-->", TEXT),
        (b"<br/>", TEXT),
        (b"<p", TEXT),
        (b"<h2>", TEXT),
        (b"<abbr>", TEXT),
        (b"\x0b<html>", BINARY),
        (b" <?xml?>", XML),
        (b"<?XML?>", TEXT),
        # Documents and marks of an encoding.
        (b"%PDF-1.7", "application/pdf"),
        (b" %PDF-1.7", TEXT),
        (b"%!PS-Adobe-3", "application/postscript"),
        (b"\xfe\xff\x00a", "text/plain; charset=utf-16be"),
        (b"\xff\xfea\x00", "text/plain; charset=utf-16le"),
        (b"\xef\xbb\xbfa", TEXT),
        (b"\xef\xbb\xbf\x00", TEXT),
        (b"\xff\xfe\x00", BINARY),
        (b"\xfe\xff", TEXT),
        # Images, sounds, films.
        (b"\x00\x00\x01\x00", "image/x-icon"),
        (b"\x00\x00\x02\x00", "image/x-icon"),
        (b"BMx", "image/bmp"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"GIF88a", TEXT),
        (b"RIFFsizeWEBPVP8", "image/webp"),
        (b"RIFFsizeWEBP", TEXT),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"FORMsizeAIFF", "audio/aiff"),
        (b"RIFFsizeAIFF", TEXT),
        (b"ID3", "audio/mpeg"),
        (b"OggS\x00", "application/ogg"),
        (b"MThd\x00\x00\x00\x06", "audio/midi"),
        (b"RIFFsizeAVI ", "video/avi"),
        (b"RIFFsizeWAVE", "audio/wave"),
        (b"\x1a\x45\xdf\xa3", "video/webm"),
        (b".snd\x00", BINARY),
        # Fonts and archives.
        (bytes(34) + b"LP", "application/vnd.ms-fontobject"),
        (b"a" * 34 + b"LP\x00", "application/vnd.ms-fontobject"),
        (b"\x00\x01\x00\x00", "font/ttf"),
        (b"OTTO", "font/otf"),
        (b"ttcf", "font/collection"),
        (b"wOFF", "font/woff"),
        (b"wOF2", "font/woff2"),
        (b"\x1f\x8b\x08", "application/x-gzip"),
        (b"PK\x03\x04", "application/zip"),
        (b"Rar!\x1a\x07\x00", "application/x-rar-compressed"),
        (b"Rar!\x1a\x07\x01\x00", "application/x-rar-compressed"),
        (b"Rar!\x1a\x07\x02", BINARY),
        (b"\x00asm", "application/wasm"),
        # What is left.
        (b"", TEXT),
        (b" \n", TEXT),
        (b"\x1b[31m", TEXT),
        (b"\xff\x80", TEXT),
        (b"a\x00", BINARY),
        (b"a\x1c", BINARY),
        (b"a" * 512 + b"\x00", TEXT),
        (b" " * 512 + b"<html>", TEXT),
    ],
)
def test_types_are_those_of_go(body: bytes, expected: str):
    assert sniffed(body) == expected


def film(*brands: bytes, size: int | None = None) -> bytes:
    box = b"ftyp" + b"".join(brands)
    return struct.pack(">I", len(box) + 4 if size is None else size) + box


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (film(b"mp42", b"0000"), "video/mp4"),
        (film(b"isom", b"0000", b"mp41"), "video/mp4"),
        (film(b"mp42", b"0000") + b"anything\x00", "video/mp4"),
        (film(b"isom", b"mp42"), BINARY),  # the version of the brand is none itself
        (film(b"isom", b"0000", b"avc1"), BINARY),
        (film(b"mp42", size=13), BINARY),
        (film(b"mp42", b"0000", size=20), BINARY),
        (film(b"mp42", size=8), BINARY),
        (film(b"mp4"), BINARY),
        (b"\x00\x00\x00\x10fty mp42mp42", BINARY),
    ],
)
def test_films_are_told_by_their_brands(body: bytes, expected: str):
    assert sniffed(body) == expected


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_only_the_first_512_bytes_count(start: bytes, more: bytes):
    padded = start.ljust(512, b"x")
    assert sniffed(padded + more) == sniffed(padded)
