"""Rows in whole tiles, so that linear algebra rounds each as it does beside any others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

Predict = Callable[[Any], Any]

#: So many rows linear algebra takes at once, or a part of so many; what is left over it rounds
#: otherwise. That is so of OpenBLAS on today's processors.
TILE = 16
#: So many rows are sooner copied than predicted in two calls.
FEW = 1_024
#: Rooms of scikit-learn without linear algebra, unless what they are made of has some.
_EXACT = ("sklearn.tree", "sklearn.ensemble", "sklearn.dummy", "sklearn.isotonic")


def in_tiles(predict: Predict, rows: Any) -> Any:
    """Predict for rows, the last of them repeated to the next multiple of 16, and left out again.

    Parameters
    ----------
    predict : callable
    rows : DataFrame or ndarray

    Examples
    --------
    >>> in_tiles(lambda rows: np.full(len(rows), len(rows)), np.zeros((20, 2)))[:3]
    array([32, 32, 32])
    """
    size = len(rows)
    odd = size % TILE
    if not odd or not isinstance(rows, (np.ndarray, pd.DataFrame)):
        return predict(rows)
    start = 0 if size < FEW else size - odd
    last = predict(_padded(rows, start))
    if not isinstance(last, np.ndarray):
        return predict(rows)  # No answers that can be left out or put together.
    if not start:
        return last[:size]
    return np.concatenate([predict(_some(rows, slice(start))), last[:odd]])


def _padded(rows: Any, start: int) -> Any:
    size = len(rows)
    places = np.minimum(np.arange(start, size + -size % TILE), size - 1)
    return _some(rows, places)


def _some(rows: Any, places: Any) -> Any:
    return rows.iloc[places] if isinstance(rows, pd.DataFrame) else rows[places]


def multiplies(model: Any) -> bool:
    """Whether a model is scikit-learn's, goes row by row, and has linear algebra in it."""
    parts = estimators_of(model)
    return parts is not None and any(not type(part).__module__.startswith(_EXACT) for part in parts)


def estimators_of(model: Any) -> list[Any] | None:
    """The estimators that a model is made of; None if its answer to a row may hang on others.

    Only scikit-learn's own are known to go row by row: a user's transformer may look at more.
    """
    if not type(model).__module__.startswith("sklearn."):
        return None
    from sklearn.base import BaseEstimator
    from sklearn.preprocessing import FunctionTransformer

    if not isinstance(model, BaseEstimator):
        return None
    made = [model, *model.get_params(deep=True).values()]
    parts = [part for part in made if hasattr(part, "get_params") and not isinstance(part, type)]
    is_known = all(
        type(part).__module__.startswith("sklearn.") and not isinstance(part, FunctionTransformer)
        for part in parts
    )
    return parts if is_known else None
