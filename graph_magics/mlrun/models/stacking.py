"""Many requests as one: a model's ``predict`` called once for the rows of all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Any, Literal, NoReturn

import numpy as np

from ...bodies import column, many_objects, object_array
from .rows import RowLists, Rows

#: Of events up to so many, all are predicted alone, too, to see whether that is the same.
_FEW = 4
#: Of more, one of each number of rows is, up to so many.
_SIZES = 16


class _NotByRows(Exception):
    """A model does not answer row by row; the events are to be answered one by one."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The outputs of many events, one after the other.

    Parameters
    ----------
    outputs : list, tuple or ndarray
        An item for each row.
    sizes : list of int
        How many rows each event has.
    """

    outputs: Any
    sizes: list[int]

    def parts(self) -> Iterator[Any]:
        """The outputs of each event."""
        start = 0
        for end in accumulate(self.sizes):
            yield self.outputs[start:end]
            start = end

    def columns(self) -> tuple[Any, Literal["list", "tuple", "array", "items"]]:
        """The outputs as a column that keeps each as it is, and what those of an event stand in.

        >>> Stack([1, 2], [1, 1]).columns()
        (array([1, 2]), 'list')
        """
        outputs = self.outputs
        if isinstance(outputs, np.ndarray):
            return outputs, "array"
        if isinstance(outputs, tuple):
            return _column(list(outputs)), "tuple"
        kinds = set(map(type, outputs))
        if len(kinds) == 1 and issubclass(next(iter(kinds)), (np.number, np.bool_)):
            return np.array(outputs), "items"
        return _column(outputs), "list"


def _column(values: list[Any]) -> Any:
    kinds = set(map(type, values))
    if len(kinds) == 1 and kinds <= {int, float, bool, str}:
        try:
            return column(values)
        except ValueError:  # A text that cannot be written in UTF-8.
            return object_array(values)
    if kinds == {list}:
        inner = set(map(type, chain.from_iterable(values)))
        if len(inner) == 1 and inner <= {int, float, bool} and len(set(map(len, values))) == 1:
            table = np.array(values)
            return table if table.dtype.kind in "bif" else object_array(values)
    return object_array(values)


class Stacker:
    """Calls a model's ``predict``: once for many events, if the model answers row by row.

    What it answers is as if each event had been asked alone. So a model is asked together only
    for rows that look alike, and at first some events are asked alone, too. A model that looks
    at more than the rows, answers otherwise than an item for each, or otherwise than to the
    event alone, is asked for each event alone from then on.

    Parameters
    ----------
    predict : callable
        Given a request.
    by_rows : bool or None
        Whether it answers row by row; found out if None.
    changes_show : bool
        Whether what it does to its request is seen, so that it must be given an event's own.

    Examples
    --------
    >>> stacker = Stacker(lambda request: [2 * value for value in request["inputs"]])
    >>> lists = [[1, 2], [3]]
    >>> answers, errors = stacker.answers(RowLists(lists), lambda event: {"inputs": lists[event]})
    >>> list(answers.parts()), stacker.by_rows
    ([[2, 4], [6]], True)
    """

    def __init__(
        self,
        predict: Callable[[Any], Any],
        by_rows: bool | None = None,
        *,
        changes_show: bool = False,
    ) -> None:
        self._predict = predict
        self._changes_show = changes_show
        self.by_rows = by_rows

    def answers(
        self,
        lists: RowLists,
        alone: Callable[[int], Any],
        own: Callable[[int], Any] | None = None,
    ) -> tuple[Stack | list[Any], dict[int, Exception]]:
        """Give the outputs of all events, and what was raised for some.

        Parameters
        ----------
        lists : RowLists
        alone : callable
            Gives a copy of an event's own request, by its place; or raises why there is none.
        own : callable, optional
            As ``alone``, but gives no copy: what an answer is to be had for, not a comparison.

        Returns
        -------
        answers : Stack or list
            A list has something for the events that failed, too.
        errors : dict of int to Exception
        """
        asked = _Asked([None] * len(lists), {}, lists, alone, own or alone)
        left = set(range(len(lists)))
        for events in lists.groups if self.by_rows is not False else ():
            if len(events) == len(lists) > 1:
                with suppress(Exception):
                    return self._together(events, asked), {}
                self._in_halves(events, asked)
            else:
                self._in_parts([events], asked)
            left.difference_update(events)
        self._one_by_one(sorted(left), asked)
        whole = None if left or asked.errors else _joined(asked.answers)
        return whole or asked.answers, asked.errors

    def _one_by_one(self, events: Iterable[int], asked: _Asked) -> None:
        for event in events:
            try:
                asked.answers[event] = self._predict(asked.own(event))
            except Exception as error:
                asked.errors[event] = error

    def _in_parts(self, waiting: list[list[int]], asked: _Asked) -> None:
        """Ask for some events together, for others; and for those that fail so in halves."""
        while waiting:
            events = waiting.pop()
            if self.by_rows is False or len(events) == 1:
                self._one_by_one(events, asked)
                continue
            try:
                stack = self._together(events, asked)
            except Exception:
                self._in_halves(events, asked, waiting)
            else:
                for event, outputs in zip(events, stack.parts(), strict=True):
                    asked.answers[event] = outputs

    def _in_halves(
        self, events: list[int], asked: _Asked, waiting: list[list[int]] | None = None
    ) -> None:
        """Find the events that together fail; the others get what they would get alone."""
        if self.by_rows is False or len(events) > 2:
            middle = len(events) // 2
            halves = [events[middle:], events[:middle]]
            if waiting is None:
                self._in_parts(halves, asked)
            else:
                waiting += halves
            return
        self._one_by_one(events, asked)
        if not any(event in asked.errors for event in events):
            self.by_rows = False  # Two that it answers alone, it does not answer together.

    def _together(self, events: list[int], asked: _Asked) -> Stack:
        with many_objects(len(events)):
            sizes = asked.lists.sizes(events)
            request = Rows(inputs=asked.lists.rows(events))
        try:
            outputs = self._predict(request)
        finally:
            if request.was_asked:
                self._is_not_by_rows()
        is_array = type(outputs) is np.ndarray and outputs.ndim > 0
        if not (is_array or type(outputs) in (list, tuple)) or len(outputs) != sum(sizes):
            self._is_not_by_rows()
        if is_array:
            outputs = outputs.copy()  # It may be the model's own, which is written to again.
        stack = Stack(outputs, sizes)
        if self.by_rows is None:
            self._check(stack, events, asked)
        return stack

    def _is_not_by_rows(self) -> NoReturn:
        self.by_rows = False
        raise _NotByRows

    def _check(self, stack: Stack, events: list[int], asked: _Asked) -> None:
        """Compare some answers with those to the events alone."""
        alone = asked.alone
        ends = list(accumulate(stack.sizes))
        last = len(events) - 1
        other = _first_other(stack.outputs, stack.sizes, ends)
        places = set(range(last + 1))
        if last >= _FEW:
            # What it answers may hang on how many rows there are: one event of each number.
            first_of = {size: place for place, size in reversed(list(enumerate(stack.sizes)))}
            places = {0, last // 2, last, other, *sorted(first_of.values())[:_SIZES]}
        for place in sorted(places):
            request = alone(events[place])
            try:
                answer = self._predict(request)
            except Exception:
                self._is_not_by_rows()
            if self._changes_show and not same(request, alone(events[place])):
                self._is_not_by_rows()
            if not same(stack.outputs[ends[place] - stack.sizes[place] : ends[place]], answer):
                self._is_not_by_rows()
        # As long as all start as the first does, one that answers always the same goes unnoticed.
        if other:
            self._check_one_more(stack, events, ends, other, asked.lists)
            self.by_rows = True

    def _check_one_more(
        self, stack: Stack, events: list[int], ends: list[int], other: int, lists: RowLists
    ) -> None:
        """Ask for an event with a row of another: the number of rows may count by its rest."""
        size, place = min((size, place) for place, size in enumerate(stack.sizes) if size)
        given = [*lists.rows([events[place]]), *lists.rows([events[other]])[:1]]
        request = Rows(inputs=given)
        try:
            outputs = self._predict(request)[:size]
        except Exception:
            self._is_not_by_rows()
        if not same(stack.outputs[ends[place] - size : ends[place]], outputs):
            self._is_not_by_rows()


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of a model, and what it has answered: by event."""

    answers: list[Any]
    errors: dict[int, Exception]
    lists: RowLists
    alone: Callable[[int], Any]
    own: Callable[[int], Any]


def _joined(answers: list[Any]) -> Stack | None:
    """The outputs of events that were asked in several groups, as one stack of lists."""
    if set(map(type, answers)) != {list}:
        return None
    return Stack(list(chain.from_iterable(answers)), list(map(len, answers)))


def _first_other(outputs: Any, sizes: Sequence[int], ends: Sequence[int]) -> int:
    """The first event that is answered otherwise than with what comes first; 0 if none is."""
    if isinstance(outputs, np.ndarray):
        outputs = outputs.tolist()
    try:
        if len(set(outputs)) == 1 == len(set(map(type, outputs))):
            return 0
    except TypeError:  # Lists and dicts are compared one by one.
        pass
    for place, (size, end) in enumerate(zip(sizes, ends, strict=True)):
        if not same(outputs[end - size : end], outputs[:size]):
            return place
    return 0


def same(one: Any, other: Any) -> bool:
    """Whether two answers are the same, but for the last digits of floats.

    >>> same([1, 0.1 + 0.2], [1, 0.3]), same([1], [1.0]), same([1], [2])
    (True, False, False)
    """
    if type(one) is not type(other):
        return False
    if isinstance(one, (float, np.floating)):
        return _near(float(one), float(other))
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray):
        return (
            one.shape == other.shape
            and one.dtype == other.dtype
            and all(map(same, one.ravel().tolist(), other.ravel().tolist()))
        )
    try:
        return bool(one == other)
    except Exception:
        return False


def _near(one: float, other: float) -> bool:
    if math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12) or (one != one and other != other):
        return True
    if one.is_integer() and other.is_integer():
        return False
    # Of numbers that were computed with half the digits, the last ones are earlier.
    return math.isclose(one, other, rel_tol=1e-5, abs_tol=1e-6) and all(
        float(np.float32(number)) == number for number in (one, other)
    )
