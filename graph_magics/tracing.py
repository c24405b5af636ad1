"""The trace of one event: what it met at each node it came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .batch import Batch
from .blame import row_of
from .bodies import Samples, objects, take
from .context import Visit
from .errors import GraphError, counted
from .failures import told
from .nodes import Node
from .wire import read


def trace_of(visits: Sequence[Visit], position: int, nodes: Mapping[str, Node]) -> pd.DataFrame:
    """Everything that happened to the event at a position: a row for each node it came to."""
    rows = [_traced(v, position, nodes) for v in visits if row_of(v.received, position) >= 0]
    names = ["step", "kind", "received", "answered", "route", "status", "error"]
    return pd.DataFrame(rows, columns=names, dtype=object)


def position_of(event: Any, position: int | None, index: pd.Index) -> int:
    """Where an event stands that is named by its label, or by its place from either end.

    Raises
    ------
    GraphError
        If there is no such event, or several.
    """
    if position is not None:
        if not isinstance(position, (int, np.integer)):
            raise GraphError(f"position must be a whole number, got {position!r}")
        if not -len(index) <= position < len(index):
            raise GraphError(
                f"no event stands at position {position}; "
                f"the run has {counted(len(index), 'event')}"
            )
        return int(position) % len(index)
    if event is None:
        raise GraphError("say which event: trace(label) or trace(position=0)")
    try:
        place = index.get_loc(event)
    except (KeyError, TypeError, pd.errors.InvalidIndexError):
        raise GraphError(f"no event has the label {event!r}") from None
    if not isinstance(place, (int, np.integer)):
        raise GraphError(f"several events have the label {event!r}; ask by trace(position=...)")
    return int(place)


def _traced(visit: Visit, position: int, nodes: Mapping[str, Node]) -> Sequence[Any]:
    row = row_of(visit.answered, position)
    failure = visit.raised.get(position) or (
        visit.answered.failures.get(position) if row < 0 else None
    )
    route = None
    if visit.choices is not None:
        choice = int(visit.choice[row_of(visit.received, position)])
        route = visit.choices[choice] if choice >= 0 else None
    code = visit.answered.code(row) if row >= 0 else 200
    return (
        visit.path,
        nodes[visit.path].kind,
        _body(visit.received, row_of(visit.received, position)),
        _body(visit.answered, row) if row >= 0 else None,
        route,
        failure.status if failure else code,
        told(failure) if failure else None,
    )


def _body(batch: Batch, row: int) -> Any:
    source, rows = batch.source
    at = row if rows is None else int(rows[row])
    body = take(source, np.array([at]))
    if isinstance(body, Samples):
        return body.tolist()[0]
    return read(objects(body)[0])
