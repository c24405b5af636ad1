"""Which events of a run failed, with what, and by which step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from .batch import Batch
from .failures import Failure, Refusal
from .nodes import Node, Visit
from .routers.jump import Jump


def failures_in(
    answers: Iterable[Batch], visits: Sequence[Visit], nodes: Mapping[str, Node]
) -> dict[int, Failure]:
    """Why each event without a successful answer has none, by position.

    A status that is no success is put down to the last step that answered with it.
    """
    failures: dict[int, Failure] = {}
    for answer in answers:
        failures.update(answer.failures)
        for position, refusal in refused(answer, "").items():
            failures[position] = _by_whom(position, refusal, visits, nodes)
    return dict(sorted(failures.items()))


def forgiven_in(
    visits: Iterable[Visit], nodes: Mapping[str, Node], failures: Mapping[int, Failure]
) -> dict[int, Failure]:
    """What went wrong first with each event that has an answer all the same, by position."""
    forgiven: dict[int, Failure] = {}
    for visit in visits:
        node, found = nodes[visit.path], visit.raised
        if not (node.children or isinstance(node, Jump)):
            found = {**refused(visit.answered, visit.path), **found}
        for position, failure in found.items():
            if position not in failures:
                forgiven.setdefault(position, failure)
    return forgiven


def refused(answer: Batch, node: str) -> dict[int, Failure]:
    """The events that ``node`` answered with a status that is no success, as failures."""
    if answer.status is None:
        return {}
    failures = {}
    for row in np.flatnonzero(~answer.is_success).tolist():
        code = int(answer.status[row])
        body = answer.select(np.array([row])).events()[0]
        failures[int(answer.positions[row])] = Failure(node, Refusal.of(code, body), code)
    return failures


def row_of(batch: Batch, position: int) -> int:
    """The row of an event in a batch, or -1."""
    row = int(np.searchsorted(batch.positions, position))
    found = row < len(batch) and batch.positions[row] == position
    return row if found else -1


def _by_whom(
    position: int, refusal: Failure, visits: Sequence[Visit], nodes: Mapping[str, Node]
) -> Failure:
    for visit in reversed(visits):
        if row_of(visit.received, position) < 0:
            continue
        raised = visit.raised.get(position)
        if raised is not None and raised.status == refusal.status:
            return raised
        row, status = row_of(visit.answered, position), visit.answered.status
        if nodes[visit.path].children or row < 0 or status is None:
            continue
        if status[row] == refusal.status:
            return replace(refusal, node=visit.path)
    return replace(refusal, node=visits[0].path)
