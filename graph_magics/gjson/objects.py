"""A path looked up in Python objects, without writing them as text.

A path is compiled to functions of a value, once. They answer as the text would: where the
answer depends on how a value is written they raise `NeedsText`, and the caller takes the text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..errors import GraphError
from .comparing import Comparison
from .paths import ArrayStep, Count, Each, Index, ObjectStep, Path, Query, Way
from .texts import MOST_NESTED, Reader
from .values import PLAIN, key_text, settle
from .wildcards import Matcher


class _Nil:
    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


#: No value, and the search may go on with another key.
MISSING: Any = _Nil("MISSING")
#: No value, and the search is over.
NOTHING: Any = _Nil("NOTHING")

Lookup = Callable[[Any], Any]
# A key that is no text is written as one of these.
_NOT_ONLY_TEXT = frozenset("-0123456789tfnNI")


class NeedsText(Exception):
    """The answer depends on how a value is written."""


class Unfinished(NamedTuple):
    """A value in which a path is still to be looked up, as text."""

    value: Any
    path: Path


def compile_path(path: Path) -> Lookup:
    """Compile a path to a function from a value to what is found, or ``MISSING``.

    Of a path that ends in a modifier or the like, the function does the part before, and
    gives the rest back as `Unfinished`.
    """
    return _Compiler(0, may_be_unfinished=True).whole(path)


class _Compiler:
    """Makes the functions for one level of a path."""

    def __init__(self, depth: int, *, may_be_unfinished: bool = False) -> None:
        self.depth = depth
        self.may_be_unfinished = may_be_unfinished

    def whole(self, path: Path) -> Lookup:
        """The look-up of a whole path in a value of any type."""
        if self.depth > MOST_NESTED or (path.special and not self.may_be_unfinished):
            raise NeedsText
        if path.special:
            return lambda value: Unfinished(value, path)
        digs = not path.lines
        walk = self.down(path.way) if digs else self.in_lines(path.way)

        def look_up(value: Any) -> Any:
            kind = type(value)
            if kind is not dict and kind is not list:
                value = settle(value)
                # gjson starts at the first bracket, be it one inside of a string.
                if digs and type(value) is str and ("{" in value or "[" in value):
                    raise NeedsText
            found = walk(value)
            return MISSING if found is NOTHING else found

        return look_up if (key := _only_key(path)) is MISSING else _quick(key, look_up)

    def inner(self, path: Path) -> Lookup:
        """The look-up of a path that stands inside of a query or after ``#.``."""
        return _Compiler(self.depth + 1).whole(path)

    def down(self, way: Way) -> Lookup:
        """The look-up in a container, and further down; a scalar has nothing."""
        steps: list[tuple[str, int]] = []
        while _reads_alike(way):
            step = way.in_object
            steps.append((_text(step.part), way.in_array.index))  # type: ignore[attr-defined]
            if step.rest is None:
                if step.pipe is None:
                    return _descent(steps)
                return _descent(steps[:-1], self.into(step.pipe, _descent(steps[-1:])))
            way = step.rest
        return _descent(steps, _fork(self, way))

    def in_lines(self, way: Way) -> Lookup:
        """The look-up in an array whose only element the value is: its text has one line."""
        in_array = self.in_array(way.in_array)
        return lambda value: in_array([value])

    def in_object(self, step: ObjectStep) -> Lookup:
        """The look-up in a dict."""
        after = self.down(step.rest) if step.rest else _same
        if step.wild:
            return self.into(step.pipe, _wild(step.wild, step.rest, after))
        return self.into(step.pipe, _descent([(_text(step.part), -1)], after))

    def in_array(self, step: ArrayStep) -> Lookup:
        """The look-up in a list."""
        if isinstance(step, Index):
            after = self.down(step.rest) if step.rest else _same
            return self.into(step.pipe, _descent([("", step.index)], after))
        if isinstance(step, Each):
            return self.into(step.pipe, _collect(self.inner(step.path)))
        if isinstance(step, Query):
            passes = self.passing(step)
            if step.then:
                return self.query_then(step, passes, self.inner(step.then))
            return self.into(step.pipe, _every(passes) if step.all else _first(passes))
        return self.into(step.pipe, len if isinstance(step, Count) else _missing)

    def query_then(self, step: Query, passes: Callable[[Any], bool], then: Lookup) -> Lookup:
        """The look-up of a path in the elements that pass."""
        # The pipe is in force only where an element passes.
        end = self.into(step.pipe, then)

        def first(value: list[Any]) -> Any:
            for element in value:
                if passes(element):
                    found = end(element)
                    return NOTHING if found is MISSING else found
            return MISSING

        def found_in(passed: list[Any]) -> list[Any]:
            return [found for found in map(then, passed) if found is not MISSING]

        every = self.into(step.pipe, found_in)

        def all_(value: list[Any]) -> Any:
            passed = [element for element in value if passes(element)]
            return every(passed) if passed else passed

        return all_ if step.all else first

    def passing(self, step: Query) -> Callable[[Any], bool]:
        """The test of an element."""
        test = step.comparison.for_values()
        if_missing = step.comparison.of_missing()
        look_up = self.inner(step.path)
        # A path is looked for in objects and arrays only.
        of_scalars = step.path.text == b""

        def passes(element: Any) -> bool:
            kind = type(element)
            if kind is dict or kind is list:
                found = look_up(element)
                if found is MISSING:
                    return if_missing
                return test(found if type(found) in PLAIN else settle(found))
            element = settle(element)
            if type(element) is list:
                return passes(element)
            return of_scalars and test(element)

        key = _only_key(step.path)
        return passes if key is MISSING else _quick_test(key, step.comparison, passes)

    def into(self, pipe: Path | None, look_up: Lookup) -> Lookup:
        """A look-up in a container, and the pipe that what it finds goes into."""
        if pipe is None:
            return look_up
        piped = _Compiler(self.depth, may_be_unfinished=self.may_be_unfinished).whole(pipe)
        try:
            # Some pipes find something in nothing: a literal does, a new object, @keys.
            finds_in_nothing = Reader(b"").look_up(b"", pipe).exists
        except GraphError:
            finds_in_nothing = True

        def look_up_and_on(value: Any) -> Any:
            found = look_up(value)
            if found is MISSING:
                if finds_in_nothing:
                    raise NeedsText
                return MISSING
            found = piped(found)
            return NOTHING if found is MISSING else found

        return look_up_and_on


def _fork(compiler: _Compiler, way: Way) -> Lookup:
    """The look-up where objects and arrays read a way differently.

    Each reading is compiled when it is first needed: the other one often makes no sense.
    """
    in_object: Lookup | None = None
    in_array: Lookup | None = None

    def fork(value: Any) -> Any:
        nonlocal in_object, in_array
        kind = type(value)
        if kind is list:
            if in_array is None:
                in_array = compiler.in_array(way.in_array)
            return in_array(value)
        if kind is dict:
            if in_object is None:
                in_object = compiler.in_object(way.in_object)
            return in_object(value)
        value = settle(value)
        return fork(value) if type(value) is dict or type(value) is list else MISSING

    return fork


def _only_key(path: Path) -> Any:
    """The key that is the whole path, or ``MISSING``, which no dict has."""
    if path.special or path.lines or not _reads_alike(path.way):
        return MISSING
    step = path.way.in_object
    return MISSING if step.rest or step.pipe else _text(step.part)


def _quick(key: str, look_up: Lookup) -> Lookup:
    """The same look-up, without detours for the key of a dict."""

    def quick(value: Any) -> Any:
        return value[key] if type(value) is dict and key in value else look_up(value)

    return quick


def _quick_test(
    key: str, comparison: Comparison, passes: Callable[[Any], bool]
) -> Callable[[Any], bool]:
    """The same test, without detours for a number or string under the key of a dict."""
    order, number, text = comparison.order, comparison.number, comparison.text
    if order is None:
        return passes

    def quick(element: Any) -> bool:
        if type(element) is dict and key in element:
            value = element[key]
            kind = type(value)
            if kind is float:
                return order(value, number)
            if kind is str:
                return order(value, text)
        return passes(element)

    return quick


def _reads_alike(way: Way) -> bool:
    """Whether objects and arrays see the same first part, and the same after it."""
    one, other = way.in_object, way.in_array
    return (
        isinstance(other, Index)
        and one.wild is None
        and (one.rest and one.rest.text) == (other.rest and other.rest.text)
        and (one.pipe and one.pipe.text) == (other.pipe and other.pipe.text)
    )


def _descent(steps: list[tuple[str, int]], after: Lookup | None = None) -> Lookup:
    """Go down by keys or indexes, then on with ``after``."""
    if not steps:
        return after or _same
    ((only_key, only_index),) = steps[-1:]

    def step(value: Any) -> Any:
        kind = type(value)
        if kind is dict and only_key in value:
            found = value[only_key]
        elif kind is list and -1 < only_index < len(value):
            found = value[only_index]
        else:
            found = _elsewhere(value, only_key, only_index)
            if found is MISSING:
                return MISSING
        return after(found) if after else found

    def descend(value: Any) -> Any:
        for key, index in steps:
            kind = type(value)
            if kind is dict and key in value:
                value = value[key]
            elif kind is list and -1 < index < len(value):
                value = value[index]
            else:
                value = _elsewhere(value, key, index)
                if value is MISSING:
                    return MISSING
        return after(value) if after else value

    return step if len(steps) == 1 else descend


def _elsewhere(value: Any, key: str, index: int) -> Any:
    """What a step finds in unusual types and under unusual keys."""
    value = settle(value)
    if type(value) is list:
        return value[index] if -1 < index < len(value) else MISSING
    if type(value) is not dict:
        return MISSING
    return value[key] if key in value else _odd_key(value, key)


def _odd_key(value: dict[Any, Any], key: str) -> Any:
    """The member whose key is no text, but is written as this one."""
    if key[:1] in _NOT_ONLY_TEXT:
        for odd in value:
            if type(odd) is not str and key_text(odd) == key:
                return value[odd]
    return MISSING


def _wild(matches: Matcher, rest: Way | None, after: Lookup) -> Lookup:
    text = rest.text if rest else b""
    # Where several keys match, what an earlier one left behind can show in the answer.
    leaves_traces = b"#(" in text or b"#[" in text or b"\\" in text

    def search(value: dict[Any, Any]) -> Any:
        if leaves_traces and sum(bool(matches(key_text(key))) for key in value) > 1:
            raise NeedsText
        for key in value:
            if matches(key if type(key) is str else key_text(key)):
                found = after(value[key])
                if found is not MISSING:
                    return found
        return MISSING

    return search


def _collect(look_up: Lookup) -> Lookup:
    def collect(value: list[Any]) -> Any:
        return [found for found in map(look_up, value) if found is not MISSING]

    return collect


def _first(passes: Callable[[Any], bool]) -> Lookup:
    def first(value: list[Any]) -> Any:
        for element in value:
            if passes(element):
                return element
        return MISSING

    return first


def _every(passes: Callable[[Any], bool]) -> Lookup:
    return lambda value: [element for element in value if passes(element)]


def _same(value: Any) -> Any:
    return value


def _missing(value: Any) -> Any:
    return MISSING


def _text(part: bytes) -> str:
    return part.decode("utf-8", "surrogatepass")
