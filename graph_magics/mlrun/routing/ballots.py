"""What models answered, as something to count; and what the ensemble's answers begin with."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from ...batch import Batch
from ...bodies import Samples, column
from ...context import Context
from ..events import ids_of


def is_whole(answer: Batch, asked: Batch) -> bool:
    """Whether an answer is to all that were asked."""
    return answer.positions is asked.positions and not answer.failures


def ids(some: Batch, context: Context) -> list[Any]:
    """The id of each event: that of its body, else its own."""
    bodies = some.bodies
    if len(some.positions) == 1 and type(bodies) is list:
        body = bodies[0]
        return [body["id"]] if type(body) is dict and "id" in body else ids_of(some, context)
    if isinstance(bodies, pd.DataFrame):
        has_inputs = {"id", "inputs"} <= set(bodies.columns)  # Not a row of features.
        return bodies["id"].tolist() if has_inputs else ids_of(some, context)
    if isinstance(bodies, Samples) and bodies.ids is None and "id" not in bodies.extra:
        return ids_of(some, context)
    return [
        body["id"] if isinstance(body, dict) and "id" in body else own
        for body, own in zip(some.events(), ids_of(some, context), strict=True)
    ]


def first(answers: Sequence[Any], field: str) -> Any:
    """What the first of several answers has in a field."""
    found = (answer.get(field) for answer in answers if isinstance(answer, dict))
    return next((value for value in found if value), [])


def are_inputs(bodies: Any) -> bool:
    """Whether bodies are columns that need not be looked at: samples, or rows of a table."""
    if isinstance(bodies, Samples):
        return bodies.key == "inputs"
    if isinstance(bodies, pd.DataFrame):
        return "inputs" not in bodies.columns
    return not isinstance(bodies, list) and hasattr(bodies, "dtype")


def has_outputs(bodies: Any) -> bool:
    """Whether answers hold predictions, and are not predictions themselves."""
    if isinstance(bodies, list):
        return any(isinstance(body, (dict, list)) for body in bodies)
    return not hasattr(bodies, "dtype") and not (
        isinstance(bodies, pd.DataFrame) and bodies.shape[1] == 1
    )


def column_of(bodies: Any) -> Any:
    """Answers that are a value each, as a column."""
    if isinstance(bodies, pd.DataFrame):
        return bodies.iloc[:, 0].array
    return column(bodies) if isinstance(bodies, list) else bodies


def flat(bodies: Any, made: Any) -> tuple[Any, np.ndarray | None] | None:
    """The predictions for all samples, and how many each event has; None if they are no numbers."""
    flag, name = made.format_response_with_col_name_flag, made.prediction_col_name
    if isinstance(bodies, Samples):
        if flag or bodies.key != "outputs" or isinstance(bodies.values, pd.DataFrame):
            return None
        return bodies.values, bodies.counts
    if not isinstance(bodies, list):
        return None
    try:
        lists = [body["outputs"] for body in bodies]
        if flag:
            lists = [outputs[name] for outputs in lists]
    except (TypeError, KeyError, IndexError):
        return None
    if set(map(type, lists)) != {list}:
        return None
    values = list(chain.from_iterable(lists))
    kinds = set(map(type, values))
    if not kinds <= _NUMBERS or (len(kinds) > 1 and made.vote_type is None):
        return None
    try:
        array = np.array(values) if len(kinds) == 1 else np.array(values, dtype=float)
    except OverflowError:
        return None
    sizes = np.fromiter(map(len, lists), dtype=np.int64, count=len(lists))
    return array, None if (sizes == 1).all() else sizes


_NUMBERS = {int, float, bool}
