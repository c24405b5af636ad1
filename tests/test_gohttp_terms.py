"""What calls of services are made of: headers, patterns, URLs and errors, as Go has them."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graph_magics.gohttp import TransportError, canonical, cause_body, propagated
from graph_magics.gohttp.urls import parse


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("content-type", "Content-Type"),
        ("CONTENT-TYPE", "Content-Type"),
        ("x_under_score", "X_under_score"),
        ("xCamelCase", "Xcamelcase"),
        ("X.dot", "X.dot"),
        ("a--b-", "A--B-"),
        ("1a-2b", "1a-2b"),
        ("", ""),
        ("with blank", "with blank"),
        ("über", "über"),
    ],
)
def test_canonical(name: str, expected: str):
    assert canonical(name) == expected


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (None, ""),
        ("", "X-One X-Two Accept"),
        ("Accept,", "X-One X-Two Accept"),
        ("X", "X-One X-Two"),
        ("^x", ""),
        ("(?i)^x-o", "X-One"),
        ("T(?i)WO|ONE", "X-One X-Two"),
        ("((?i)one|two)$", "X-One X-Two"),
        ("[,Accept", "Accept"),
        ("^[[:upper:]]-[]ABCT-Z]", "X-Two"),
        (r"\bTwo\z", "X-Two"),
        (r"\Z", ""),
        (r"\QX-O\E", "X-One"),
        ("(?=X)", ""),
        ("(?<!X)", ""),
        (r"(c)\1", ""),
        ("c++", ""),
        ("c*+", ""),
        ("c{1001}", ""),
        ("c{2}", "Accept"),
        ("c{", ""),
        ("(?P<a>T)", "X-Two"),
        ("(?<a>T)", "X-Two"),
        ("(?U)c+e", "Accept"),
        ("(?#T)", ""),
        (r"\pL", ""),
        ("[a--z]", ""),
        ("X-(One", ""),
        ("X-One)", ""),
        ("*", ""),
        (" X", ""),
    ],
)
def test_patterns_are_those_of_go(patterns: str | None, names: str):
    headers = [("x-one", "1"), ("X-TWO", "2"), ("Accept", "*/*")]
    assert " ".join(name for name, _ in propagated(headers, patterns)) == names


def test_propagated_headers_keep_order_and_repetition():
    headers = [("x-b", "1 "), ("X-A", "2"), ("X-B", "3")]
    assert propagated(headers, "X-B,X") == [("X-B", "1"), ("X-A", "2"), ("X-B", "3")]


def test_what_belongs_to_the_exchange_is_not_propagated():
    own = ["Host", "Content-Length", "Transfer-Encoding", "Trailer"]
    along = ["Connection", "Keep-Alive", "Te", "Upgrade", "Accept-Encoding", "Expect"]
    headers = [(name, "x") for name in own + along]
    assert [name for name, _ in propagated(headers, ".*")] == along


def test_a_server_of_go_takes_pragma_for_cache_control():
    assert ("Cache-Control", "no-cache") in propagated([("Pragma", "no-cache")], "")
    own = [("Pragma", "no-cache"), ("Cache-Control", "no-store")]
    assert propagated(own, "Cache") == own[1:]


def test_names_without_end_are_not_propagated():
    assert propagated([("X" * 257, "1")], "") == []


def test_cause_body_is_written_as_by_go():
    assert cause_body('a "b" <c> & é\n') == (
        b'{"error":"Failed to process request",'
        b'"cause":"a \\"b\\" \\u003cc\\u003e \\u0026 \xc3\xa9\\n"}'
    )
    assert json.loads(cause_body("\x00\u2028"))["cause"] == "\x00\u2028"


@pytest.mark.parametrize(
    ("url", "target", "host", "origin"),
    [
        ("HTTP://Svc/a", "/a", "Svc", ("http", "Svc", 80)),
        ("https://svc", "/", "svc", ("https", "svc", 443)),
        ("http://svc:/a", "/a", "svc", ("http", "svc", 80)),
        ("http://svc:80/é x", "/%C3%A9%20x", "svc:80", ("http", "svc", 80)),
        ("http://svc/a%2Fb!(c)[d]", "/a%2Fb!(c)[d]", "svc", ("http", "svc", 80)),
        ("http://svc/%41 ", "/A%20", "svc", ("http", "svc", 80)),
        ("http://svc/a?x=1&y=%20z", "/a?x=1&y=%20z", "svc", ("http", "svc", 80)),
        ("http://svc/a?b c=é#f", "/a?b%20c=%C3%A9", "svc", ("http", "svc", 80)),
        ("http://svc/a?", "/a?", "svc", ("http", "svc", 80)),
        ("http://u:p@[::1]:81/", "/", "[::1]:81", ("http", "::1", 81)),
        ("http://[fe80::1%25eth0]/", "/", "[fe80::1]", ("http", "fe80::1%eth0", 80)),
        ("http://münchen.de:8/", "/", "xn--mnchen-3ya.de:8", ("http", "xn--mnchen-3ya.de", 8)),
    ],
)
def test_urls_are_sent_as_by_go(url: str, target: str, host: str, origin: tuple[str, str, int]):
    parsed = parse(url)
    assert (parsed.target, parsed.host_header, parsed.origin) == (target, host, origin)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/x", "http://h/x"),
        ("x", "http://h/a/x"),
        ("../../x", "http://h/x"),
        (".", "http://h/a/"),
        ("?y", "http://h/a/b?y"),
        ("#z", "http://h/a/b?q#z"),
        ("//o/p/../q", "http://o/q"),
        ("https://o/./p", "https://o/p"),
        ("https:/p", "https:/p"),
    ],
)
def test_locations_are_resolved_as_by_go(location: str, expected: str):
    assert parse("http://h/a/b?q#f").refer(location).text == expected


@given(st.text('http:/@[]%?#.ab1é \n\x7f"*25;&=', max_size=20))
@example("//a:b:")
def test_a_text_is_a_url_or_refused(text: str):
    with suppress(TransportError):
        url = parse("http://h/a?b").refer(text)
        assert parse(url.text).text == url.text
        assert url.target.isascii() and " " not in url.target
        assert url.origin[2] >= 0


@given(st.text("aX-[](){}*+?|^$.\\,:<>=!019ims-UQEzZbdpP& é", max_size=20))
@example("[a--z]")
def test_a_text_is_a_pattern_or_passed_over(text: str):
    assert propagated([("X-A", "1")], text) in ([], [("X-A", "1")])
