"""What the events of a batch carry: columns or JSON, and the few things done to both."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

#: Beyond this, not every integer is a float.
_EXACT_INTEGER = 2**53


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of many JSON bodies, stacked: what ``{"inputs": [[...], ...]}`` hold.

    Parameters
    ----------
    values : ndarray, DataFrame or ExtensionArray
        The samples of all events, one after the other; the first axis counts samples.
    counts : ndarray of int64 or None
        How many samples each event has; None when each has exactly one.
    key : str
        Where a body holds them: ``inputs``, ``instances``, ``outputs`` or ``predictions``.
    extra : mapping
        What each body says besides, such as ``{"model_name": "forest"}``.

    Examples
    --------
    >>> Samples(np.array([1, 0, 1]), np.array([2, 1]), "outputs").tolist()
    [{'outputs': [1, 0]}, {'outputs': [1]}]
    """

    values: np.ndarray | pd.DataFrame | ExtensionArray
    counts: np.ndarray | None
    key: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values) if self.counts is None else len(self.counts)

    def lists(self) -> list[list[Any]]:
        """Give the samples of each event as a list of Python objects."""
        flat = objects(self.values)
        if self.counts is None:
            with many_objects():
                return [[value] for value in flat]
        ends = np.cumsum(self.counts).tolist()
        return [flat[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]

    def tolist(self) -> list[dict[str, Any]]:
        """Give the JSON bodies."""
        key, extra, lists = self.key, self.extra, self.lists()
        with many_objects():
            return [{**extra, key: values} for values in lists]

    def take(self, rows: np.ndarray) -> Samples:
        """Give the samples of some events."""
        if self.counts is None:
            return Samples(take(self.values, rows), None, self.key, self.extra)
        counts = self.counts[rows]
        starts = (np.cumsum(self.counts) - self.counts)[rows]
        # One running index over all wanted samples, moved to where each event's samples begin.
        offsets = np.repeat(starts - (np.cumsum(counts) - counts), counts)
        flat = np.arange(int(counts.sum()), dtype=np.int64) + offsets
        return Samples(take(self.values, flat), counts, self.key, self.extra)

    def holding(self, values: Any, key: str, extra: Mapping[str, Any] | None = None) -> Samples:
        """Give other samples of the same events, one for one."""
        return Samples(values, self.counts, key, extra or {})


#: The bodies of a batch: a row, an item or a group of samples for each event.
Bodies: TypeAlias = pd.DataFrame | np.ndarray | ExtensionArray | Samples | list[Any]


def is_json(bodies: Bodies) -> bool:
    """Tell whether the events are JSON bodies, not columns."""
    return isinstance(bodies, (list, Samples))


def take(bodies: Any, rows: np.ndarray) -> Any:
    """Give some rows, in the order asked for.

    >>> take(["a", "b", "c"], np.array([2, 0]))
    ['c', 'a']
    """
    if isinstance(bodies, list):
        return [bodies[row] for row in rows.tolist()]
    if isinstance(bodies, np.ndarray):
        return bodies.take(rows, axis=0)
    return bodies.take(rows)


def objects(bodies: Any) -> list[Any]:
    """Give one Python object per event: a row of a frame is a dict of column to scalar.

    >>> objects(pd.DataFrame({"age": [30, 40], "name": ["a", "b"]}))
    [{'age': 30, 'name': 'a'}, {'age': 40, 'name': 'b'}]
    """
    if isinstance(bodies, list):
        return bodies
    if isinstance(bodies, pd.DataFrame):
        names = list(bodies.columns)
        columns = [bodies.iloc[:, place].tolist() for place in range(len(names))]
        if not names:
            return [{} for _ in range(len(bodies))]
        with many_objects():
            return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    return bodies.tolist()


@contextmanager
def many_objects() -> Iterator[None]:
    """Hold the garbage collector while a great many objects are made, none of them garbage.

    Otherwise it walks over all of them again and again: more than half of what a batch of
    200,000 JSON events costs.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def copies(bodies: list[Any]) -> list[Any]:
    """Copy JSON bodies, each as `fresh` does."""
    with many_objects():
        return [fresh(body) for body in bodies]


def fresh(body: Any) -> Any:
    """Copy the dicts and lists of a JSON body, so that a step may change what it gets.

    >>> body = {"inputs": [[1, 2]]}
    >>> copy = fresh(body)
    >>> copy["inputs"][0].append(3)
    >>> body
    {'inputs': [[1, 2]]}
    """
    kind = type(body)
    if kind is dict:
        return {
            key: value if type(value) in _ATOMS else fresh(value) for key, value in body.items()
        }
    if kind is list:
        return [value if type(value) in _ATOMS else fresh(value) for value in body]
    if kind is np.ndarray:
        return body.copy()
    if isinstance(body, (pd.DataFrame, pd.Series)):
        return body.copy(deep=False)
    return body


_ATOMS = frozenset({int, float, str, bool, type(None)})


def column(values: Sequence[Any]) -> np.ndarray | ExtensionArray:
    """Make a column of Python values that keeps each value as it is.

    Values of one type get its dtype; anything else stays objects. So what a value becomes
    does not hang on the values beside it.

    >>> column([1, 2]).dtype, column([1.0, 2.5]).dtype, column([1, None])
    (dtype('int64'), dtype('float64'), array([1, None], dtype=object))
    """
    kinds = set(map(type, values))
    if len(kinds) == 1:
        kind = next(iter(kinds))
        if kind is str:
            return pd.array(values, dtype="str")
        if kind is float or kind is bool or issubclass(kind, np.generic):
            return np.array(values)
        if kind is int:
            array = np.array(values)
            return array if array.dtype == np.int64 else object_array(values)
    return object_array(values)


def feature(values: Sequence[Any]) -> np.ndarray | ExtensionArray:
    """Make a column of a table: as `column`, but whole and broken numbers together are floats.

    >>> feature([1, 2.5])
    array([1. , 2.5])
    """
    if set(map(type, values)) == {int, float} and all(
        abs(value) <= _EXACT_INTEGER for value in values if type(value) is int
    ):
        return np.array(values, dtype=float)
    return column(values)


def columns_of(values: list[Any]) -> Bodies:
    """Turn the answers of a step over rows into columns again, where they are columns.

    Flat dicts with equal keys become a frame, scalars an array; anything else stays a list.
    """
    if not values:
        return values
    first = values[0]
    if type(first) is dict:
        keys = first.keys()
        if keys and all(
            type(value) is dict
            and value.keys() == keys
            and not any(isinstance(item, _NESTED) for item in value.values())
            for value in values
        ):
            return pd.DataFrame({key: feature([value[key] for value in values]) for key in keys})
        return values
    if any(isinstance(value, _NESTED) for value in values):
        return values
    return column(values)


_NESTED = (dict, list, tuple, set, np.ndarray, pd.DataFrame, pd.Series)


def plain(values: pd.Series) -> np.ndarray | ExtensionArray:
    """Give a Series as an array, in its own dtype and without its index."""
    array = values.array
    return np.asarray(array) if isinstance(array, pd.arrays.NumpyExtensionArray) else array


def join(parts: Sequence[tuple[np.ndarray, Bodies]], size: int) -> Bodies:
    """Put disjoint parts together again: part ``(rows, bodies)`` fills those rows of ``size``.

    Columns stay columns where the parts are of one kind and their dtypes can be joined without
    changing a value; otherwise the bodies become a list.

    >>> join([(np.array([0, 2]), np.array([1, 2])), (np.array([1]), np.array([9]))], 3)
    array([1, 9, 2])
    """
    parts = [part for part in parts if len(part[0])]
    if not parts:
        return []
    if len(parts) == 1:
        rows, bodies = parts[0]
        return bodies if _in_order(rows) else take(bodies, np.argsort(rows))
    kinds = {type(bodies) for _, bodies in parts}
    if kinds == {np.ndarray}:
        joined = _join_arrays(parts, size)
    elif kinds == {pd.DataFrame}:
        joined = _join_frames(parts)
    elif kinds == {Samples}:
        joined = _join_samples(parts, size)
    elif all(isinstance(bodies, ExtensionArray) for _, bodies in parts):
        joined = _join_extension(parts)
    else:
        joined = None
    if joined is not None:
        return joined
    filled: list[Any] = [None] * size
    for rows, bodies in parts:
        for row, value in zip(rows.tolist(), objects(bodies), strict=True):
            filled[row] = value
    if all(isinstance(b, (np.ndarray, ExtensionArray)) and b.ndim == 1 for _, b in parts):
        return object_array(filled)
    return filled


def _in_order(rows: np.ndarray) -> bool:
    return len(rows) < 2 or bool((rows[1:] > rows[:-1]).all())


def _join_arrays(parts: Sequence[tuple[np.ndarray, Any]], size: int) -> Bodies | None:
    dtype = common_dtype([array for _, array in parts])
    shapes = {array.shape[1:] for _, array in parts}
    if dtype is None or len(shapes) > 1:
        return None
    joined = np.empty((size, *shapes.pop()), dtype=dtype)
    for rows, array in parts:
        joined[rows] = array
    return joined


def common_dtype(arrays: Sequence[np.ndarray]) -> np.dtype | None:
    """Give the dtype that holds the values of all arrays unchanged, or None."""
    if len({array.dtype for array in arrays}) == 1:
        return arrays[0].dtype
    kinds = {array.dtype.kind for array in arrays}
    if len(kinds) == 1 or kinds <= set("iu"):
        dtype = np.result_type(*arrays)
        return dtype if dtype.kind in kinds else None
    return None


def _join_frames(parts: Sequence[tuple[np.ndarray, Any]]) -> Bodies | None:
    columns = parts[0][1].columns
    for _, frame in parts[1:]:
        if not frame.columns.equals(columns) or not frame.dtypes.equals(parts[0][1].dtypes):
            return None
    order = np.argsort(np.concatenate([rows for rows, _ in parts]), kind="stable")
    return pd.concat([frame for _, frame in parts]).take(order)


def _join_extension(parts: Sequence[tuple[np.ndarray, Any]]) -> Bodies | None:
    if len({array.dtype for _, array in parts}) > 1:
        return None
    order = np.argsort(np.concatenate([rows for rows, _ in parts]), kind="stable")
    joined = pd.concat([pd.Series(array) for _, array in parts], ignore_index=True)
    return joined.array.take(order)


def _join_samples(parts: Sequence[tuple[np.ndarray, Any]], size: int) -> Bodies | None:
    first = parts[0][1]
    kinds = {type(samples.values) for _, samples in parts}
    same = all(s.key == first.key and s.extra == first.extra for _, s in parts)
    if not same or kinds != {np.ndarray}:
        return None
    values = [samples.values for _, samples in parts]
    dtype = common_dtype(values)
    if dtype is None or len({array.shape[1:] for array in values}) > 1:
        return None
    stacked = np.concatenate([array.astype(dtype, copy=False) for array in values])
    order = np.argsort(np.concatenate([rows for rows, _ in parts]), kind="stable")
    if all(samples.counts is None for _, samples in parts):
        return Samples(stacked.take(order, axis=0), None, first.key, first.extra)
    counts = np.concatenate(
        [np.ones(len(s), np.int64) if s.counts is None else s.counts for _, s in parts]
    )
    return Samples(stacked, counts, first.key, first.extra).take(order)


def object_array(values: Sequence[Any]) -> np.ndarray:
    """Make an array of objects, each as it is."""
    array = np.empty(len(values), dtype=object)
    # One by one: NumPy would spread nested lists over further axes.
    for place, value in enumerate(values):
        array[place] = value
    return array
