"""What a user hands over as events, as bodies with an index."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..bodies import Bodies, plain
from ..errors import GraphError, listed
from .paths import kind_of


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
    events : DataFrame, Series, ndarray, list of JSON bodies, one JSON body (a dict), or a path
        A path is of a file of events; see `Graph.run`.

    Raises
    ------
    GraphError
        If it is none of these, a frame with two columns of one name, or a file that cannot be
        read.
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
    if isinstance(events, os.PathLike) or (isinstance(events, str) and kind_of(events) == "json"):
        from .sources import source_of  # It stands on what stands here.

        return source_of(events).whole()
    if isinstance(events, str):
        raise GraphError(
            f"events must be a DataFrame, an array or a list of JSON bodies, got the text "
            f"{events!r:.40}; a file of them is named .jsonl, .csv or .parquet"
        )
    raise GraphError(
        f"events must be a DataFrame, an array or a list of JSON bodies, "
        f"got {type(events).__name__}"
    )
