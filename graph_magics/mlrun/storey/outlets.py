"""`select_outlets`: which of the next steps an event goes to (MLRun 1.12)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ...batch import Batch
from ...context import Context
from ...errors import GraphError, listed, near
from ...failures import Failure
from ..base import Sent
from ..calling import each, others
from ..events import failure_of


class NoSuchOutlet(GraphError, ValueError):
    """A step sends an event to a step that does not follow it, or twice to the same."""

    status = 400


def selected(
    batch: Batch,
    bodies: Sequence[Any],
    select: Callable[[Any], Any],
    context: Context,
    allowed: Sequence[str],
    *,
    received: Batch | None = None,
    none_is_all: bool = True,
) -> Batch:
    """Ask for each event which steps it goes to; who cannot be asked, or is sent nowhere, fails.

    Parameters
    ----------
    batch : Batch
        What goes on.
    bodies : sequence
        What ``select`` is given for each event.
    select : callable
        Gives names of steps.
    allowed : sequence of str
        The steps that follow.
    received : Batch, optional
        What the step was sent, if that is more.
    none_is_all : bool
        Whether no name at all stands for all steps; else for none.
    """
    failures: dict[int, Failure] = {}
    asked, rows = each(select, bodies, failures, context)
    ways: list[tuple[str, ...] | None] = []
    known: dict[Any, int] = {}
    codes = np.full(len(batch), -1, dtype=np.int64)
    for place, names in enumerate(asked):
        row = place if rows is None else rows[place]
        try:
            way = tuple(names) if names is not None else ()
            is_all = none_is_all and not way
            if names is None and not is_all:
                _refuse_none()
            way = tuple(allowed) if is_all else way
            if not _is_in(way, known):
                known[check(way, allowed)] = len(known)
        except Exception as error:
            failures[row] = failure_of(context, error)
            continue
        ways.append(None if is_all else way)
        if way:
            codes[row] = known[way]
    _record(batch, received, [", ".join(way) for way in known], codes, context)
    return Sent(batch.fail(failures, others(batch.events(), failures)), ways)


def check(names: Iterable[Any], allowed: Sequence[str]) -> tuple[str, ...]:
    """Give names of steps that follow; no other, and none twice.

    Raises
    ------
    NoSuchOutlet
        If it is otherwise.

    Examples
    --------
    >>> check(["big"], ["big", "small"])
    ('big',)
    """
    way = tuple(names)
    for name in way:
        if name not in allowed:
            there = f"there are {listed(allowed)}" if allowed else "no step follows it"
            letter = (
                "; a text is taken letter by letter, write [name]"
                if isinstance(name, str) and len(name) == 1
                else ""
            )
            raise NoSuchOutlet(
                f"select_outlets gave {name!r}, which is no step that follows"
                f"{near(str(name), allowed)}; {there}{letter}"
            )
    if len(set(way)) < len(way):
        raise NoSuchOutlet(f"select_outlets gave a step twice: {listed(way)}")
    return way


def _is_in(way: tuple[Any, ...], known: dict[Any, int]) -> bool:
    try:
        return way in known
    except TypeError:  # Something in it is no text, and no name of a step.
        return False


def _refuse_none() -> None:
    raise NoSuchOutlet(
        "select_outlets must give the names of steps, it gave None; [] sends nowhere"
    )


def _record(
    batch: Batch, received: Batch | None, labels: list[str], codes: np.ndarray, context: Context
) -> None:
    if received is not None and len(received) > len(batch):
        every = np.full(len(received), -1, dtype=np.int64)
        every[np.searchsorted(received.positions, batch.positions)] = codes
        codes = every
    context.chose(labels, codes)
