"""`Traffic`: how many events a run had, at each node and on each edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

import numpy as np

from .context import Visit


@dataclass(frozen=True)
class Seen:
    """What a run saw of one node.

    Parameters
    ----------
    events : int
        How many entered it.
    errors : int
        How many of them failed in it, or inside it, or were answered with a status that is
        no success.
    seconds : float or None
        Median time per event, where it was measured.
    refused : int
        How many of the errors are answers with such a status, which go on.
    filtered : int
        How many neither failed nor went on.
    """

    events: int
    errors: int = 0
    seconds: float | None = None
    refused: int = 0
    filtered: int = 0

    @property
    def answered(self) -> int:
        """How many events went on from here."""
        return max(self.events - self.errors + self.refused - self.filtered, 0)


class Carried(NamedTuple):
    """What went over one edge.

    Attributes
    ----------
    times : int
        How often an event went over it.
    events : int
        How many of the run's events did. Fewer, where an event became several on its way, or
        went round in a circle.
    """

    times: int
    events: int


@dataclass(frozen=True)
class Traffic:
    """What a run saw of a graph.

    Parameters
    ----------
    events : int
        How many the run had.
    nodes : mapping of str to Seen
        By dotted path, such as ``vote.forest``; without those that no event came to.
    edges : mapping of (str, str) to Carried
        By the paths of the node that sent, and of the one that received: to a route from its
        router, in a flow from the step before; at the first from whoever holds the flow, and
        that is ``""`` for the graph itself.
    """

    events: int
    nodes: Mapping[str, Seen]
    edges: Mapping[tuple[str, str], Carried]

    def share(self, carried: int) -> float:
        """How much of all events some are, from 0 to 1."""
        return min(carried / self.events, 1.0) if self.events else 0.0


def traffic_of(visits: Sequence[Visit], events: int) -> Traffic:
    """Count the traffic of a run.

    Parameters
    ----------
    visits : sequence of Visit
        The record of the run.
    events : int
        How many it had.
    """
    by_path: dict[str, list[Visit]] = {}
    by_edge: dict[tuple[str, str], list[Visit]] = {}
    for visit in visits:
        by_path.setdefault(visit.path, []).append(visit)
        by_edge.setdefault((visit.source, visit.path), []).append(visit)
    return Traffic(
        events,
        {path: _seen(some) for path, some in by_path.items()},
        {edge: _carried(some, events) for edge, some in by_edge.items()},
    )


def _seen(visits: Sequence[Visit]) -> Seen:
    events = sum(len(visit.received) for visit in visits)
    answered = sum(len(visit.answered) for visit in visits)
    refused = answered - sum(int(visit.answered.is_success.sum()) for visit in visits)
    seconds = median(visit.seconds / len(visit.received) for visit in visits)
    failed = sum(map(_failed, visits))
    return Seen(events, failed + refused, seconds, refused, events - answered - failed)


def _failed(visit: Visit) -> int:
    """How many of the events that a node received failed in it; others it may have dropped."""
    failures = visit.answered.failures
    return int(np.isin(list(failures), visit.received.positions).sum()) if failures else 0


def _carried(visits: Sequence[Visit], events: int) -> Carried:
    came = np.zeros(events, dtype=bool)
    for visit in visits:
        came[visit.received.positions] = True
    return Carried(sum(len(visit.received) for visit in visits), int(came.sum()))
