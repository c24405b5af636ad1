"""URLs as Go's ``net/url`` parses, resolves, writes and refuses them."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from urllib.parse import quote, unquote_to_bytes

from .errors import TransportError

_PORTS = {"http": 80, "https": 443}
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):(.*)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PORT = re.compile(r"(?::[0-9]*)?")
_USER = re.compile(r"[a-zA-Z0-9\-._:~!$&'()*+,;=%@]*")
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2}).{0,2}", re.DOTALL)
# A host escapes bytes beyond ASCII only, and the percent sign before the zone of an IPv6 address.
_BAD_HOST_ESCAPE = re.compile(r"%(?!25)[0-7][0-9a-fA-F]")
_BAD_IN_HOST = re.compile(r"[^a-zA-Z0-9\-_.~!$&'()*+,;=:\[\]<>\"%\x80-\U0010ffff]")

# What Go does not escape, besides letters, digits and "-_.~", where it writes a part itself.
_IN_PATH = "$&+,/:;=@"
_IN_HOST = "!$&'()*+,;=:[]<>\""
_IN_USER = "$&+,;="
_IN_FRAGMENT = "$&+,/:;=?@!()*"
# A path that holds nothing else is left as it was written.
_LEFT_IN_PATH = frozenset(string.ascii_letters + string.digits + "-_.~%!'()*[]" + _IN_PATH)
_ESCAPES = {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
_ESCAPES |= {"\v": r"\v", '"': r"\"", "\\": r"\\"}


@dataclass(frozen=True)
class URL:
    """A parsed URL, or a reference to one.

    Parameters
    ----------
    scheme : str
        In lower case; empty in a reference without one.
    opaque : str
        What follows the scheme, where that is no slash.
    user, password : str or None
        Unescaped.
    host : str
        With the port, if one is written.
    path, fragment : str
        Escaped.
    query : str or None
        As it was written.
    slashes : bool
        Whether two slashes stand before the host, be it empty.
    """

    scheme: str = ""
    opaque: str = ""
    user: str | None = None
    password: str | None = None
    host: str = ""
    path: str = ""
    query: str | None = None
    fragment: str = ""
    slashes: bool = True

    @cached_property
    def host_name(self) -> str:
        """The host without port and brackets, in ASCII if it has such a form."""
        name = self.host.removesuffix(f":{self.port}") if self.port else self.host
        if name.startswith("[") and name.endswith("]"):
            return name[1:-1]
        try:
            return name if name.isascii() else name.encode("idna").decode()
        except UnicodeError:
            return name

    @cached_property
    def port(self) -> str:
        """The port that is written, if any."""
        _, colon, port = self.host.rpartition("]")[2].rpartition(":")
        return port if colon and re.fullmatch("[0-9]+", port) else ""

    @cached_property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host name and port: what a connection is made to."""
        port = int(self.port[:20] or _PORTS.get(self.scheme, 0))
        return self.scheme, self.host_name, port

    @cached_property
    def host_header(self) -> str:
        """What the Host header says."""
        if self.host.startswith("["):
            return re.sub(r"%.*\]", "]", self.host)  # the zone is nobody else's business
        return f"{self.host_name}:{self.port}" if self.port else self.host_name

    @cached_property
    def target(self) -> str:
        """What the first line of a request asks for."""
        if self.query is None:
            return self.path or "/"
        # Go sends a query as it is; what no first line can hold is escaped here.
        return f"{self.path or '/'}?{quote(self.query, safe=string.punctuation)}"

    @cached_property
    def text(self) -> str:
        """The URL as Go names it in an error: its password hidden."""
        user = None if self.user is None else quote(self.user, safe=_IN_USER)
        return self._text(user if self.password is None else f"{user}:***")

    @cached_property
    def referer(self) -> str:
        """The URL as it is told to others: without user and password."""
        return self._text(None)

    def _text(self, user: str | None) -> str:
        written = f"{self.scheme}:" if self.scheme else ""
        if (self.scheme and self.slashes and self.path) or self.host or user is not None:
            written += "//"
        if user is not None:
            written += f"{user}@"
        written += self.opaque or quote(self.host, safe=_IN_HOST) + self.path
        if self.query is not None:
            written += f"?{self.query}"
        return f"{written}#{self.fragment}" if self.fragment else written

    def refer(self, location: str) -> URL:
        """The URL that a Location names, seen from this one.

        Raises
        ------
        TransportError
            If the Location is malformed.

        Examples
        --------
        >>> parse("http://svc/a/b?q=1").refer("../c").text
        'http://svc/c'
        """
        other = parse(location)
        if other.scheme or other.host or other.user is not None:
            path = _merged("", other.path)
            return replace(other, scheme=other.scheme or self.scheme, path=path)
        fragment, query = other.fragment, other.query
        if not other.path and query is None:
            fragment, query = fragment or self.fragment, self.query
        path = _merged(self.path, other.path)
        return replace(self, path=path, query=query, fragment=fragment)


@lru_cache(1024)
def parse(text: str) -> URL:
    """Parse a URL, or a reference to one.

    Raises
    ------
    TransportError
        If Go finds it malformed, in Go's words.

    Examples
    --------
    >>> parse("HTTP://svc:8080/é?q=1").text
    'http://svc:8080/%C3%A9?q=1'
    >>> parse("http://bad host/")
    Traceback (most recent call last):
        ...
    graph_magics.gohttp.errors.TransportError: parse "http://bad host/": invalid character " " ...
    """
    whole, _, fragment = text.partition("#")
    try:
        url = _parse(whole)
    except _Malformed as error:
        raise TransportError(f"parse {quoted(whole)}: {error}") from None
    try:
        return replace(url, fragment=_escaped(fragment, _IN_FRAGMENT)) if fragment else url
    except _Malformed as error:
        raise TransportError(f"parse {quoted(text)}: {error}") from None


def quoted(text: str) -> str:
    r"""Write a text as Go's ``%q`` does.

    >>> print(quoted('a "b"\n'))
    "a \"b\"\n"
    """
    return '"' + "".join(map(_quoted, text)) + '"'


class _Malformed(ValueError):
    """What is wrong with a URL."""


def _parse(text: str) -> URL:
    if _CONTROL.search(text):
        raise _Malformed("net/url: invalid control character in URL")
    if text.startswith(":"):
        raise _Malformed("missing protocol scheme")
    match = _SCHEME.fullmatch(text)
    scheme, rest = (match[1].lower(), match[2]) if match else ("", text)
    rest, mark, query = rest.partition("?")
    asked = query if mark else None
    if scheme and not rest.startswith("/"):
        return URL(scheme, rest, query=asked)
    if ":" in rest.partition("/")[0]:
        raise _Malformed("first path segment in URL cannot contain colon")
    if not rest.startswith("//") or (not scheme and rest.startswith("///")):
        return URL(scheme, path=_path(rest), query=asked, slashes=False)
    authority, slash, path = rest[2:].partition("/")
    userinfo, at, host = authority.rpartition("@")
    host = _host(host)
    user, password = _user(userinfo) if at else (None, None)
    return URL(scheme, "", user, password, host, _path(slash + path), asked)


def _host(host: str) -> str:
    if host.startswith("["):
        if "]" not in host:
            raise _Malformed("missing ']' in host")
        port = host.rpartition("]")[2]
    else:
        port = host[host.rfind(":") :] if ":" in host else ""
    if not _PORT.fullmatch(port):
        raise _Malformed(f"invalid port {quoted(port)} after host")
    if found := _BAD_ESCAPE.search(host) or _BAD_HOST_ESCAPE.search(host):
        raise _Malformed(f"invalid URL escape {quoted(found[0])}")
    if found := _BAD_IN_HOST.search(host):
        raise _Malformed(f"invalid character {quoted(found[0])} in host name")
    return _unescaped(host).decode("utf-8", "replace").removesuffix(":")


def _user(userinfo: str) -> tuple[str, str | None]:
    if not _USER.fullmatch(userinfo):
        raise _Malformed("net/url: invalid userinfo")
    user, colon, password = (_unescaped(part) for part in userinfo.partition(":"))
    return user.decode("utf-8", "replace"), password.decode("utf-8", "replace") if colon else None


def _path(path: str) -> str:
    return path if _LEFT_IN_PATH.issuperset(path) and "%" not in path else _escaped(path, _IN_PATH)


def _escaped(text: str, safe: str) -> str:
    """Check the escapes of a text; write it anew if it holds what ought to be one."""
    raw = _unescaped(text)
    return text if _LEFT_IN_PATH.issuperset(text) else quote(raw, safe=safe)


def _unescaped(text: str) -> bytes:
    if found := _BAD_ESCAPE.search(text):
        raise _Malformed(f"invalid URL escape {quoted(found[0])}")
    return unquote_to_bytes(text)


def _merged(base: str, path: str) -> str:
    """Append a relative path to a base, and go the ways that its dots point."""
    whole = path if path.startswith("/") else base[: base.rfind("/") + 1] + path
    segments = (whole if path else base).split("/")
    if segments == [""]:
        return ""
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    merged = "/".join(kept)
    return merged if merged.startswith("/") else f"/{merged}"


def _quoted(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
