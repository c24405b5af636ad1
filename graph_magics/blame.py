"""Which events of a run failed, with what, and by which step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from .batch import Batch
from .context import Visit
from .engine import Outcome
from .errors import EventError, one_line
from .failures import Failure
from .nodes import Node
from .routers.jump import Jump


def failures_in(
    answers: Iterable[Batch], visits: Sequence[Visit], nodes: Mapping[str, Node]
) -> dict[int, Failure]:
    """Why each event without a successful answer has none, by position.

    A status that is no success is put down to the last step that answered with it.
    """
    failures: dict[int, Failure] = {}
    refusals: dict[int, Failure] = {}
    for answer in answers:
        failures.update(answer.failures)
        refusals.update(refused(answer, ""))
    if refusals:
        failures.update(_by_whom(refusals, visits, nodes))
    return dict(sorted(failures.items()))


def forgiven_in(
    visits: Iterable[Visit], nodes: Mapping[str, Node], failures: Mapping[int, Failure]
) -> dict[int, Failure]:
    """What went wrong first with each event that has an answer all the same, by position."""
    forgiven: dict[int, Failure] = {}
    for visit in visits:
        node, found = nodes[visit.path], visit.raised
        own = {at: f for at, f in visit.answered.failures.items() if f.node == visit.path}
        if own:
            found = {**own, **found}
        if not (node.children or isinstance(node, Jump)):
            found = {**refused(visit.answered, visit.path), **found}
        for position, failure in found.items():
            if position not in failures:
                forgiven.setdefault(position, failure)
    return forgiven


def raise_first(
    outcome: Outcome, nodes: Mapping[str, Node], *, graph: str, index: pd.Index | None = None
) -> None:
    """Raise for the first event of the last chunk that has no successful answer.

    Raises
    ------
    EventError
        A step's own exception is its cause.
    """
    failures = failures_in(outcome.answers[-1:], outcome.visits, nodes)
    if not failures:
        return
    position, failure = next(iter(failures.items()))
    event = "" if index is None else f"event {index[[position]].tolist()[0]!r}: "
    place = f" ({failure.place})" if failure.place else ""
    raise EventError(
        f"{event}{one_line(failure.error)}{place}", graph=graph, node=failure.node
    ) from failure.error


def refused(answer: Batch, node: str) -> dict[int, Failure]:
    """The events that ``node`` answered with a status that is no success, as failures."""
    return {
        position: Failure(node, refusal, refusal.status_code)
        for position, refusal in answer.refusals().items()
    }


def row_of(batch: Batch, position: int) -> int:
    """The row of an event in a batch, or -1."""
    row = int(np.searchsorted(batch.positions, position))
    found = row < len(batch) and batch.positions[row] == position
    return row if found else -1


def _by_whom(
    refusals: Mapping[int, Failure], visits: Sequence[Visit], nodes: Mapping[str, Node]
) -> dict[int, Failure]:
    """Put each refusal down to the last step that answered with its status."""
    waiting = np.array(sorted(refusals), dtype=np.int64)
    codes = np.array([refusals[position].status for position in waiting.tolist()])
    blamed: dict[int, Failure] = {}
    for visit in reversed(visits):
        if not len(waiting):
            break
        for position in [at for at in visit.raised if at in refusals and at not in blamed]:
            if visit.raised[position].status == refusals[position].status:
                blamed[position] = visit.raised[position]
        answered, status = visit.answered.positions, visit.answered.status
        if status is not None and not nodes[visit.path].children:
            rows = np.minimum(np.searchsorted(answered, waiting), max(len(answered) - 1, 0))
            here = (answered[rows] == waiting) & (status[rows] == codes) if len(answered) else []
            for position in waiting[here].tolist():
                blamed.setdefault(position, replace(refusals[position], node=visit.path))
        left = ~np.isin(waiting, list(blamed))
        waiting, codes = waiting[left], codes[left]
    rest = {at: replace(refusals[at], node=visits[0].path) for at in waiting.tolist()}
    return {**blamed, **rest}
