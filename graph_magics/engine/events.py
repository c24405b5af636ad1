"""What a user hands over as events, as bodies with an index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..bodies import Bodies, plain
from ..errors import GraphError, listed


@dataclass(frozen=True, slots=True)
class Events:
    """Events in order, with the labels that the user knows them by."""

    bodies: Bodies
    index: pd.Index

    def __len__(self) -> int:
        return len(self.index)


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
        if not events.columns.is_unique:
            twice = events.columns[events.columns.duplicated()].unique()
            raise GraphError(f"the events have several columns called {listed(twice)}; rename them")
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
            f"{events!r:.40}; read a file first, for example with pandas.read_csv"
        )
    raise GraphError(
        f"events must be a DataFrame, an array or a list of JSON bodies, "
        f"got {type(events).__name__}"
    )
