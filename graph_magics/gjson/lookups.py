"""Paths compiled, and looked up in documents of any kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any

from ..errors import GraphError, a
from .floats import parse_float
from .objects import MISSING, Lookup, NeedsText, Unfinished, compile_path
from .paths import Path
from .scan import FALSE, JSON, KINDS, NULL, NUMBER, STRING, TRUE, Found, spelled
from .scan import MISSING as NOTHING_FOUND
from .texts import Reader
from .validity import Reading, read, read_bytes
from .values import dump, settle

#: A path may have this many bytes.
LONGEST_PATH = 8192
_COMPILED_KEPT = 1024
# Several conditions look at the same text, one after the other: what was read last is kept.
_KEPT = 32
_LONGEST_KEPT = 1 << 15
_CONSTANTS = {NULL: None, FALSE: False, TRUE: True}
_KINDS = {dict: JSON, list: JSON, str: STRING, int: NUMBER, float: NUMBER, type(None): NULL}


def get(document: Any, path: str) -> Result:
    """Look a GJSON path up in a document.

    Parameters
    ----------
    document : bytes, str, dict, list, ...
        JSON as text, or parsed; what is parsed is treated as its compact JSON would be. Text
        need not be valid: broken JSON is searched as far as it goes.
    path : str
        Up to 8,192 bytes; nested up to 100 deep where it meets the document.

    Returns
    -------
    Result

    Raises
    ------
    GraphError
        If the path is too long or too deep; if the look-up would read more than 16 MiB and 32
        times the document, as a path can that doubles the document again and again; if a
        wildcard meets a text so long that their lengths multiplied pass 2**26; or if a parsed
        document cannot be written as JSON where that is needed.

    Examples
    --------
    >>> get({"items": [{"price": 3}, {"price": 5}]}, "items.#.price").value
    [3, 5]
    >>> get(b'{"a": {"b": 1.50}}', "a.b").raw
    '1.50'
    """
    return compile(path).get(document)


def matches(document: Any, path: str) -> bool:
    """Whether the document is JSON and has the path: the decision of KServe's Switch.

    It takes and raises what `get` does. A parsed document is JSON without being looked at; a
    NaN in it is found as a number.

    Examples
    --------
    >>> matches('{"predictions": [{"score": 0.4}]}', "predictions.#(score<0.6)")
    True
    >>> matches("{broken", "@this")
    False
    """
    return compile(path).matches(document)


def compile(path: str) -> Compiled:
    """Compile a path, to look it up many times; those used last are kept.

    Examples
    --------
    >>> low = compile("predictions.#(score<0.6)")
    >>> [low.matches({"predictions": [{"score": score}]}) for score in (0.5, 0.7)]
    [True, False]
    """
    if not isinstance(path, str):
        raise GraphError(f"a GJSON path is text, not {a(path)}")
    return _compile(path)


@lru_cache(maxsize=_COMPILED_KEPT)
def _compile(path: str) -> Compiled:
    return Compiled(path)


class Compiled:
    """A path made ready; see `compile`."""

    def __init__(self, path: str) -> None:
        self.path = path
        text = _as_bytes(path)
        if len(text) > LONGEST_PATH:
            raise GraphError(
                f"a GJSON path has up to {LONGEST_PATH:,} bytes; this one has {len(text):,}"
            )
        self._path = Path(text)

    def __repr__(self) -> str:
        return f"<GJSON path {self.path!r}>"

    def __reduce__(self) -> tuple[Callable[[str], Compiled], tuple[str]]:
        return compile, (self.path,)

    @cached_property
    def _in_objects(self) -> Lookup:
        if not self.path.isascii() and any("\ud800" <= char <= "\udfff" for char in self.path):
            # Half a surrogate pair is no text in Go, but three bytes that mean nothing.
            return _needs_text
        try:
            return compile_path(self._path)
        except (NeedsText, RecursionError):
            return _needs_text

    def matches(self, document: Any) -> bool:
        """Whether the document is JSON and has the path, as `gjson.matches`."""
        kind = type(document)
        text = None
        if kind is not dict and kind is not list and isinstance(document, _TEXT):
            text = document
            reading = _read(text)
            if not reading.valid:
                return False
            if not reading.faithful:
                return _look_up(_as_bytes(text), self._path).exists
            document = reading.value
        try:
            found = self._in_objects(document)
        except (NeedsText, RecursionError):
            found = Unfinished(document, self._path)
        if type(found) is not Unfinished:
            return found is not MISSING
        if text is None:
            return _look_up(dump(found.value), found.path).exists
        return _look_up(_as_bytes(text), self._path).exists

    def get(self, document: Any) -> Result:
        """What the path finds, as `gjson.get`."""
        kind = type(document)
        if kind is not dict and kind is not list and isinstance(document, _TEXT):
            return self._get_in_text(document)
        try:
            found = self._in_objects(document)
        except (NeedsText, RecursionError):
            found = Unfinished(document, self._path)
        if found is MISSING:
            return _NOTHING
        if type(found) is Unfinished:
            return _in_text(_look_up(dump(found.value), found.path))
        return _InObjects(found)

    def _get_in_text(self, text: Any) -> Result:
        reading = _read(text)
        if reading.faithful:
            try:
                found = self._in_objects(reading.value)
            except (NeedsText, RecursionError):
                found = None
            if found is MISSING:
                return _NOTHING
            if found is not None and type(found) is not Unfinished:
                return _InReadText(found, text, self._path)
        return _in_text(_look_up(_as_bytes(text), self._path))


class Result:
    """What a path has found in a document.

    Examples
    --------
    >>> found = get('{"scores": [0.9, 1.0]}', "scores.1")
    >>> found
    <Result Number 1.0>
    >>> found.exists, found.raw, found.str, found.value
    (True, '1.0', '1', 1.0)
    """

    __slots__ = ()

    #: Whether there is anything; ``null`` is something.
    exists = True

    def __repr__(self) -> str:
        return f"<Result {self.type} {self.raw}>" if self.exists else "<Result of nothing>"

    @property
    def type(self) -> str:
        """Null, False, Number, String, True or JSON, which is an object or array.

        What does not exist is Null.
        """
        return KINDS[self._written().kind]

    @property
    def raw_bytes(self) -> bytes:
        """The value as it stands in the document, or in a parsed document's compact JSON."""
        return self._written().raw

    @property
    def str_bytes(self) -> bytes:
        """The value as text: a string without its quotes, a number without an exponent."""
        return spelled(self._written())

    @property
    def raw(self) -> str:
        """``raw_bytes`` as text; what is no UTF-8 is replaced."""
        return self.raw_bytes.decode("utf-8", "replace")

    @property
    def str(self) -> str:
        """``str_bytes`` as text; what is no UTF-8 is replaced."""
        return self.str_bytes.decode("utf-8", "replace")

    @property
    def value(self) -> Any:
        """The value in Python; None where there is none, or a broken object or array.

        Of a parsed document it is the very object that stands in it.
        """
        written = self._written()
        if written.kind == STRING:
            return self.str
        if written.kind in _CONSTANTS:
            return _CONSTANTS[written.kind]
        try:
            return json.loads(written.raw)
        except (ValueError, RecursionError):
            return parse_float(written.raw) if written.kind == NUMBER else None

    def _written(self) -> Found:
        raise NotImplementedError


class _Nothing(Result):
    __slots__ = ()

    exists = False

    def _written(self) -> Found:
        return NOTHING_FOUND


class _InText(Result):
    __slots__ = ("_found",)

    def __init__(self, found: Found) -> None:
        self._found = found

    def _written(self) -> Found:
        return self._found


class _InObjects(Result):
    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    @property
    def type(self) -> str:
        return KINDS[_kind(self._value)]

    @property
    def value(self) -> Any:
        return self._value

    def _written(self) -> Found:
        return Found(_kind(self._value), dump(self._value))


class _InReadText(Result):
    """Found in what a text was read to; how the text itself puts it is looked up on demand."""

    __slots__ = ("_found", "_path", "_text", "_value")

    def __init__(self, value: Any, text: Any, path: Path) -> None:
        self._value = value
        self._text = text
        self._path = path
        self._found: Found | None = None

    @property
    def type(self) -> str:
        return KINDS[_kind(self._value)]

    @property
    def value(self) -> Any:
        # What was read is kept for other look-ups: it must not be changed outside.
        return super().value if type(self._value) in (dict, list) else self._value

    def _written(self) -> Found:
        if self._found is None:
            self._found = _look_up(_as_bytes(self._text), self._path)
        return self._found


_NOTHING = _Nothing()


def _in_text(found: Found) -> Result:
    return _InText(found) if found.exists else _NOTHING


def _kind(value: Any) -> int:
    kind = _KINDS.get(type(value))
    if kind is None:
        value = settle(value)
        if value is True or value is False:
            return TRUE if value else FALSE
        kind = _KINDS[type(value)]
    return kind


def _look_up(text: bytes, path: Path) -> Found:
    try:
        return Reader(text).look_up(text, path)
    except RecursionError:
        raise GraphError("the GJSON path is nested too deeply") from None


def _needs_text(value: Any) -> Any:
    raise NeedsText


_TEXT = (str, bytes, bytearray, memoryview)
_read_kept = lru_cache(maxsize=_KEPT)(read)
_read_bytes_kept = lru_cache(maxsize=_KEPT)(read_bytes)


def _read(text: Any) -> Reading:
    if isinstance(text, str):
        return _read_kept(text) if len(text) <= _LONGEST_KEPT else read(text)
    if len(text) <= _LONGEST_KEPT:
        return _read_bytes_kept(bytes(text))
    return read_bytes(bytes(text))


def _as_bytes(text: Any) -> bytes:
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else bytes(text)
