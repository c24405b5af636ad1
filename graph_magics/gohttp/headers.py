"""The headers of a call: those that the router hands on, and those that Go's client sends."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from .patterns import NotInBoth, compiled
from .urls import URL, quoted

#: The longest name of a header that is handed on.
MAX_NAME = 256

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# Go's server takes these from a request, or its client never copies them to another.
_OF_THE_EXCHANGE = frozenset({"Host", "Content-Length", "Transfer-Encoding", "Trailer"})
_OF_THE_HOST = frozenset(
    {
        "Authorization",
        "Cookie",
        "Cookie2",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Www-Authenticate",
    }
)
_AGENT = "Go-http-client/1.1"

Headers = Mapping[str, Sequence[str]]


@lru_cache(4096)
def canonical(name: str) -> str:
    """Write the name of a header as Go's ``CanonicalMIMEHeaderKey`` does.

    Examples
    --------
    >>> canonical("x-request-ID"), canonical("x_under_score"), canonical("not a name")
    ('X-Request-Id', 'X_under_score', 'not a name')
    """
    if not _TOKEN.fullmatch(name):
        return name
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


def propagated(headers: Iterable[tuple[str, str]], patterns: str | None) -> list[tuple[str, str]]:
    """Pick the headers of a request that KServe's router hands on to every step.

    Parameters
    ----------
    headers : iterable of (name, value)
        Of the request.
    patterns : str or None
        What ``PROPAGATE_HEADERS`` says: regular expressions with commas between them. One is
        searched for in the canonical name, an empty one matches every name, and one that is no
        regular expression matches none. None, if it is not set.

    Returns
    -------
    list of (name, value)
        With canonical names, in the order of the request.

    Examples
    --------
    >>> propagated([("x-test-one", "1"), ("Accept", "*/*")], "^X-Test,Cookie")
    [('X-Test-One', '1')]
    >>> propagated([("x-test-one", "1"), ("Accept", "*/*")], "")
    [('X-Test-One', '1'), ('Accept', '*/*')]
    """
    if patterns is None:
        return []
    searched = _patterns(patterns)
    given = [(canonical(name), value.strip(" \t")) for name, value in headers]
    names = {name for name, _ in given}
    if "Cache-Control" not in names and ("Pragma", "no-cache") in given:
        given.append(("Cache-Control", "no-cache"))  # as Go's server reads a request
    taken = {
        name
        for name in (names | {"Cache-Control"}) - _OF_THE_EXCHANGE
        if len(name) <= MAX_NAME and any(pattern.search(name) for pattern in searched)
    }
    return [(name, value) for name, value in given if name in taken]


@lru_cache(64)
def _patterns(patterns: str) -> tuple[re.Pattern[str], ...]:
    usable = []
    for pattern in patterns.split(","):
        try:
            usable.append(compiled(pattern))
        except NotInBoth:
            continue  # the router logs it and goes on
    return tuple(usable)


def grouped(headers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The values of each header, as Go keeps them, with the type of the body.

    >>> grouped([("x-a", "1"), ("X-A", "2"), ("Host", "elsewhere")])
    {'X-A': ['1', '2'], 'Content-Type': ['application/json']}
    """
    values: dict[str, list[str]] = {}
    for name, value in headers:
        if (name := canonical(name)) not in _OF_THE_EXCHANGE:
            values.setdefault(name, []).append(value.strip(" \t"))
    if not _first(values, "Content-Type"):
        values.setdefault("Content-Type", []).append("application/json")
    return values


def fault(headers: Headers) -> str | None:
    """What Go finds wrong with headers before it sends them."""
    for name, values in headers.items():
        if not _TOKEN.fullmatch(name):
            return f"net/http: invalid header field name {quoted(name)}"
        if any(_BAD_VALUE.search(value) for value in values):
            return f"net/http: invalid header field value for {quoted(name)}"
    return None


def takes_gzip(headers: Headers) -> bool:
    """Whether Go asks for gzip itself, and then unpacks it."""
    return not _first(headers, "Accept-Encoding") and not _first(headers, "Range")


def sent(url: URL, headers: Headers, length: int | None) -> list[tuple[bytes, bytes]]:
    """The headers of a request, in the order in which Go writes them.

    Parameters
    ----------
    url : URL
    headers : mapping
        What is to be sent besides what is always sent.
    length : int or None
        Of the body; None without one.
    """
    lines = [("Host", url.host_header)]
    if agent := headers.get("User-Agent", [_AGENT])[0]:
        lines.append(("User-Agent", agent))
    if length is not None:
        lines.append(("Content-Length", str(length)))
    if url.user is not None and not _first(headers, "Authorization"):
        secret = base64.b64encode(f"{url.user}:{url.password or ''}".encode())
        headers = {**headers, "Authorization": [f"Basic {secret.decode()}"]}
    for name in sorted(headers):
        if name != "User-Agent":
            lines += [(name, value) for value in headers[name]]
    if takes_gzip(headers):
        lines.append(("Accept-Encoding", "gzip"))
    return [(name.encode(), value.encode("utf-8", "replace")) for name, value in lines]


def redirected(headers: Headers, referer: str, *, trusted: bool) -> dict[str, Sequence[str]]:
    """The headers of a request that a redirect leads to.

    Parameters
    ----------
    headers : mapping
        Of the first request.
    referer : str
        Where the redirect came from; empty where that is nobody's business.
    trusted : bool
        Whether it stayed within the first one's domain.
    """
    kept = {name: value for name, value in headers.items() if trusted or name not in _OF_THE_HOST}
    if referer and not _first(headers, "Referer"):
        kept["Referer"] = [referer]
    return kept


def _first(headers: Headers, name: str) -> str:
    return next(iter(headers.get(name, ())), "")
