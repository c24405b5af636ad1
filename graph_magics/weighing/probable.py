"""Probabilities that models answered, beside a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import GraphError
from ..judging import probabilities_alone
from .beside import Beside

if TYPE_CHECKING:
    from ..recorded import Recorded


@dataclass(frozen=True)
class Probable:
    """What one model gives each label.

    Attributes
    ----------
    values : ndarray of float, shape (n_samples, n_classes)
        For the samples whose target is known; NaN where there is no answer.
    classes : list
        The label of each column.
    labels : list
        Those of the target and the answers, as they are numbered.
    """

    values: np.ndarray
    classes: list[Any]
    labels: list[Any]


def probabilities_of(run: Recorded, path: str, told: Beside) -> Probable:
    """Give the probabilities that a model answered.

    Raises
    ------
    GraphError
        If it answered none.
    """
    output = next(output for output in run._outputs if output.path == path)
    table = probabilities_alone(output, run._events, told.size)
    if table is None:
        raise GraphError(
            "it answers no probabilities, which the metric needs: "
            'give Model(..., method="predict_proba")',
            node=path,
        )
    return Probable(table.to_numpy()[told.rows], list(table.columns), told.labels)


def wide(tables: Mapping[str, Probable], route: str) -> np.ndarray:
    """Give a route's probabilities with a column for each label, of target and models.

    A label that the model does not know has probability 0.
    """
    one = tables[route]
    columns = columns_of(tables)
    values = np.where(np.isnan(one.values).any(axis=1), np.nan, 0.0)[:, None] + np.zeros(
        len(columns)
    )
    for place, label in enumerate(one.classes):
        values[:, columns[label]] = one.values[:, place]
    return values


def columns_of(tables: Mapping[str, Probable]) -> dict[Any, int]:
    """Give a column to each label: first those of the target and the answers, as numbered."""
    columns: dict[Any, int] = {}
    for table in tables.values():
        for label in (*table.labels, *table.classes):
            columns.setdefault(label, len(columns))
    return columns
