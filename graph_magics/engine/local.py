"""Runs a graph over events in this process, chunk by chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from ..batch import Batch
from ..bodies import COLLECTOR, Bodies, Samples
from ..context import Context, Setup, Visit
from ..nodes import Node, walk
from .aio import async_map
from .events import Events
from .interrupts import Interrupts
from .progress import Progress
from .threads import at_once

#: So many events are handed on at once, whatever they cost.
ALL_AT_ONCE = 50_000
#: Of more events the first chunk has so many and what is left over, and the others a multiple
#: of it. Linear algebra rounds its last rows otherwise than those before if their number is odd:
#: so they are always the same ones, however many chunks there are.
GRID = 16_384
MOST = 16 * GRID
"""How many events a chunk has at most."""

SECONDS = 1.0
"""How long a chunk is to take: a hundred times what a forest of so many trees takes to begin."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run: the answer of every chunk, and what every node saw."""

    answers: list[Batch]
    visits: list[Visit]


class Done:
    """What is done of a run, chunk by chunk: whole, whenever it is looked at."""

    def __init__(self) -> None:
        self._chunks: list[tuple[int, Batch, list[Visit]]] = []

    def __len__(self) -> int:
        return sum(size for size, _, _ in self._chunks)

    def add(self, size: int, answer: Batch, visits: list[Visit]) -> None:
        """Keep what came of the next so many events."""
        self._chunks.append((size, answer, visits))

    def outcome(self) -> Outcome:
        """What came of all."""
        answers = [answer for _, answer, _ in self._chunks]
        return Outcome(answers, [visit for _, _, visits in self._chunks for visit in visits])


def execute(
    root: Node,
    events: Events,
    *,
    seed: int = 0,
    chunk_size: int | None = None,
    event_id: str | None = None,
    headers: Sequence[tuple[str, str]] = (),
    stop_on_failure: bool = False,
    request: Any = None,
    first: int = 0,
    memory: dict[Any, Any] | None = None,
    progress: bool | None = False,
    done: Done | None = None,
    interrupts: Interrupts | None = None,
) -> Outcome:
    """Run a root node over all events.

    Parameters
    ----------
    chunk_size : int, optional
        How many events are handed on at once; if absent, all up to some number, and of more so
        many as take a second. It changes no answer.
    headers : sequence of (str, str)
        Those that the request came with.
    stop_on_failure : bool
        Whether to stop after the first chunk with a failure, whose traceback is then kept.
    request : optional
        What the request is besides its body, for nodes that look at that.
    first : int
        Where in the whole run the first of these events stands, if they are a part of it.
    memory : dict, optional
        What nodes keep between the parts of a run: the same for all of them.
    progress : bool, optional
        Whether to show how far it is; None: if it takes long.
    done : Done, optional
        Where chunks are kept when they are done, for whoever looks after an interrupt.
    interrupts : Interrupts, optional
        Knows whether one came, whose exception something may have swallowed.
    """
    setup = Setup(seed, async_map, at_once, event_id, stop_on_failure, headers, None, request)
    setup.first = first
    if memory is not None:
        setup.memory = memory
    done = Done() if done is None else done  # Empty yet, and so false.
    interrupts = interrupts or Interrupts()
    total, collects = len(events), COLLECTOR.is_enabled
    try:
        if total <= (ALL_AT_ONCE if chunk_size is None else chunk_size) and not (
            progress and total
        ):
            answer, visits = _answered(root, events, 0, total, setup)
            interrupts.check()
            return Outcome([answer], visits)
        adapts = chunk_size is None and total > ALL_AT_ONCE and _may_part(root)
        size = GRID + total % GRID if adapts else chunk_size or total
        start = 0
        with Progress(total, shown=progress) as bar:
            while start < total:
                begun = perf_counter()
                size = min(size, total - start)
                answer, visits = _answered(root, events, start, size, setup)
                interrupts.check()
                done.add(size, answer, visits)
                start += size
                failed = _failed(answer)
                bar.done(size, failed)
                if stop_on_failure and failed:
                    break
                if adapts:
                    wanted = min(size * SECONDS / max(perf_counter() - begun, 1e-9), MOST)
                    size = max(int(wanted) // GRID, 1) * GRID
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) or interrupts.came:
            COLLECTOR.let_go(is_enabled=collects)
            interrupts.check()
        raise
    return done.outcome()


def _answered(
    root: Node, events: Events, start: int, size: int, setup: Setup
) -> tuple[Batch, list[Visit]]:
    """What comes of some of the events."""
    batch = _chunk(events, start, size)
    visits: list[Visit] = []
    answer = root.run(batch, Context("", setup, visits)) if size else batch
    for visit in visits:
        visit.received.forget()
    return answer, visits


def _may_part(root: Node) -> bool:
    """Whether no function is given a table: it may look at all rows, for their mean perhaps."""
    return not any(getattr(node, "batch", False) for _, node in walk(root))


def first_of(events: Events, number: int) -> Events:
    """So many of the events, from the first on."""
    return Events(_slice(events.bodies, 0, number), events.index[:number])


def _failed(answer: Batch) -> int:
    """How many events of a chunk have no successful answer."""
    failed = len(answer.failures)
    if answer.status is not None:
        failed += len(answer) - int(answer.is_success.sum())
    return failed


_FIRST = np.zeros(1, dtype=np.int64)
_FIRST.flags.writeable = False


def _chunk(events: Events, start: int, size: int) -> Batch:
    total = len(events)
    if not start and size >= total:
        return Batch(events.bodies, _FIRST if total == 1 else np.arange(total))
    end = min(start + size, total)
    return Batch(_slice(events.bodies, start, end), np.arange(start, end))


def _slice(bodies: Any, start: int, end: int) -> Bodies:
    if isinstance(bodies, pd.DataFrame):
        return bodies.iloc[start:end]
    if isinstance(bodies, Samples):
        return bodies.take(np.arange(start, end))
    return bodies[start:end]
