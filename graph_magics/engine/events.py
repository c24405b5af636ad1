"""What a user hands over as events, as bodies with an index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..bodies import Bodies, Samples, plain
from ..errors import GraphError, listed

JSON_CHUNK = 8_192
"""How many JSON bodies are run at once where events are streamed, if nothing is said."""
#: How many cells of a table are: 32 MB of floats.
_CELLS = 2**22
_MOST_ROWS = 2**18


def rows_at_once(columns: int) -> int:
    """How many rows of a table are run at once where events are streamed, if nothing is said.

    >>> rows_at_once(1), rows_at_once(10), rows_at_once(1_000)
    (262144, 262144, 4096)
    """
    rows = 2 ** ((_CELLS // max(columns, 1)).bit_length() - 1)
    return min(max(rows, JSON_CHUNK // 8), _MOST_ROWS)


@dataclass(frozen=True, slots=True)
class Events:
    """Events in order, with the labels that the user knows them by."""

    bodies: Bodies
    index: pd.Index

    def __len__(self) -> int:
        return len(self.index)

    def part(self, start: int, end: int) -> Events:
        """Some of the events, in their order; nothing is copied.

        >>> Events(["a", "b", "c"], pd.RangeIndex(3)).part(1, 3).bodies
        ['b', 'c']
        """
        bodies: Any = self.bodies
        some: Bodies
        if isinstance(bodies, pd.DataFrame):
            some = bodies.iloc[start:end]
        elif isinstance(bodies, Samples):
            some = bodies.take(np.arange(start, min(end, len(self))))
        else:
            some = bodies[start:end]
        return Events(some, self.index[start:end])


def is_dask(events: Any) -> bool:
    """Tell whether events are a collection of Dask's."""
    return hasattr(type(events), "__dask_graph__")


def check_names(columns: pd.Index) -> None:
    """Refuse a table two columns of which have one name.

    Raises
    ------
    GraphError
        Which.
    """
    if not columns.is_unique:
        twice = columns[columns.duplicated()].unique()
        raise GraphError(f"the events have several columns called {listed(twice)}; rename them")


def take_events(events: Any) -> Events:
    """Take a batch of events from the user, without changing or copying it.

    Parameters
    ----------
    events : DataFrame, Series, ndarray, list of JSON bodies, or one JSON body (a dict)

    Raises
    ------
    GraphError
        If it is none of these, or a frame with two columns of one name.
    """
    if isinstance(events, pd.DataFrame):
        check_names(events.columns)
        # A frame of our own, without a copy of its values: the user goes on working with theirs.
        return Events(events.copy(deep=False), events.index)
    if isinstance(events, pd.Series):
        return Events(plain(events), events.index)
    if isinstance(events, np.ndarray):
        if events.dtype.names:  # A structured array: a table by another name.
            return take_events(pd.DataFrame(events))
        if events.ndim not in (1, 2):
            raise GraphError(f"an array of events must have 1 or 2 axes, got {events.ndim}")
        return Events(events, pd.RangeIndex(len(events)))
    if isinstance(events, (list, tuple)):
        return Events(list(events), pd.RangeIndex(len(events)))
    if isinstance(events, Mapping):
        return Events([events], pd.RangeIndex(1))
    if isinstance(events, str):
        raise GraphError(
            f"events must be a DataFrame, an array or a list of JSON bodies, got the text "
            f"{events!r:.40}; a file of them is named .jsonl, .csv or .parquet"
        )
    raise GraphError(
        f"events must be a DataFrame, an array or a list of JSON bodies, "
        f"got {type(events).__name__}"
    )
