"""Where events come from: handed over as a whole, piece by piece, or in files."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from ..bodies import Bodies, plain
from ..errors import GraphError
from ..wire import Raw
from .digests import digest_of
from .events import JSON_CHUNK, Events, rows_at_once, take_events
from .paths import Files, files_of, is_path
from .threads import ahead


class Source(Protocol):
    """Events that can be had in chunks; the bounds of chunks change nothing in them.

    Attributes
    ----------
    chunk_size : int
        How many events are run at once, if nothing else is said.
    fingerprint : list or None
        What tells whether they are the same events still, as JSON; None if nothing does.
    total : int or None
        How many there are, if that is known before all are read.
    """

    @property
    def chunk_size(self) -> int:
        """How many are run at once."""
        ...

    @property
    def fingerprint(self) -> list[Any] | None:
        """What tells them from others."""
        ...

    @property
    def total(self) -> int | None:
        """How many there are."""
        ...

    def chunks(self, size: int, skip: int = 0) -> Iterator[Events]:
        """Give the events in chunks, without the first ``skip``."""
        ...

    def whole(self) -> Events:
        """Give all events at once."""
        ...


def source_of(events: Any) -> Source:
    """Find out what a user hands over as events.

    Parameters
    ----------
    events : DataFrame, array, list, dict, path, glob, URL, list of paths, or iterator
        See `Graph.run`.

    Raises
    ------
    GraphError
        If it is none of these, or files cannot be read.

    Examples
    --------
    >>> source = source_of(iter([[{"x": 1}, {"x": 2}], [{"x": 3}]]))
    >>> [chunk.bodies for chunk in source.chunks(2)]
    [[{'x': 1}, {'x': 2}], [{'x': 3}]]
    """
    if paths := _paths_of(events):
        files, kind = files_of(paths)
        if kind == "json":
            return JSONLines(files)
        # pyarrow is needed here only, and takes its time to import.
        if kind == "csv":
            from .csvs import CSV

            return CSV(files)
        from .parquets import Parquet

        return Parquet(files)
    if isinstance(events, Iterator):
        return Pieces(events)
    return Memory(take_events(events))


def chunks_of(source: Source, size: int, skip: int = 0) -> Iterator[Events]:
    """Give the events of a source in chunks; of files, the next is read meanwhile."""
    chunks = source.chunks(size, skip)
    # An iterator of the user's may belong to the thread that it was made on.
    return ahead(chunks) if isinstance(source, Files) else chunks


def _paths_of(events: Any) -> list[str]:
    if isinstance(events, os.PathLike):
        return [os.fspath(events)]
    if isinstance(events, str):
        return [events] if is_path(events) or os.path.isdir(os.path.expanduser(events)) else []
    if isinstance(events, (list, tuple)) and events and isinstance(events[0], (str, os.PathLike)):
        paths = [
            os.fspath(path)
            for path in events
            if isinstance(path, os.PathLike) or (isinstance(path, str) and is_path(path))
        ]
        return paths if len(paths) == len(events) else []
    return []


@dataclass(frozen=True)
class Memory:
    """Events that are in memory already."""

    events: Events

    @property
    def chunk_size(self) -> int:
        """More for rows than for bodies, which are Python objects."""
        bodies: Any = self.events.bodies
        if isinstance(bodies, list):
            return JSON_CHUNK
        return rows_at_once(bodies.shape[1] if getattr(bodies, "ndim", 1) > 1 else 1)

    @property
    def total(self) -> int:
        """Their number."""
        return len(self.events)

    @property
    def fingerprint(self) -> list[Any]:
        """Their number, kind, and a digest of all that they hold."""
        bodies: Any = self.events.bodies
        kind = type(bodies).__name__
        if isinstance(bodies, pd.DataFrame):
            kind = repr([(str(name), str(dtype)) for name, dtype in bodies.dtypes.items()])
        return ["in memory", len(self.events), kind, digest_of(bodies, self.events.index)]

    def chunks(self, size: int, skip: int = 0) -> Iterator[Events]:
        """Give slices, none of them copied."""
        for start in range(skip, len(self.events), size):
            yield self.events.part(start, start + size)

    def whole(self) -> Events:
        """Give them as they are."""
        return self.events


class Pieces:
    """Events that an iterator gives: frames, arrays, lists of bodies, or single bodies."""

    fingerprint = None
    total = None

    def __init__(self, pieces: Iterator[Any]) -> None:
        self._pieces = pieces
        self._first: Events | None = None
        self._numbered: bool | None = None
        self._number = 0

    @property
    def chunk_size(self) -> int:
        """That of the first piece, which is fetched for it."""
        if self._first is None:
            self._first = next(self._taken(), Events([], pd.RangeIndex(0)))
        return Memory(self._first).chunk_size

    def _taken(self) -> Iterator[Events]:
        """Each piece, under the numbers of its events unless the first has labels of its own."""
        if self._first is not None:
            first, self._first = self._first, None
            yield first
        for piece in self._pieces:
            is_many = isinstance(piece, (pd.DataFrame, pd.Series, np.ndarray, list, tuple))
            taken = take_events(piece if is_many else [piece])
            if self._numbered is None:
                self._numbered = isinstance(taken.index, pd.RangeIndex)
            if self._numbered:
                numbers = pd.RangeIndex(self._number, self._number + len(taken))
                self._number += len(taken)
                if isinstance(taken.bodies, pd.DataFrame):  # A frame of our own.
                    taken.bodies.index = numbers
                taken = Events(taken.bodies, numbers)
            yield taken

    def chunks(self, size: int, skip: int = 0) -> Iterator[Events]:
        """Gather pieces of one kind up to a whole chunk."""
        return _gathered(self._taken(), size)

    def whole(self) -> Events:
        """Give all that the iterator gives."""
        parts = [part for part in self.chunks(rows_at_once(1)) if len(part)]
        if not parts:
            return Events([], pd.RangeIndex(0))
        if len({type(part.bodies) for part in parts}) > 1:
            raise GraphError("the iterator gives tables and JSON bodies; run each by themselves")
        return _joined(parts)


def _gathered(pieces: Iterable[Events], size: int) -> Iterator[Events]:
    """Put pieces together, and cut them, into chunks of a size; unlike ones stay apart."""
    waiting: list[Events] = []
    count = 0
    for piece in pieces:
        if not len(piece):
            continue
        if waiting and not _alike(waiting[0], piece):
            yield _joined(waiting)
            waiting, count = [], 0
        waiting.append(piece)
        count += len(piece)
        if count < size:
            continue
        joined = _joined(waiting)
        whole = count - count % size
        for start in range(0, whole, size):
            yield joined.part(start, start + size)
        waiting, count = ([joined.part(whole, count)] if whole < count else []), count - whole
    if waiting:
        yield _joined(waiting)


def _alike(one: Events, other: Events) -> bool:
    first, second = one.bodies, other.bodies
    if type(first) is not type(second) or one.index.dtype != other.index.dtype:
        return False
    if isinstance(first, pd.DataFrame) and isinstance(second, pd.DataFrame):
        return first.columns.equals(second.columns) and first.dtypes.equals(second.dtypes)
    return isinstance(first, list) or (
        getattr(first, "dtype", None) == getattr(second, "dtype", None)
        and getattr(first, "shape", ())[1:] == getattr(second, "shape", ())[1:]
    )


def _joined(parts: list[Events]) -> Events:
    if len(parts) == 1:
        return parts[0]
    some: list[Any] = [part.bodies for part in parts]
    bodies: Bodies
    if isinstance(some[0], list):
        bodies = [body for part in some for body in part]
    elif isinstance(some[0], pd.DataFrame):
        bodies = pd.concat(some)
    elif isinstance(some[0], np.ndarray):
        bodies = np.concatenate(some)
    else:
        bodies = plain(pd.concat([pd.Series(part) for part in some]))
    first, *others = [part.index for part in parts]
    return Events(bodies, first.append(others))


class JSONLines(Files):
    """Files of JSON Lines: a body in each line, as it stands there; empty lines are none."""

    chunk_size = JSON_CHUNK

    def chunks(self, size: int, skip: int = 0) -> Iterator[Events]:
        """Give the lines; those to be skipped are read, and no more."""
        waiting: list[Any] = []
        number = skip
        for line in self._lines():
            if skip:
                skip -= 1
                continue
            waiting.append(Raw(line))
            if len(waiting) == size:
                yield Events(waiting, pd.RangeIndex(number, number + size))
                number += size
                waiting = []
        if waiting:
            yield Events(waiting, pd.RangeIndex(number, number + len(waiting)))

    def whole(self) -> Events:
        """Give all lines."""
        bodies: list[Any] = [Raw(line) for line in self._lines()]
        return Events(bodies, pd.RangeIndex(len(bodies)))

    def _lines(self) -> Iterator[bytes]:
        for file in self.files:
            with file.open() as stream:
                for number, line in enumerate(stream):
                    if number == 0:
                        line = line.removeprefix(codecs.BOM_UTF8)
                    if stripped := line.strip(b" \t\r\n"):
                        yield stripped
