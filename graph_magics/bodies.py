"""What the events of a batch carry: columns or JSON, and the few things done to both."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

#: Beyond this, not every integer is a float.
_EXACT_INTEGER = 2**53
#: What pandas calls the dtype of an array of objects.
_PANDAS_OBJECT = pd.array([], dtype=object).dtype


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
    ids, times : list, optional
        What each body says of its own: as its ``id``, first of all, and as its ``timestamp``,
        last of all.
    form : {"list", "tuple", "array", "items"}
        What the samples of an event stand in: a list of Python objects, a tuple of such, an
        array, or a list of the array's items.

    Examples
    --------
    >>> Samples(np.array([1, 0, 1]), np.array([2, 1]), "outputs").tolist()
    [{'outputs': [1, 0]}, {'outputs': [1]}]
    """

    values: np.ndarray | pd.DataFrame | ExtensionArray
    counts: np.ndarray | None
    key: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    ids: list[Any] | None = None
    times: list[str] | None = None
    form: Literal["list", "tuple", "array", "items"] = "list"

    def __len__(self) -> int:
        return len(self.values) if self.counts is None else len(self.counts)

    def lists(self) -> list[list[Any]]:
        """Give the samples of each event as a list of Python objects."""
        return self._parts(objects(self.values))

    def _parts(self, flat: Any) -> list[Any]:
        """What is of each event."""
        if self.counts is None and isinstance(flat, list):
            with many_objects(len(flat)):
                return [[value] for value in flat]
        ends = (
            np.arange(1, len(self) + 1) if self.counts is None else self.counts.cumsum()
        ).tolist()
        with many_objects(len(ends)):
            return [flat[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    def _as_given(self) -> list[Any]:
        """The samples of each event, in what they are to stand in."""
        if self.form == "array":
            return self._parts(self.values)
        if self.form == "items":
            return self._parts(list(self.values))
        return list(map(tuple, self.lists())) if self.form == "tuple" else self.lists()

    def tolist(self) -> list[dict[str, Any]]:
        """Give the JSON bodies."""
        key, extra, parts = self.key, self.extra, self._as_given()
        with many_objects(len(parts)):
            if self.ids is None:
                bodies = [{**extra, key: values} for values in parts]
            else:
                pairs = zip(self.ids, parts, strict=True)
                bodies = [{"id": own, **extra, key: values} for own, values in pairs]
            if self.times is not None:
                for body, time in zip(bodies, self.times, strict=True):
                    body["timestamp"] = time
            return bodies

    def take(self, rows: np.ndarray) -> Samples:
        """Give the samples of some events."""
        ids = None if self.ids is None else take(self.ids, rows)
        times = None if self.times is None else take(self.times, rows)
        if self.counts is None:
            return replace(self, values=take(self.values, rows), ids=ids, times=times)
        counts = self.counts[rows]
        starts = (np.cumsum(self.counts) - self.counts)[rows]
        # One running index over all wanted samples, moved to where each event's samples begin.
        offsets = np.repeat(starts - (np.cumsum(counts) - counts), counts)
        flat = np.arange(int(counts.sum()), dtype=np.int64) + offsets
        # As these events would be without the others.
        told = None if (counts == 1).all() else counts
        return replace(self, values=take(self.values, flat), counts=told, ids=ids, times=times)

    def holding(self, values: Any, key: str, extra: Mapping[str, Any] | None = None) -> Samples:
        """Give other samples of the same events, one for one."""
        return Samples(values, self.counts, key, extra or {}, self.ids, self.times)


@dataclass(frozen=True, slots=True)
class Mixed:
    """Bodies of several kinds, such as unlike routes answer: each kind as it came.

    So an event goes on as it would alone, whatever the others are.

    Parameters
    ----------
    kinds : sequence of DataFrame, ndarray, ExtensionArray, Samples or list
        Bodies of one kind each; see `kind_of`.
    kind, row : ndarray of int64, shape (n_events,)
        Of which kind the body of each event is, and where among those.
    """

    kinds: Sequence[Any]
    kind: np.ndarray
    row: np.ndarray

    def __len__(self) -> int:
        return len(self.kind)

    def take(self, rows: np.ndarray) -> Bodies:
        """Give the bodies of some events; of one kind, if these are."""
        kind, row = self.kind[rows], self.row[rows]
        found = np.unique(kind)
        if len(found) > 1:
            return Mixed(self.kinds, kind, row)
        return take(self.kinds[found[0]], row) if len(found) else []

    def apart(self) -> Iterator[Part]:
        """Give the rows of each kind, and their bodies."""
        for kind in np.unique(self.kind):
            rows = np.flatnonzero(self.kind == kind)
            yield rows, take(self.kinds[kind], self.row[rows])

    def tolist(self) -> list[Any]:
        """Give one Python object per event."""
        return filled(self.apart(), len(self))


#: The bodies of a batch: a row, an item or a group of samples for each event.
Bodies: TypeAlias = pd.DataFrame | np.ndarray | ExtensionArray | Samples | Mixed | list[Any]
#: The bodies of events in some rows.
Part: TypeAlias = tuple[np.ndarray, Any]


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
        with many_objects(len(bodies)):
            return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    if isinstance(bodies, np.ndarray) and bodies.dtype.kind in "mM":
        # NumPy's own list has whole numbers for what is finer than Python's datetime.
        moments = object_array(pd.Series(bodies.ravel()).tolist())
        return moments.reshape(bodies.shape).tolist()
    return bodies.tolist()


def filled(parts: Iterable[Part], size: int) -> list[Any]:
    """Give one Python object per event out of parts: who is in none is None."""
    values: list[Any] = [None] * size
    for rows, bodies in parts:
        for row, value in zip(rows.tolist(), objects(bodies), strict=True):
            values[row] = value
    return values


def has_objects(bodies: Bodies) -> bool:
    """Tell whether columns hold Python objects, of which each may be another thing."""
    if isinstance(bodies, Samples):
        bodies = bodies.values
    dtypes = bodies.dtypes if isinstance(bodies, pd.DataFrame) else [getattr(bodies, "dtype", None)]
    return any(dtype in (object, _PANDAS_OBJECT) for dtype in dtypes)


class _Collector:
    """Holds the garbage collector until the last of several threads lets it go."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held = 0
        self._was_enabled = False

    def __enter__(self) -> None:
        with self._lock:
            if not self._held:
                self._was_enabled = gc.isenabled()
                gc.disable()
            self._held += 1

    def __exit__(self, *raised: object) -> None:
        with self._lock:
            if not self._held:
                return  # An interrupt has ended all that held it.
            self._held -= 1
            if not self._held and self._was_enabled:
                gc.enable()

    @property
    def is_enabled(self) -> bool:
        """Whether it is to run, when nobody holds it."""
        with self._lock:
            return self._was_enabled if self._held else gc.isenabled()

    def let_go(self, *, is_enabled: bool) -> None:
        """Let it go, whoever holds it: an interrupt may have come before one could say so."""
        with self._lock:
            self._held = 0
            (gc.enable if is_enabled else gc.disable)()


COLLECTOR = _Collector()
_NOTHING = nullcontext()


def many_objects(size: int) -> AbstractContextManager[None]:
    """Hold the garbage collector while so many objects are made, none of them garbage.

    Otherwise it walks over all of them again and again: more than half of what a batch of
    200,000 JSON events costs.
    """
    return COLLECTOR if size > 100 else _NOTHING


def object_columns(frame: pd.DataFrame) -> list[int]:
    """Give the places of the columns that hold Python objects."""
    return [place for place, dtype in enumerate(frame.dtypes) if dtype in (object, _PANDAS_OBJECT)]


def column(values: Sequence[Any]) -> np.ndarray | ExtensionArray:
    """Make a column of Python values that keeps each value as it is.

    Values of one type get its dtype; anything else stays objects. So what a value becomes
    does not hang on the values beside it.

    >>> column([1, 2]).dtype, column([1.0, 2.5]).dtype, column([1, None])
    (dtype('int64'), dtype('float64'), array([1, None], dtype=object))
    """
    kinds = set(map(type, values))
    if kinds <= _MOMENTS or kinds <= _SPANS:
        return _moments(values)
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


_MOMENTS = {pd.Timestamp, datetime, type(pd.NaT)}
_SPANS = {pd.Timedelta, timedelta, type(pd.NaT)}


def _moments(values: Sequence[Any]) -> np.ndarray | ExtensionArray:
    try:
        array = pd.array(values)
    except (ValueError, TypeError):  # Some with a time zone and some without.
        return object_array(values)
    return array if array.dtype.kind in "mM" else object_array(values)


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


def table(columns: Mapping[Any, Any], index: pd.Index | None = None) -> pd.DataFrame:
    """Make a frame of columns that stay as they are; pandas would make NaN of None beside text.

    >>> table({"name": np.array(["a", None], dtype=object)})["name"].tolist()
    ['a', None]
    """
    if index is None:
        index = pd.RangeIndex(len(next(iter(columns.values()), ())))
    kept = {
        name: pd.Series(values, index=index, dtype=object) if has_objects(values) else values
        for name, values in columns.items()
    }
    return pd.DataFrame(kept, index=index)


def stacked(rows: Sequence[Any]) -> np.ndarray:
    """Stack samples to an array that keeps each value as it is.

    Raises
    ------
    ValueError
        If the samples have not all the same shape.
    """
    array = np.array(rows)
    if array.dtype.kind in "US":
        # NumPy makes text of numbers that stand beside text.
        exact = np.array(rows, dtype=object)
        return array if all(isinstance(value, str) for value in exact.flat) else exact
    if array.dtype == float and (np.abs(array) >= _EXACT_INTEGER).any():
        exact = np.array(rows, dtype=object)
        return exact if any(isinstance(value, int) for value in exact.flat) else array
    return array


def retyped(bodies: Any) -> Any:
    """Make columns of objects anew, as they would be without the events that are not here.

    None where that changes nothing.

    >>> retyped(np.array([1, None], dtype=object)[:1])
    array([1])
    """
    if isinstance(bodies, Samples):
        values = retyped(bodies.values)
        return None if values is None else replace(bodies, values=values)
    if isinstance(bodies, np.ndarray) and bodies.dtype == object:
        rows = bodies.tolist()
        array = feature(rows) if bodies.ndim == 1 else stacked(rows)
        return array if array.dtype != object and array.shape == bodies.shape else None
    if not isinstance(bodies, pd.DataFrame):
        return None
    columns = {place: feature(bodies.iloc[:, place].tolist()) for place in object_columns(bodies)}
    columns = {place: values for place, values in columns.items() if values.dtype != object}
    frame = bodies.copy(deep=False)
    for place, values in columns.items():
        frame.isetitem(place, values)
    return frame if columns else None


def plain(values: pd.Series) -> np.ndarray | ExtensionArray:
    """Give a Series as an array, in its own dtype and without its index."""
    array = values.array
    # Its subclasses, such as an array of texts, have a dtype that NumPy has not.
    return np.asarray(array) if type(array) is pd.arrays.NumpyExtensionArray else array


def object_array(values: Sequence[Any]) -> np.ndarray:
    """Make an array of objects, each as it is."""
    array = np.empty(len(values), dtype=object)
    # One by one: NumPy would spread nested lists over further axes.
    for place, value in enumerate(values):
        array[place] = value
    return array
