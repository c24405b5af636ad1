"""How the bodies of several parts become those of one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from .bodies import (
    Bodies,
    Mixed,
    Part,
    Samples,
    column,
    feature,
    filled,
    object_array,
    plain,
    stacked,
    table,
    take,
)

#: More kinds of answers than this are not worth a table each.
_MOST_KINDS = 64
_NESTED = (dict, list, tuple, set, np.ndarray, pd.DataFrame, pd.Series)


def kind_of(bodies: Any) -> Any:
    """Tell what bodies can stand in one list, array, table or stack of samples."""
    if isinstance(bodies, list):
        return "list"
    if isinstance(bodies, pd.DataFrame):
        return "table", tuple(bodies.columns)
    if isinstance(bodies, Samples):
        values = kind_of(bodies.values) if len(bodies.values) else None
        # Arrays are given as they are: of another dtype they would be others.
        exact = bodies.values.dtype if bodies.form in ("array", "items") else None
        told = (bodies.form, exact, bodies.ids is not None, bodies.times is not None)
        return bodies.key, (told, *bodies.extra.items()), values
    return bodies.shape[1:]


def columns_of(values: list[Any]) -> Bodies:
    """Turn the answers of a step over rows into columns again, where they are columns.

    Flat dicts with the same keys become a frame, scalars an array; anything else stays a list.
    """
    if not values:
        return values
    kind = _answer_kind(values[0])
    if kind == "nested" or any(_answer_kind(value) != kind for value in values):
        return _several_kinds(values)
    if isinstance(kind, str):
        return column(values)
    return table({key: feature([value[key] for value in values]) for key in values[0]})


def _answer_kind(value: Any) -> Any:
    """Tell which answers make columns together: flat dicts by their keys, scalars."""
    if type(value) is dict and value:
        flat = not any(isinstance(item, _NESTED) for item in value.values())
        return tuple(value) if flat else "nested"
    return "nested" if isinstance(value, _NESTED) else "scalar"


def _several_kinds(values: list[Any]) -> Bodies:
    rows: dict[Any, list[int]] = {}
    for row, value in enumerate(values):
        rows.setdefault(_answer_kind(value), []).append(row)
    if len(rows) > _MOST_KINDS:
        return values
    parts: list[Part] = []
    for kind, some in rows.items():
        answers = [values[row] for row in some]
        parts.append((np.array(some), answers if kind == "nested" else columns_of(answers)))
    return join(parts, len(values))


def join(parts: Sequence[tuple[np.ndarray, Bodies]], size: int) -> Bodies:
    """Put disjoint parts together again: part ``(rows, bodies)`` fills those rows of ``size``.

    Parts of one kind become one, in a dtype that keeps every value; several kinds are `Mixed`.

    >>> join([(np.array([0, 2]), np.array([1, 2])), (np.array([1]), np.array([9]))], 3)
    array([1, 9, 2])
    """
    parts = [part for part in parts if len(part[0])]
    if len(parts) < 2:
        return _in_order(*parts[0]) if parts else []
    kinds: dict[Any, list[Part]] = {}
    for rows, bodies in parts:
        some = bodies.apart() if isinstance(bodies, Mixed) else [(slice(None), bodies)]
        for places, alike in some:
            kinds.setdefault(kind_of(alike), []).append((rows[places], alike))
    _place_empty(kinds)
    if len(kinds) == 1:
        return _join_alike(next(iter(kinds.values())), size)
    kind, row = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
    joined = []
    for number, alike in enumerate(kinds.values()):
        here = np.sort(np.concatenate([rows for rows, _ in alike]))
        kind[here], row[here] = number, np.arange(len(here))
        placed = [(np.searchsorted(here, rows), bodies) for rows, bodies in alike]
        joined.append(_join_alike(placed, len(here)))
    return Mixed(joined, kind, row)


def _place_empty(kinds: dict[Any, list[Part]]) -> None:
    """Put events without samples to those that have some: they are of every kind."""
    for empty in [kind for kind in kinds if kind[2:] == (None,)]:
        for kind in kinds:
            if kind != empty and kind[:2] == empty[:2]:
                kinds[kind] += kinds.pop(empty)
                break


def _join_alike(parts: Sequence[Part], size: int) -> Bodies:
    first = parts[0][1]
    if len(parts) == 1:
        return _in_order(*parts[0])
    if isinstance(first, list):
        return filled(parts, size)
    if isinstance(first, pd.DataFrame):
        return _join_frames(parts)
    if isinstance(first, Samples):
        return _join_samples(parts)
    return _join_arrays(parts, size)


def _in_order(rows: np.ndarray, bodies: Bodies) -> Bodies:
    ascending = len(rows) < 2 or bool((rows[1:] > rows[:-1]).all())
    return bodies if ascending else take(bodies, np.argsort(rows))


def _order(parts: Sequence[Part]) -> np.ndarray:
    """Where each row of the joined whole stands in the parts one after the other."""
    return np.argsort(np.concatenate([rows for rows, _ in parts]), kind="stable")


def _join_arrays(parts: Sequence[Part], size: int) -> Bodies:
    arrays = [array for _, array in parts]
    first = arrays[0]
    if all(isinstance(array, np.ndarray) for array in arrays):
        dtype = common_dtype(arrays)
        if dtype is None and first.ndim > 1:
            return stacked(filled(parts, size))
        if dtype is not None:
            joined = np.empty((size, *first.shape[1:]), dtype=dtype)
            for rows, array in parts:
                joined[rows] = array
            return joined
    elif all(array.dtype == first.dtype for array in arrays):
        whole = pd.concat([pd.Series(array) for array in arrays], ignore_index=True)
        return whole.array.take(_order(parts))
    return object_array(filled(parts, size))


def common_dtype(arrays: Sequence[np.ndarray]) -> np.dtype | None:
    """Give the dtype that holds the values of all arrays unchanged, or None."""
    if len({array.dtype for array in arrays}) == 1:
        return arrays[0].dtype
    kinds = {array.dtype.kind for array in arrays}
    if len(kinds) == 1 or kinds <= set("iu"):
        dtype = np.result_type(*arrays)
        return dtype if dtype.kind in kinds else None
    return None


def _join_frames(parts: Sequence[Part]) -> Bodies:
    frames = [frame for _, frame in parts]
    first = frames[0]
    order = _order(parts)
    if all(frame.dtypes.equals(first.dtypes) for frame in frames[1:]):
        whole = pd.concat(frames)
    else:
        index = first.index.append([frame.index for frame in frames[1:]])
        columns = {name: _join_columns([frame[name] for frame in frames]) for name in first}
        whole = table(columns, index)
    if not whole.index.is_unique:
        # A step that sorts would be lost: of two rows with one label nobody knows which is which.
        whole.index = pd.RangeIndex(len(whole))
    return whole.take(order)


def _join_columns(columns: Sequence[pd.Series]) -> Any:
    if all(column.dtype == columns[0].dtype for column in columns):
        return plain(pd.concat(columns, ignore_index=True))
    return feature([value for column in columns for value in column.tolist()])


def _join_samples(parts: Sequence[Part]) -> Samples:
    first = parts[0][1]
    ends = np.cumsum([len(samples.values) for _, samples in parts]).tolist()
    values = [
        (np.arange(end - len(samples.values), end), samples.values)
        for end, (_, samples) in zip(ends, parts, strict=True)
    ]
    counts = [np.ones(len(s), np.int64) if s.counts is None else s.counts for _, s in parts]
    joined: Any = join(values, ends[-1]) if ends[-1] else first.values
    ids = None if first.ids is None else [own for _, s in parts for own in s.ids]
    times = None if first.times is None else [time for _, s in parts for time in s.times]
    whole = replace(first, values=joined, counts=np.concatenate(counts), ids=ids, times=times)
    return whole.take(_order(parts))
