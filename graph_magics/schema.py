"""`Schema`: the columns of a run's frame where only a part of the events is at hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_object_dtype

from .errors import GraphError
from .run import Run


class Schema:
    """What a run's frame looks like, as a run of a few of its events tells.

    Whether an event fails is not known before all are run. So whole numbers and truth values
    are nullable here, where `Run.frame` has them so only if one is missing.

    Parameters
    ----------
    sample : Run
        Of some of the events.

    Examples
    --------
    >>> from graph_magics import Graph
    >>> inverse = Graph("inverse", lambda event: 100 // event["x"])
    >>> schema = Schema(inverse.run([{"x": 50}, {"x": 100}]))
    >>> schema.meta.dtypes.astype(str).to_dict()
    {'step': 'Int64', 'response': 'Int64', 'status': 'int16', 'error': 'str'}
    >>> schema.fitted(inverse.run([{"x": 0}, {"x": 20}]), "a part")["response"].tolist()
    [<NA>, 5]
    """

    def __init__(self, sample: Run) -> None:
        frame, own = sample.frame, {"status", "error"}
        own |= {f"{o.column}.route" for o in sample._outputs if o.routes is not None}
        #: The dtype of each column where nothing is missing; None where no event came there.
        self._told: dict[Any, Any] = {
            name: dtype if name in own else _dtype_of(sample.answered(str(name))[1])
            for name, dtype in frame.dtypes.items()
        }
        self._dtypes: dict[Any, Any] = {
            name: dtype if name in own else _that_may_miss(dtype)
            for name, dtype in frame.dtypes.items()
        }
        self.size = len(frame)
        #: A frame without rows.
        self.meta = pd.DataFrame(
            {name: pd.Series(dtype=dtype) for name, dtype in self._dtypes.items()}
        ).set_index(frame.index[:0])

    def fitted(self, run: Run, where: str) -> pd.DataFrame:
        """Give the frame of a part these columns, with every value as it is.

        Parameters
        ----------
        run : Run
        where : str
            Which part it is, for messages.

        Raises
        ------
        GraphError
            If a value has no place in them.
        """
        frame = run.frame
        for name in frame.columns:
            if name not in self._dtypes and not frame[name].isna().all():
                raise self._odd(name, "there is no such column", where)
        columns: dict[Any, Any] = {}
        for name, dtype in self._dtypes.items():
            if name in frame and is_object_dtype(dtype):
                columns[name] = _as_objects(frame[name], *run.answered(name))
            elif name not in frame or frame[name].isna().all():
                columns[name] = pd.Series(np.nan, frame.index, dtype=object).astype(dtype)
            else:
                columns[name] = _as(frame[name], dtype)
                if columns[name] is None:
                    raise self._odd(name, f"it is {dtype}", where, frame[name].dtype)
        return pd.DataFrame(columns, index=frame.index)

    def narrowed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give the whole frame the dtypes that `Run.frame` has."""
        columns: dict[Any, Any] = {}
        for name, told in self._told.items():
            values = frame[name]
            if told is None:
                values = _inferred(values)
            elif told != values.dtype and not values.isna().any():
                values = values.astype(told)
            columns[name] = values
        return pd.DataFrame(columns, index=frame.index)

    def _odd(self, name: Any, known: str, where: str, dtype: Any = None) -> GraphError:
        got = "" if dtype is None else f" of dtype {dtype}"
        return GraphError(
            f"{where} has answers{got} for column {str(name)!r}, and by a sample of {self.size:,} "
            f"events {known}; let the steps answer all events alike, or run with "
            'engine="local"'
        )


def _that_may_miss(dtype: Any) -> Any:
    if isinstance(dtype, pd.CategoricalDtype):
        return dtype.categories.dtype  # Which labels there are hangs on the events.
    if isinstance(dtype, np.dtype) and dtype.kind in "iub":
        return pd.array(np.empty(0, dtype)).dtype
    return dtype


def _dtype_of(answers: Any) -> Any:
    if len(answers) and is_object_dtype(answers):
        answers = pd.Series(answers).infer_objects()
    return answers.dtype if len(answers) else None


def _as_objects(values: pd.Series, positions: np.ndarray, answers: Any) -> pd.Series:
    """A column of objects, each as it was answered: among other parts' it may be of their kind."""
    if is_object_dtype(values):
        return values
    if not is_object_dtype(answers):
        return values.astype(object).where(values.notna(), np.nan)
    cells = np.full(len(values), np.nan, dtype=object)
    cells[positions] = answers
    return pd.Series(cells, values.index)


def _as(values: pd.Series, dtype: Any) -> pd.Series | None:
    """A column in another dtype; None, where a value would not stay as it is."""
    if values.dtype == dtype:
        return values
    if _that_may_miss(values.dtype) == dtype:  # Most columns: nothing can go wrong.
        return values.astype(dtype)
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.dtype.categories.dtype)
    if values.dtype == object:
        known = values.dropna().infer_objects()
        if known.dtype == object:
            return None
        fitted = _as(known, dtype)
        return None if fitted is None else fitted.reindex(values.index)
    if _family(values.dtype) != _family(dtype):
        return None
    try:
        fitted = values.astype(dtype)
    except (TypeError, ValueError, OverflowError):
        return None
    gone = values.isna()
    if (fitted.isna() != gone).any():
        return None
    same = fitted[~gone].astype(object) == values[~gone].astype(object)
    return fitted if same.all() else None


def _family(dtype: Any) -> str:
    kind = getattr(dtype, "kind", "O")
    if kind in "iuf":
        return "number"
    # Moments with a time zone and without are two things.
    return f"{kind} {getattr(dtype, 'tz', '')}" if kind in "bmM" else str(dtype)


def _inferred(values: pd.Series) -> pd.Series:
    """A column of objects in the dtype of what is there, missing beside it."""
    known = values.dropna().infer_objects()
    dtype = _that_may_miss(known.dtype) if len(known) < len(values) else known.dtype
    if known.dtype == object:
        return values
    rows = np.full(len(values), -1)
    rows[values.notna().to_numpy()] = np.arange(len(known))
    spread = pd.api.extensions.take(known.astype(dtype).array, rows, allow_fill=True)
    return pd.Series(spread, values.index)
