"""A path looked up in JSON text, to the byte as gjson does, in broken text too.

The text is read once, from the left, as far as the answer lies. A key that leads nowhere is
no end: the search goes on with the next equal key.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from ..errors import GraphError
from .modifiers import modify
from .paths import (
    ArrayStep,
    Count,
    Each,
    Index,
    Modifier,
    Multipath,
    ObjectStep,
    Path,
    Query,
    Way,
)
from .scan import (
    AFTER_SPACES,
    ARRAY_END,
    ELEMENT,
    FIRST_BRACKET,
    IN_BRACKETS,
    JSON,
    MEMBER,
    MISSING,
    NULL,
    NUMBER,
    UNENDED,
    Found,
    block_end,
    next_value,
    parse,
    scalar,
    unescape,
)
from .wildcards import runes

#: A look-up may read this many bytes, and this many times the document; a value read by
#: several parts of a path counts as often.
MOST_READ = 1 << 24
MOST_READ_TIMES = 32
#: Queries in queries, multipaths in multipaths, `#.` after `#.`: so deep and no deeper.
MOST_NESTED = 100
# What a look-up in the shortest text counts for.
_LEAST = 16


class Reader:
    """One look-up: how much it may still read, and how deep it stands."""

    def __init__(self, text: bytes) -> None:
        self._left = MOST_READ + MOST_READ_TIMES * len(text)
        self._depth = 0

    def spend(self, size: int) -> None:
        """Count what is read or written."""
        self._left -= size + _LEAST
        if self._left < 0:
            raise GraphError(
                f"the GJSON path reads more than {MOST_READ >> 20} MiB and {MOST_READ_TIMES} times "
                "the document; use fewer nested parts or a smaller document"
            )

    def look_up(self, text: bytes, path: Path) -> Found:
        """Look a path up in a text."""
        if self._depth >= MOST_NESTED:
            raise GraphError(f"the GJSON path is nested more than {MOST_NESTED} deep here")
        self._depth += 1
        try:
            return self._look_up(text, path)
        finally:
            self._depth -= 1

    def _look_up(self, text: bytes, path: Path) -> Found:
        while True:
            self.spend(len(text))
            special = path.special
            if special is None:
                found, pipe = _Walk(self, text).go(path)
                if pipe is None:
                    return found
                text, path = found.raw, pipe
                continue
            if isinstance(special, Multipath):
                text = self._multipath(text, special)
            elif isinstance(special, Modifier):
                text = modify(self, text, special.name, special.argument)
            else:
                text = special.text
            if path.after_special is None:
                return Found(JSON, text) if isinstance(special, Multipath) else parse(text)
            path = path.after_special

    def _multipath(self, text: bytes, multipath: Multipath) -> bytes:
        parts = []
        named = multipath.opening == b"{"
        for name, path in multipath.parts:
            found = self.look_up(text, path)
            if found.exists:
                self.spend(len(found.raw))
                parts.append(name + b":" + found.raw if named else found.raw)
        return b"%s%s%s" % (multipath.opening, b",".join(parts), b"}" if named else b"]")


class _Walk:
    """The way of one path through one text: what is found so far, and the pipe it goes into."""

    def __init__(self, reader: Reader, text: bytes) -> None:
        self.reader = reader
        self.text = text
        self.found = MISSING
        self.pipe: Path | None = None

    def go(self, path: Path) -> tuple[Found, Path | None]:
        """Walk down from the first bracket of the text, without recursion.

        A container on the way is a generator: it yields the next one below, is sent where that
        ended if it led nowhere, and returns where it ends itself. A hit is an end of -1.
        """
        first = self._start(path)
        if isinstance(first, int):
            return self.found, self.pipe
        way = first
        above: list[_Descent] = []
        ended: int | None = None
        while True:
            try:
                below = next(way) if ended is None else way.send(ended)
            except StopIteration as stop:
                ended = stop.value
                if stop.value < 0 or not above:
                    break
                way = above.pop()
            else:
                if isinstance(below, int):
                    ended = below
                    if ended < 0:
                        break
                else:
                    above.append(way)
                    way, ended = below, None
        return self.found, self.pipe

    def _start(self, path: Path) -> _Descent | int:
        if path.lines:
            return self._array(0, path.way.in_array)
        bracket = FIRST_BRACKET.search(self.text)
        return self._container(bracket.start(), path.way) if bracket else -1

    def _container(self, at: int, way: Way) -> _Descent | int:
        if self.text[at] == ord("{"):
            return self._object(at + 1, way.in_object)
        return self._array(at + 1, way.in_array)

    def _array(self, at: int, step: ArrayStep) -> _Descent | int:
        if isinstance(step, Each):
            return self._each(at, step)
        if isinstance(step, Query):
            return self._query(at, step)
        self.pipe = step.pipe or self.pipe
        if isinstance(step, Index):
            return self._index(at, step)
        return self._count(at, step)

    def _object(self, at: int, step: ObjectStep) -> _Descent:
        text, part, wild, rest = self.text, step.part, step.wild, step.rest
        self.pipe = step.pipe or self.pipe
        while member := MEMBER.match(text, at):
            at = member.end()
            which = member.lastindex
            if which is None:
                return at
            which -= 1
            if which == 0 or which == UNENDED:
                break
            key = member[1]
            if b"\\" in key:
                key = unescape(key)
            matched = bool(wild(runes(key))) if wild else key == part
            if which == IN_BRACKETS:
                if matched and rest:
                    at = yield self._container(at - 1, rest)
                    continue
                start, at = at - 1, block_end(text, at - 1)
                if matched:
                    return self._hit(Found(JSON, text[start:at]))
            elif matched and not rest:
                return self._hit(scalar(which, member[which + 1]))
        return len(text)

    def _index(self, at: int, step: Index) -> _Descent:
        text, rest, to_go = self.text, step.rest, step.index
        while element := ELEMENT.match(text, at):
            at = element.end()
            which = element.lastindex
            if which == ARRAY_END:
                return at
            if which is None or which == UNENDED:
                break
            if which == IN_BRACKETS:
                if to_go == 0 and rest:
                    at = yield self._container(at - 1, rest)
                else:
                    start, at = at - 1, block_end(text, at - 1)
                    if to_go == 0:
                        return self._hit(Found(JSON, text[start:at]))
            elif to_go == 0 and not rest:
                return self._hit(scalar(which, element[which]))
            to_go -= 1
        return len(text)

    def _count(self, at: int, step: ArrayStep) -> int:
        elements = _Elements(self.text, at)
        count = sum(1 for _ in elements)
        if elements.ended and isinstance(step, Count):
            return self._hit(Found(NUMBER, b"%d" % count))
        return elements.at

    def _each(self, at: int, step: Each) -> int:
        elements = _Elements(self.text, at)
        starts = [at]
        for _ in elements:
            starts.append(elements.at)
        if not elements.ended:
            return elements.at
        self.pipe = step.pipe or self.pipe
        raws = []
        for start in starts:
            # gjson reads each element anew, from where the one before ended. In broken text, as
            # after a last comma, that is another value, or one beyond the bracket.
            value = next_value(self.text, start) if _may_start(self.text, start) else None
            if value and (found := self.reader.look_up(value[1].raw, step.path)).exists:
                raws.append(found.raw)
        return self._hit(Found(JSON, b"[%s]" % b",".join(raws)))

    def _query(self, at: int, step: Query) -> int:
        elements = _Elements(self.text, at)
        raws = []
        if step.then is None:
            self.pipe = step.pipe or self.pipe
        for element in elements:
            found = element
            if element.kind == JSON:
                found = self.reader.look_up(element.raw, step.path)
            elif step.path.text:
                continue
            if not step.comparison.of_text(found):
                continue
            found = element
            if step.then:
                self.pipe = step.pipe or self.pipe
                found = self.reader.look_up(element.raw, step.then)
            if not step.all:
                self.found = found
                return -1
            if found.raw:
                raws.append(found.raw)
        if elements.ended and step.all and not self.found.exists:
            # No hit: should an equal key follow, the search goes on there.
            self.found = Found(JSON, b"[%s]" % b",".join(raws))
        return elements.at

    def _hit(self, found: Found) -> int:
        # Null does not set the type, which can be that of an array found on the way.
        self.found = found._replace(kind=self.found.kind) if found.kind == NULL else found
        return -1


_Descent = Generator["_Descent | int", int, int]


class _Elements:
    """The elements of an array: goes on ``at``, until it has ``ended`` or a string is left open."""

    def __init__(self, text: bytes, at: int) -> None:
        self.text = text
        self.at = at
        self.ended = False

    def __iter__(self) -> Iterator[Found]:
        text = self.text
        while self.at <= len(text) and (element := ELEMENT.match(text, self.at)):
            self.at = element.end()
            which = element.lastindex
            if which is None or which == ARRAY_END:
                self.ended = True
                return
            if which == UNENDED:
                break
            if which == IN_BRACKETS:
                start, self.at = self.at - 1, block_end(text, self.at - 1)
                yield Found(JSON, text[start : self.at])
            else:
                yield scalar(which, element[which])
        self.at = len(text)


def _may_start(text: bytes, at: int) -> bool:
    """Whether anything but the end of the array, or of the text, comes next."""
    following = AFTER_SPACES.match(text, at)
    return following is not None and following[1] not in (b"", b"]")
