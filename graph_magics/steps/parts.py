"""Parts of a model's rows at the same time, each on a thread, where that was seen to be quicker."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from ..cores import are_shared, cores, sharing
from .tiles import estimators_of

Predict = Callable[[Any], Any]

#: Fewer rows are not worth a look at the clock.
LEAST = 2_048
#: How many seconds a model must take for parts of its rows to be worth threads.
WORTH = 0.04
#: Of the time that rows take on one thread, threads must need less than this.
GAIN = 0.9
#: Rows are parted at multiples of this: linear algebra takes some at once, and rounds the rest
#: otherwise, which so stands at the end as it does without parts.
GRID = 1_024


class Parts:
    """How one model predicts many rows: all at once, or in parts on threads.

    It is chosen by measuring. The first call with many rows is timed. If it takes long, the next
    one is a trial on as many threads as there are cores: of all rows, or of a quarter if they
    take very long, and the rest as was quicker. Threads that helped are kept; else there is
    another trial after 2, 4, 8, ... calls, for the machine may have been busy. A model that has
    threads of its own is as quick with a thread of ours for each, and so stays as it is.

    Only scikit-learn's own estimators are tried, whose answer to a row hangs on that row alone,
    and only where nothing is said of their ``n_jobs``.

    Parameters
    ----------
    model : object
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        #: For a row, on one thread; 0 before it is known.
        self._seconds = 0.0
        #: Whether threads help; None before that is known.
        self._helps: bool | None = None
        #: So many long calls go by before the next trial: the machine may have been busy.
        self._pause = self._waited = 1

    def predict(
        self,
        predict: Predict,
        rows: Any,
        at_once: Callable[[Sequence[Callable[[], Any]]], list[Any]],
    ) -> Any:
        """Predict for rows, in parts where that is quicker.

        Parameters
        ----------
        predict : callable
            The model's method.
        rows : DataFrame or ndarray
        at_once : callable
            Runs several functions at the same time.
        """
        size = len(rows)
        if size < LEAST or self._helps is False or are_shared():
            return predict(rows)
        if self._seconds * size < WORTH:
            return self._timed(predict, rows)
        if not self._helps and self._waited < self._pause:
            self._waited += 1
            return predict(rows)
        try:
            return self._in_parts(predict, rows, at_once)
        except Exception:
            return predict(rows)  # To fail as it does without threads.

    def _in_parts(
        self,
        predict: Predict,
        rows: Any,
        at_once: Callable[[Sequence[Callable[[], Any]]], list[Any]],
    ) -> Any:
        size = len(rows)
        number = cores()
        on_threads = sharing(predict, number)
        if self._helps:
            return _joined(at_once(_calls(on_threads, rows, 0, size, number)))
        results = []
        first, second = 0, size
        if self._seconds * size > 4 * WORTH and size >= 4 * LEAST:
            # So long that a part of it is enough for a trial.
            first, second = (place // GRID * GRID for place in (size // 4, size // 2))
            results.append(self._timed(predict, _cut(rows, 0, first)))
        begun = perf_counter()
        results += at_once(_calls(on_threads, rows, first, second, number))
        seconds = (perf_counter() - begun) / (second - first)
        if self._helps is None:
            self._helps = seconds < GAIN * self._seconds or None
            self._pause, self._waited = 2 * self._pause, 0
        if self._helps and second < size:
            results += at_once(_calls(on_threads, rows, second, size, number))
        elif second < size:
            results.append(predict(_cut(rows, second, size)))
        return _joined(results)

    def _timed(self, predict: Predict, rows: Any) -> Any:
        begun = perf_counter()
        result = predict(rows)
        seconds = perf_counter() - begun
        self._seconds = seconds / len(rows)
        if self._helps is None and not (self._may_part(rows, result) and cores() > 1):
            self._helps = False
        return result

    def _may_part(self, rows: Any, result: Any) -> bool:
        return (
            isinstance(rows, (np.ndarray, pd.DataFrame))
            and isinstance(result, np.ndarray)
            and _goes_by_rows(self._model)
        )


def _calls(
    predict: Predict, rows: Any, start: int, end: int, number: int
) -> list[Callable[[], Any]]:
    size = max((end - start) // number // GRID, 1) * GRID
    # What is left goes with the last: linear algebra has another way with few rows.
    number = min(number, (end - start) // size)
    places = [*range(start, start + number * size, size), end]
    return [partial(predict, _cut(rows, *bounds)) for bounds in itertools.pairwise(places)]


def _cut(rows: Any, start: int, end: int) -> Any:
    return rows.iloc[start:end] if isinstance(rows, pd.DataFrame) else rows[start:end]


def _joined(results: list[Any]) -> Any:
    return results[0] if len(results) == 1 else np.concatenate(results)


def _goes_by_rows(model: Any) -> bool:
    """Whether it is known to, and nothing is said of its threads."""
    parts = estimators_of(model)
    return parts is not None and all(getattr(part, "n_jobs", None) is None for part in parts)
