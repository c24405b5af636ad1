"""What a router and its routes answered, beside the target: as numbers, event by event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..comparison.targets import codes_of, numbers_of, target_of, task_of
from ..errors import GraphError, listed
from ..judging import values_for
from ..scores import Task

if TYPE_CHECKING:
    from ..recorded import Recorded


@dataclass(frozen=True)
class Beside:
    """Answers beside the target, for the samples whose target is known.

    Attributes
    ----------
    task : {"classification", "regression"}
    truth : ndarray of float, shape (n_samples,)
        A number per label, or the number itself.
    answers : mapping of str to ndarray of float, shape (n_samples,)
        Of each that was asked for, in the same numbers; NaN where there is no answer.
    labels : list
        Of each number of a classification.
    event : ndarray of int, shape (n_samples,)
        Which event a sample is of.
    rows : ndarray of int, shape (n_samples,)
        Where a sample stands among all of the run.
    size : int
        How many samples the run has.
    """

    task: Task
    truth: np.ndarray
    answers: Mapping[str, np.ndarray]
    labels: list[Any]
    event: np.ndarray
    rows: np.ndarray
    size: int


def beside(
    run: Recorded,
    y: Any,
    found: Mapping[str, tuple[Recorded, str]],
    *,
    task: Task | None = None,
    is_voted: bool = False,
) -> Beside:
    """Set the answers of some nodes beside the target.

    Parameters
    ----------
    run : Run
    y : Series, array or list
        As `Run.compare` takes it.
    found : mapping of str to (Run, str)
        Under each name, the path of a node, and the run of the same events in which it
        answered.
    task : {"classification", "regression"}, optional
    is_voted : bool
        Whether a vote goes by the type of the answers, where no task is given: a float makes it
        a regression, whole or not.

    Raises
    ------
    GraphError
        If the target does not fit, no event has one, or a node answers with no value.
    """
    outputs = {
        name: next(output for output in other._outputs if output.path == path)
        for name, (other, path) in found.items()
    }
    answers = values_for(y, outputs, run._events)
    # Samples have labels of our own making: there a target can only go by position.
    is_by_event = answers.index is run._events.index
    target = target_of(y if is_by_event else np.asarray(y), answers.index)
    known = np.flatnonzero(target.notna())
    if not len(known):
        raise GraphError("no event has a target: the labels are all missing")
    parts = [target.iloc[known], *(answers[name].iloc[known] for name in answers)]
    if task is None and is_voted:
        are_floats = any(_has_floats(answers[name]) for name in answers)
        task = "regression" if are_floats else "classification"
    task = task or task_of(parts)
    labels: list[Any] = []
    if task == "classification":
        (truth, *given), vocabulary = codes_of(parts)
        labels = list(vocabulary)
    else:
        truth, *given = numbers_of(parts)
    for name, values in zip(answers, given, strict=True):
        if np.isnan(values).all():
            raise GraphError(f"{name!r} has answered none of the events that have a target")
    return Beside(
        task=task,
        truth=truth,
        answers=dict(zip(map(str, answers), given, strict=True)),
        labels=labels,
        event=_events_of(answers.index)[known],
        rows=known,
        size=len(target),
    )


def _has_floats(answers: pd.Series) -> bool:
    if answers.dtype == object:
        return any(isinstance(value, (float, np.floating)) for value in answers.dropna())
    return answers.dtype.kind == "f"


def _events_of(index: pd.Index) -> np.ndarray:
    """Which event each row is of: itself, or that of its sample."""
    if isinstance(index, pd.MultiIndex) and list(index.names) == ["event", "sample"]:
        return np.asarray(np.cumsum(index.get_level_values("sample") == 0) - 1)
    return np.arange(len(index))


def order_of(labels: Sequence[Any]) -> np.ndarray:
    """The rank of each label, as a vote prefers the smallest of several."""
    try:
        order = sorted(range(len(labels)), key=lambda place: labels[place])
    except TypeError:
        kinds = sorted({type(label).__name__ for label in labels})
        raise GraphError(
            f"labels of several kinds have no order by which a vote could be decided: "
            f"{listed(kinds)}"
        ) from None
    ranks = np.empty(len(labels), dtype=np.int64)
    ranks[order] = np.arange(len(labels))
    return ranks
