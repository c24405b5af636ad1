"""Tables of files as frames, whose dtypes do not depend on where a chunk begins and ends."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from .events import Events


@dataclass
class Plan:
    """How the columns of files become those of frames.

    Parameters
    ----------
    schema : Schema
        Of every chunk.
    with_nulls : set of str
        The columns that lack a value anywhere in the files: pandas has no whole number or
        truth value for those, so they are floats or objects in all chunks.
    categories : mapping of str to list
        All categories of the columns that are such.
    own_index : bool
        Whether the files hold an index of their own.
    from_csv : bool
        pandas has NaN where a truth value is missing there, and for a column without any value.
    rows : int
        How many there are, if that is known.
    is_empty : bool
        Whether there are none: then pandas has objects of a CSV file.
    """

    schema: pa.Schema
    with_nulls: set[str]
    categories: dict[str, list[Any]] = field(default_factory=dict)
    own_index: bool = False
    from_csv: bool = False
    rows: int = 0
    is_empty: bool = False

    def events(self, table: pa.Table, number: int) -> Events:
        """Make events of rows, the first of which is event ``number`` of the run."""
        frame = _numbered(table, number, self.rows).to_pandas()
        for column in self.schema:
            if column.name not in frame.columns:
                continue
            name, held = column.name, frame[column.name]
            if column.name in self.with_nulls and held.dtype.kind in "iub":
                if not pd.api.types.is_extension_array_dtype(held.dtype):
                    frame[name] = held.astype(object if held.dtype.kind == "b" else float)
            elif self.from_csv and pa.types.is_boolean(column.type) and held.dtype == object:
                frame[name] = held.where(held.notna(), np.nan)
            elif name in self.categories:
                frame[name] = held.cat.set_categories(self.categories[name])
            elif self.from_csv and pa.types.is_null(column.type):
                frame[name] = held.astype(object if self.is_empty else float)
        if not self.own_index:
            frame.index = pd.RangeIndex(number, number + len(frame))
        return Events(frame, frame.index)

    def whole(self, tables: Iterable[pa.Table]) -> Events:
        """Make one frame of all."""
        return self.events(pa.concat_tables([self.schema.empty_table(), *tables]), 0)


def has_index(metadata: Mapping[bytes, bytes] | None, rows: int) -> bool:
    """Tell whether tables of so many rows in all have an index that pandas has written."""
    return any(isinstance(level, str) or _counts(level, rows) for level in _levels(metadata))


def _levels(metadata: Mapping[bytes, bytes] | None) -> list[Any]:
    return list(json.loads((metadata or {}).get(b"pandas", b"{}")).get("index_columns", []))


def _counts(level: Any, rows: int) -> bool:
    """Whether a level of an index is a range of just these rows."""
    return isinstance(level, dict) and len(range(*_bounds(level))) == rows


def _bounds(level: Mapping[str, Any]) -> tuple[int, int, int]:
    return level["start"], level["stop"], level["step"]


def _numbered(table: pa.Table, number: int, rows: int) -> pa.Table:
    """Tell pandas which part of its ranges these rows are; it would leave them out otherwise."""
    levels: list[Any] = []
    for level in _levels(table.schema.metadata):
        if isinstance(level, str):
            levels.append(level)
        elif _counts(level, rows):
            start, _, step = _bounds(level)
            start += number * step
            levels.append({**level, "start": start, "stop": start + table.num_rows * step})
    if not table.schema.pandas_metadata:
        return table
    told = json.dumps({**table.schema.pandas_metadata, "index_columns": levels})
    return table.replace_schema_metadata({**table.schema.metadata, b"pandas": told.encode()})


def rebatched(tables: Iterable[pa.Table], size: int) -> Iterator[pa.Table]:
    """Put tables together, and cut them, into such of ``size`` rows; the last may have fewer."""
    waiting: list[pa.Table] = []
    count = 0
    for table in tables:
        waiting.append(table)
        count += table.num_rows
        if count < size:
            continue
        joined = pa.concat_tables(waiting)
        whole = count - count % size
        for start in range(0, whole, size):
            yield joined.slice(start, size)
        waiting, count = [joined.slice(whole)], count - whole
    if count:
        yield pa.concat_tables(waiting)
