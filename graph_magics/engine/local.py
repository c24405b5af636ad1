"""Runs a graph over events in this process, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..batch import Batch
from ..bodies import Bodies, Samples
from ..context import Context, Setup, Visit
from ..nodes import Node
from .aio import async_map
from .events import Events
from .threads import at_once


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run: the answer of every chunk, and what every node saw."""

    answers: list[Batch]
    visits: list[Visit]


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
) -> Outcome:
    """Run a root node over all events.

    Parameters
    ----------
    chunk_size : int, optional
        How many events are handed on at once; all, if absent. It changes no answer.
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
    """
    visits: list[Visit] = []
    answers: list[Batch] = []
    setup = Setup(seed, async_map, at_once, event_id, stop_on_failure, headers, None, request)
    setup.first = first
    if memory is not None:
        setup.memory = memory
    for batch in _chunks(events, chunk_size):
        context = Context("", setup, visits)
        answer = root.run(batch, context) if len(batch) else batch
        answers.append(answer)
        if stop_on_failure and (
            answer.failures or (answer.status is not None and not answer.is_success.all())
        ):
            break
    for visit in visits:
        visit.received.forget()
    return Outcome(answers, visits)


_FIRST = np.zeros(1, dtype=np.int64)
_FIRST.flags.writeable = False


def _chunks(events: Events, size: int | None) -> Iterator[Batch]:
    total = len(events)
    if size is None or size >= total:
        yield Batch(events.bodies, _FIRST if total == 1 else np.arange(total))
        return
    for start in range(0, total, size):
        end = min(start + size, total)
        yield Batch(_slice(events.bodies, start, end), np.arange(start, end))


def _slice(bodies: Any, start: int, end: int) -> Bodies:
    if isinstance(bodies, pd.DataFrame):
        return bodies.iloc[start:end]
    if isinstance(bodies, Samples):
        return bodies.take(np.arange(start, end))
    return bodies[start:end]
