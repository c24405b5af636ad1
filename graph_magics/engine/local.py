"""Runs a graph over events in this process, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from time import perf_counter
from typing import Any, Literal, TypeAlias

import numpy as np

from ..batch import Batch
from ..bodies import COLLECTOR
from ..context import Context, Jumps, Recalls, Setup, Visit
from ..cores import cores, sharing
from ..errors import GraphError
from ..nodes import Node, stateful_in, walk
from .aio import async_map
from .chunks import ALL_AT_ONCE, GRID, MOST, first_on_grid, starts_of, table_step
from .events import Events
from .interrupts import Interrupts
from .processes import elsewhere
from .progress import Progress
from .threads import at_once, in_order

Executor: TypeAlias = Literal["thread", "process"]
Chunks: TypeAlias = "Generator[tuple[Batch, Batch, list[Visit]]]"

SECONDS = 1.0
"""How long a chunk is to take: a hundred times what a forest of so many trees takes to begin."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run: the answer of every chunk, what every node saw, and the chunks."""

    answers: list[Batch]
    visits: list[Visit]
    chunks: list[Batch]


class Done:
    """What is done of a run, chunk by chunk: whole, whenever it is looked at."""

    def __init__(self) -> None:
        self._chunks: list[tuple[Batch, Batch, list[Visit]]] = []

    def __len__(self) -> int:
        return sum(len(batch) for batch, _, _ in self._chunks)

    def add(self, batch: Batch, answer: Batch, visits: list[Visit]) -> None:
        """Keep what came of the next events."""
        self._chunks.append((batch, answer, visits))

    def outcome(self) -> Outcome:
        """What came of all."""
        answers = [answer for _, answer, _ in self._chunks]
        visits = [visit for _, _, visits in self._chunks for visit in visits]
        return Outcome(answers, visits, [batch for batch, _, _ in self._chunks])


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
    executor: Executor | None = None,
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
    executor : {"thread", "process"}, optional
        Where several chunks are run at the same time.

    Raises
    ------
    GraphError
        If chunks of these events cannot be run at the same time.
    """
    setup = Setup(
        seed, async_map, at_once, elsewhere, event_id, stop_on_failure, headers, None, request
    )  # fmt: skip
    setup.first = first
    if memory is not None:
        setup.memory = memory
    done = Done() if done is None else done  # Empty yet, and so false.
    interrupts = interrupts or Interrupts()
    total, collects = len(events), COLLECTOR.is_enabled
    try:
        if executor is not None:
            chunks = _at_the_same_time(root, events, setup, executor, chunk_size)
        elif total > (chunk_size or ALL_AT_ONCE) or (progress and total):
            chunks = _one_by_one(root, events, setup, chunk_size)
        else:
            batch = _chunk(events, 0, total)
            answer, visits = _answered(root, batch, setup)
            interrupts.check()
            return Outcome([answer], visits, [batch])
        with Progress(total, shown=progress) as bar, closing(chunks):
            for batch, answer, visits in chunks:
                interrupts.check()
                done.add(batch, answer, visits)
                failed = _failed(answer)
                bar.done(len(batch), failed)
                if stop_on_failure and failed:
                    break
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) or interrupts.came:
            COLLECTOR.let_go(is_enabled=collects)
            interrupts.check()
        raise
    return done.outcome()


def _one_by_one(root: Node, events: Events, setup: Setup, chunk_size: int | None) -> Chunks:
    """Chunk after chunk; if their size is not said, each is to take a second."""
    total, start = len(events), 0
    first = first_on_grid(root, total) if chunk_size is None else None
    size = first or chunk_size or total
    while start < total:
        begun = perf_counter()
        size = min(size, total - start)
        batch = _chunk(events, start, size)
        yield batch, *_answered(root, batch, setup)
        start += size
        if first is not None:
            wanted = min(size * SECONDS / max(perf_counter() - begun, 1e-9), MOST)
            size = max(int(wanted) // GRID, 1) * GRID


def _at_the_same_time(
    root: Node, events: Events, setup: Setup, executor: Executor, chunk_size: int | None
) -> Chunks:
    """Several chunks at the same time, given in their order."""
    _check_parts(root, executor, chunk_size)
    total, number = len(events), cores()
    starts = starts_of(root, total, number, chunk_size)
    setup.jumps = Jumps()  # One for all threads.
    away = executor == "process"
    run: Callable[..., Any] = partial(_answered, root, setup=setup, away=away)
    if executor == "thread":
        run = sharing(run, number)
    batches = [_chunk(events, start, end - start) for start, end in pairwise([*starts, total])]
    calls = [partial(run, batch) for batch in batches]
    for batch, (answer, visits) in zip(batches, in_order(calls, number), strict=True):
        yield batch, answer, visits


def _check_parts(root: Node, executor: Executor, chunk_size: int | None) -> None:
    """Refuse what cannot be parted."""
    nodes = dict(walk(root))
    told = f"executor={executor!r} runs events at the same time"
    for path in stateful_in(nodes):
        raise GraphError(f"may remember the events before, and {told}", node=path)
    for path, node in nodes.items():
        if node.stays:
            raise GraphError(f"runs on the notebook's own loop, and {told}", node=path)
    table = table_step(root)
    if table is not None and chunk_size is None:
        raise GraphError(
            f"is given the whole table, and {told}: say chunk_size=..., if it may be given so "
            "many rows",
            node=table,
        )


def execute_again(
    root: Node, chunks: Sequence[Batch], replay: Recalls, *, seed: int = 0
) -> Outcome:
    """Run a root node over the chunks of a run, where someone answers for nodes that he knows.

    Parameters
    ----------
    chunks : sequence of Batch
        As they were handed on; so whoever looks at a whole chunk sees the same.
    replay : Recalls
    """
    setup = Setup(seed, async_map, at_once, elsewhere, replay=replay)
    done = Done()
    for batch in chunks:
        done.add(batch, *_answered(root, batch, setup))
    return done.outcome()


def _answered(
    root: Node, batch: Batch, setup: Setup, *, away: bool = False
) -> tuple[Batch, list[Visit]]:
    """What comes of some of the events, here or in another process."""
    visits: list[Visit] = []
    answer = batch
    if len(batch):
        here = Context("", setup, visits)
        answer = elsewhere(root, batch, here) if away else root.run(batch, here)
    for visit in visits:
        visit.received.forget()
    batch.forget()
    return answer, visits


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
    return Batch(events.part(start, end).bodies, np.arange(start, end))
