"""A GJSON path taken apart: once as an object reads it, once as an array does.

Which of the two applies is known only when the path meets the document, so a `Path` keeps its
text, reads it on demand and remembers what it read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from .comparing import Comparison
from .scan import block_end, squash_end, unescape
from .splitting import (
    BLANKS,
    MODIFIERS,
    NAME_END,
    SEPARATOR,
    acts_like_pipe,
    index_of,
    key_of_part,
    pipe_in,
    quoted_end,
    split_operator,
)
from .wildcards import Matcher, matcher

_WORDS = frozenset((b"true", b"false", b"null", b"nan", b"inf"))
_EXISTS = Comparison(b"", b"")
_SPECIAL = re.compile(rb"[.|*?\\]")


@dataclass(frozen=True)
class Modifier:
    """``@name`` or ``@name:argument``: what the text is before anything else is done."""

    name: str
    argument: bytes


@dataclass(frozen=True)
class Literal:
    """``!value``: takes the place of the text."""

    text: bytes


@dataclass(frozen=True)
class Multipath:
    """``{a,b}`` or ``[a,b]``: a new object or array; each part with the name it gets."""

    opening: bytes
    parts: tuple[tuple[bytes, Path], ...]


@dataclass(frozen=True)
class ObjectStep:
    """The first part of a way, as a key.

    The ``rest`` is looked for in the member's value, the ``pipe`` in what has been found.
    """

    part: bytes
    wild: Matcher | None = None
    rest: Way | None = None
    pipe: Path | None = None


@dataclass(frozen=True)
class ArrayStep:
    """The first part of a way, as an array reads it; ``pipe`` is looked for in what is found."""

    pipe: Path | None = None


@dataclass(frozen=True)
class Index(ArrayStep):
    """``2``: one element; -1 for what is no number, which no element has."""

    index: int = -1
    rest: Way | None = None


class Count(ArrayStep):
    """``#``: how many elements there are."""


class Nothing(ArrayStep):
    """A part with a ``#`` in it that means nothing: ``##``, ``a#``."""


@dataclass(frozen=True)
class Each(ArrayStep):
    """``#.path``: an array of what the path finds in each element."""

    path: Path = field(default_factory=lambda: Path(b""))


@dataclass(frozen=True)
class Query(ArrayStep):
    """``#(path==value)``, or with ``#`` after it all elements that pass.

    ``then`` is looked for in each element that passes. With it, the ``pipe`` comes into force
    when the first element passes; without it, in any case.
    """

    path: Path = field(default_factory=lambda: Path(b""))
    comparison: Comparison = _EXISTS
    all: bool = False
    then: Path | None = None


class Way:
    """What leads down from a container: keys, indexes, and what arrays know besides."""

    def __init__(self, text: bytes) -> None:
        self.text = text

    @cached_property
    def in_object(self) -> ObjectStep:
        """The way as an object reads it."""
        return _object_step(self.text)

    @cached_property
    def in_array(self) -> ArrayStep:
        """The way as an array reads it."""
        return _array_step(self.text)


class Path:
    """A path to be looked up in a whole text.

    It starts with something ``special`` that makes another text, to be searched for the path
    ``after_special``; or it is a ``way`` down, through an array of ``lines`` or not.
    """

    def __init__(self, text: bytes) -> None:
        self.text = text

    @cached_property
    def _head(self) -> tuple[Modifier | Literal | Multipath | None, bytes]:
        text = self.text
        if len(text) > 1:
            if text[:1] == b"@":
                return _modifier(text) or (None, text)
            if text[:1] == b"!":
                return _literal(text) or (None, text)
            if text[:1] in (b"[", b"{"):
                return _multipath(text)
        return None, text

    @property
    def special(self) -> Modifier | Literal | Multipath | None:
        """A modifier, literal or multipath at the start."""
        return self._head[0]

    @cached_property
    def after_special(self) -> Path | None:
        """The path in what ``special`` gives."""
        text = self._head[1]
        return Path(text[1:]) if text[:1] in (b".", b"|") else None

    @property
    def lines(self) -> bool:
        """Whether the text is to be taken as an array of its lines."""
        return self._head[1].startswith(b"..")

    @cached_property
    def way(self) -> Way:
        """The way down."""
        text = self._head[1]
        return Way(text[2:] if self.lines else text)


def _object_step(text: bytes) -> ObjectStep:
    part, wild, at = b"", False, 0
    while special := _SPECIAL.search(text, at):
        part += text[at : special.start()]
        at = special.end()
        if special[0] in (b".", b"|"):
            rest, pipe = _after(special[0], text[at:])
            return ObjectStep(part, matcher(part) if wild else None, rest, pipe)
        if special[0] == b"\\":
            # The backslash goes, and with it the sign that a star was escaped: gjson matches
            # with what is left.
            part += text[at : at + 1]
            at += 1
        else:
            part += special[0]
            wild = True
    part += text[at:]
    return ObjectStep(part, matcher(part) if wild else None)


def _after(separator: bytes, text: bytes) -> tuple[Way | None, Path | None]:
    """What follows a separator, as a rest or as a pipe."""
    if separator == b"." and not acts_like_pipe(text):
        return Way(text), None
    return None, Path(text)


def _array_step(text: bytes) -> ArrayStep:
    if text[:2] == b"#.":
        path, pipe = _split_pipe(text[2:])
        return Each(pipe, path)
    if text[:2] in (b"#(", b"#["):
        return _query(text)
    separator = SEPARATOR.search(text)
    part = text[: separator.start()] if separator else text
    if b"#" in part:
        pipe = Path(text[separator.end() :]) if separator and separator[0] == b"|" else None
        return Count(pipe) if part == b"#" else Nothing(pipe)
    rest, pipe = _after(separator[0], text[separator.end() :]) if separator else (None, None)
    return Index(pipe, index_of(part), rest)


def _query(text: bytes) -> Query:
    """Take ``#(path operator value)`` and what follows it apart."""
    at, depth, start, escapes = 2, 1, 0, False
    while at < len(text):
        char = text[at : at + 1]
        if depth == 1 and not start and char in b"!=<>%":
            start = at
        elif char == b"\\":
            at += 1
        elif char in b"[(":
            depth += 1
        elif char in b"])":
            depth -= 1
            if not depth:
                break
        elif char == b'"':
            end = quoted_end(text, at)
            escapes = escapes or b"\\" in text[at:end]
            at = end
        at += 1
    if depth:
        # Never closed: any element that has the empty key, or is no object, will do.
        return Query()
    comparison = _EXISTS
    if start:
        symbol, operand = split_operator(text[start:at].strip(BLANKS))
        if len(operand) >= 2 and operand[:1] == operand[-1:] == b'"':
            operand = unescape(operand[1:-1]) if escapes else operand[1:-1]
        comparison = Comparison(symbol, operand)
    path = Path(text[2 : start or at].strip(BLANKS))
    every = text[at + 1 : at + 2] == b"#"
    separator = SEPARATOR.search(text, at + 1)
    if separator is None:
        return Query(None, path, comparison, every)
    following = text[separator.end() :]
    if separator[0] == b"|":
        return Query(Path(following), path, comparison, every)
    then, pipe = _split_pipe(following)
    return Query(pipe, path, comparison, every, then)


def _split_pipe(text: bytes) -> tuple[Path, Path | None]:
    """Split what follows ``#.`` or a query at its first pipe outside of a query."""
    at = pipe_in(text) if b"|" in text else -1
    return (Path(text[:at]), Path(text[at + 1 :])) if at >= 0 else (Path(text), None)


def _modifier(text: bytes) -> tuple[Modifier, bytes] | None:
    end = NAME_END.search(text)
    name = text[1 : end.start() if end else len(text)]
    if name not in MODIFIERS:
        return None
    if end is None or end[0] != b":":
        return Modifier(name.decode(), b""), text[end.start() :] if end else b""
    following, at = text[end.end() :], 0
    if following[:1] in (b"{", b"[", b'"'):
        at = squash_end(following, 0)
    else:
        while at < len(following) and following[at] != ord("|"):
            at = squash_end(following, at) if following[at] in b'{["(' else at + 1
    return Modifier(name.decode(), following[:at]), following[at:]


def _literal(text: bytes) -> tuple[Literal, bytes] | None:
    value = text[1:]
    if value[0] in b'{["+-0123456789':
        # Whatever it starts with is taken for a bracket: a number or a string swallows the rest.
        end = block_end(value, 0)
        return Literal(value[:end]), value[end:]
    separator = SEPARATOR.search(value)
    end = separator.start() if separator else len(value)
    return (Literal(value[:end]), value[end:]) if value[:end].lower() in _WORDS else None


def _multipath(text: bytes) -> tuple[Multipath | None, bytes]:
    """Take ``{a,b}`` apart; what is none leaves only what follows it, or nothing at all."""
    parts: list[tuple[bytes, Path]] = []
    depth, start, colon, modifier, at = 1, 1, 0, False, 1
    while at < len(text):
        char = text[at : at + 1]
        if char == b"\\":
            at += 1
        elif char == b"@":
            modifier = modifier or text[at - 1 : at] in (b".", b"|")
        elif char == b":":
            if not modifier and not colon and depth == 1:
                colon = at
        elif char == b'"':
            at = quoted_end(text, at)
        elif char in b"[({":
            depth += 1
        elif char in b"])}":
            depth -= 1
        if not depth or (char == b"," and depth == 1):
            name = text[start:colon] if colon else b""
            path = text[colon + 1 if colon else start : at]
            parts.append((key_of_part(name, path), Path(path)))
            start, colon, modifier = at + 1, 0, False
            if not depth:
                following = text[at + 1 :]
                if following[:1] in (b"", b".", b"|"):
                    return Multipath(text[:1], tuple(parts)), following
                return None, following
        at += 1
    return None, b""
