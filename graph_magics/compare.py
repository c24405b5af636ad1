"""What answers are worth: metrics, agreement and disagreements; frames in, frames out."""

from __future__ import annotations

import html
import numbers
from collections.abc import Hashable, Iterable, Mapping, Sequence, Set, Sized
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeAlias, TypeVar, get_args

import numpy as np
import pandas as pd

from .errors import GraphError, counted, listed
from .scores import METRICS, Task, agreements, score, spread_of

Rows = TypeVar("Rows", pd.Series, pd.DataFrame)
Target: TypeAlias = "pd.Series | pd.DataFrame | pd.Index | np.ndarray | Sequence[Any]"

AGREEMENT = {
    "classification": "the share of events with the same label",
    "regression": "the concordance correlation",
}


def compare(
    answers: pd.DataFrame,
    y: Target,
    *,
    features: pd.DataFrame | None = None,
    task: Task | None = None,
) -> Comparison:
    """Set answers beside the target and beside each other.

    Parameters
    ----------
    answers : DataFrame, shape (n_events, n_models)
        A column per model or router that answers, of any dtype. A missing value (NaN, None, NA)
        is an event that the model did not answer.
    y : Series, one-column DataFrame, array or list, of length n_events
        The target. Events whose target is missing are left out, and counted. A Series goes by
        label where its labels are those of `answers`, else by position where `answers` has a
        default ``RangeIndex``, else it is an error. An array or a list goes by position.
    features : DataFrame of length n_events, optional
        Shown beside the disagreements; aligned as `y` is.
    task : {"classification", "regression"}, optional
        By default classification where the target or any answer is text, boolean or a category;
        else regression where any has a fraction (``type_of_target`` of scikit-learn calls that
        continuous); else classification.

    Raises
    ------
    GraphError
        The target or the features have another length or other labels than the answers; a
        column answers another type of label than the target has (labels go by value: ``1``,
        ``1.0`` and ``True`` are one, ``"1"`` is another), scores where labels are asked, or
        labels or infinity where numbers are asked.

    Examples
    --------
    >>> answers = pd.DataFrame({"forest": ["a", "b", "b"], "logistic": ["a", None, "a"]})
    >>> comparison = compare(answers, ["a", "b", "b"])
    >>> comparison.summary[["events", "missing", "accuracy"]]
              events  missing  accuracy
    model
    forest         3        0       1.0
    logistic       2        1       0.5
    >>> comparison.disagreements
      target forest logistic
    2      b      b        a
    """
    if task is not None and task not in get_args(Task):
        raise GraphError(f"task={task!r} is neither 'classification' nor 'regression'")
    _check_answers(answers)
    target = _target(y, answers.index)
    if isinstance(features, pd.DataFrame):
        features = _aligned(features, answers.index, "table of features", "row")
    elif features is not None:
        raise GraphError(f"the features are of type {_type(features)}: give a DataFrame")

    known = np.flatnonzero(target.notna())
    columns = [target.iloc[known], *(answers.iloc[known, i] for i in range(answers.shape[1]))]
    task = task or _task(columns)
    truth, *given = _codes(columns) if task == "classification" else _numbers(columns)
    # Answers of 1e200 are squared to infinity, which says enough without a warning.
    with np.errstate(over="ignore", invalid="ignore"):
        rows = [score(task, truth, values) for values in given]
        agreement, spread = agreements(task, given), spread_of(given)
    models = pd.Index(answers.columns, name="model", tupleize_cols=False)
    return Comparison(
        task=task,
        events=len(known),
        unlabelled=len(target) - len(known),
        summary=pd.DataFrame(rows, index=models, columns=["events", "missing", *METRICS[task]]),
        agreement=pd.DataFrame(agreement, index=models, columns=models.rename(None)),
        _known=known,
        _spread=spread,
        # Shallow copies: copy-on-write keeps them as they are now, at no cost.
        _target=target.copy(deep=False),
        _answers=answers.copy(deep=False),
        _features=None if features is None else features.copy(deep=False),
    )


@dataclass(frozen=True, repr=False, eq=False)
class Comparison:
    """Answers beside the target and beside each other, as `compare` makes it.

    Attributes
    ----------
    task : {"classification", "regression"}
    events : int
        The events compared: those with a target.
    unlabelled : int
        The events left out because their target is missing.
    summary : DataFrame, a row per model
        ``events`` (answered and scored) and ``missing`` (not answered), int; then metrics,
        float, over the events that the model answered; NaN where there are none.
        Classification: ``accuracy``; ``balanced_accuracy``, the mean recall over the labels of
        the target; ``precision``, ``recall``, ``f1``, macro averages over the labels in target
        and answers (of two labels too: none is taken as the positive one); ``matthews``, the
        Matthews correlation, 0 where only one label occurs. Regression: ``r2`` (NaN for one
        event), ``mae``, ``rmse``, ``median_ae``, and ``bias``, the mean of answer - target.
    agreement : DataFrame of float, models by models
        Over the events that both answered. Classification: the share with the same label, NaN
        without an event. Regression: Lin's concordance correlation, 1 only where all answers
        are equal (Pearson's is 1 also for answers twice as high); NaN below two events. The
        diagonal is 1, and NaN for a model that never answered.
    """

    task: Task
    events: int
    unlabelled: int
    summary: pd.DataFrame
    agreement: pd.DataFrame
    _known: np.ndarray
    _spread: np.ndarray
    _target: pd.Series
    _answers: pd.DataFrame
    _features: pd.DataFrame | None

    @cached_property
    def disagreements(self) -> pd.DataFrame:
        """The events on which models differ, under the index of the answers.

        Columns: the target (under its name, else "target"), the answers, the features.
        Classification: the events to which at least two models gave different labels, in the
        order of the run. Regression: all events, widest apart first, with ``spread`` (highest
        answer - lowest, NaN below two answers) after the answers. Answers keep their names; of
        the others, one whose name is taken gets a suffix: ``age_feature``, ``forest_target``,
        ``spread_of_answers``.
        """
        if self.task == "classification":
            chosen = np.flatnonzero(self._spread > 0)
        else:
            chosen = np.argsort(-self._spread, kind="stable")
        rows = self._known[chosen]
        name = "target" if self._target.name is None else self._target.name
        parts = [
            ("", self._answers.iloc[rows]),
            ("_target", self._target.iloc[rows].to_frame(name)),
        ]
        if self.task == "regression":
            parts.append(("_of_answers", pd.DataFrame({"spread": self._spread[chosen]})))
        if self._features is not None:
            parts.append(("_feature", self._features.iloc[rows]))

        names: list[Hashable] = []
        for suffix, part in parts:
            for column in part.columns:
                while column in names:
                    column = f"{column}{suffix}"
                names.append(column)
        # By position, as the index may hold duplicates.
        frame = pd.concat([part.reset_index(drop=True) for _, part in parts], axis=1)
        frame.index = self._answers.index[rows]
        frame.columns = pd.Index(names, tupleize_cols=False)
        models = self._answers.shape[1]
        return frame.iloc[:, [models, *range(models), *range(models + 1, len(names))]]

    def __repr__(self) -> str:
        summary = self.summary.to_string(float_format=self._digits)
        return "\n".join(filter(None, [self._caption, summary, self._headline]))

    def _repr_html_(self) -> str:
        parts = [f"<p>{html.escape(self._caption)}</p>", self._table(self.summary)]
        if self._headline:
            parts += [f"<p>{self._headline} Agreement, {AGREEMENT[self.task]}:</p>"]
            parts += [self._table(self.agreement)]
        return "\n".join(parts)

    def _table(self, frame: pd.DataFrame) -> str:
        return frame.to_html(float_format=self._digits, border=0, escape=True)

    def _digits(self, value: float) -> str:
        return f"{value:z.4f}" if self.task == "classification" else _four_digits(value)

    @property
    def _caption(self) -> str:
        models, events = counted(len(self.summary), "model"), counted(self.events, "event")
        left_out = f", {counted(self.unlabelled, 'event')} without a target left out"
        return f"{self.task}: {models}, {events}{left_out if self.unlabelled else ''}"

    @property
    def _headline(self) -> str:
        apart = self._spread[~np.isnan(self._spread)]
        if len(self.summary) == 1:
            return ""
        if not apart.size:
            return "No event was answered by two models."
        if self.task == "regression":
            middle, most = _four_digits(np.median(apart)), _four_digits(apart.max())
            return f"The answers to an event lie {middle} apart at the median, {most} at most."
        same, which = int((apart == 0).sum()), " that two or more answered"
        events = counted(apart.size, "event") + (which if apart.size < self.events else "")
        return f"All agree on {same:,} of {events} ({same / apart.size:.2%})."


# What was given, checked and brought into the order of the answers.


def _check_answers(answers: object) -> None:
    if not isinstance(answers, pd.DataFrame):
        raise GraphError(
            f"the answers are of type {_type(answers)}: give a DataFrame, a column per model"
        )
    if answers.shape[1] == 0:
        raise GraphError("the answers have no column: there is no model to compare")
    if not answers.columns.is_unique:
        twice = answers.columns[answers.columns.duplicated()].unique()
        raise GraphError(f"several columns of answers are called {listed(twice)}: rename them")


def _target(y: Any, index: pd.Index) -> pd.Series:
    """Give the target as a Series in the order of the answers."""
    if isinstance(y, (pd.DataFrame, np.ndarray)) and y.ndim == 2 and y.shape[1] == 1:
        y = y.iloc[:, 0] if isinstance(y, pd.DataFrame) else y[:, 0]
    if getattr(y, "ndim", 1) != 1:
        raise GraphError(f"the target has shape {y.shape}: give one column, a value per event")
    if isinstance(y, (str, bytes, Mapping, Set)) or not isinstance(y, Sized):
        raise GraphError(f"the target is of type {_type(y)}: give a Series, an array or a list")
    if not isinstance(y, pd.Series):
        y = pd.Series(y)
        if len(y) == len(index):
            y.index = index
    return _aligned(y, index, "target", "label")


def _aligned(given: Rows, index: pd.Index, what: str, noun: str) -> Rows:
    """Give rows in the order of `index`: by label where the labels are the same."""
    if len(given) != len(index):
        by_label = not _is_default(given.index) and given.index.isin(index).any()
        raise GraphError(
            f"the {what} has {counted(len(given), noun)}, the run has "
            f"{counted(len(index), 'event')}: give one {noun} for every event, NaN where it is "
            f"not known{', as .reindex(run.frame.index) does' if by_label else ''}"
        )
    if given.index.equals(index):
        return given
    if given.index.is_unique and index.is_unique:
        order = given.index.get_indexer(index)
        if (order >= 0).all():
            return given.iloc[order]
    if _is_default(index):
        return given  # The events came without labels: there is only position.
    by_position = "y.to_numpy()" if what == "target" else "features.set_axis(run.frame.index)"
    raise GraphError(
        f"the index of the {what} is not that of the run: label both alike, or pass "
        f"{by_position} to go by position"
    )


def _is_default(index: pd.Index) -> bool:
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1


def _task(columns: Iterable[pd.Series]) -> Task:
    fraction = False
    for column in columns:
        if column.notna().any():
            if not _is_numbers(column):
                return "classification"
            values = _floats(column)
            fraction = fraction or bool((values[np.isfinite(values)] % 1).any())
    return "regression" if fraction else "classification"


def _is_numbers(column: pd.Series) -> bool:
    kinds = {"integer", "floating", "mixed-integer-float", "decimal"}
    return pd.api.types.infer_dtype(column, skipna=True) in kinds


def _floats(column: pd.Series) -> np.ndarray:
    return column.to_numpy(dtype="float64", na_value=np.nan)


# Both tasks come to arrays of float64, the target first, NaN where there is no answer.


def _numbers(columns: list[pd.Series]) -> list[np.ndarray]:
    arrays: list[np.ndarray] = []
    for column in columns:
        who = f"{column.name!r} answers" if arrays else "the target has"
        known = column.dropna()
        if not known.empty and not _is_numbers(column):
            raise GraphError(
                f"{who} {_shown(known.iloc[0])}, where regression needs numbers: convert it "
                "with .astype(float), or pass task='classification'"
            )
        values = _floats(column) if len(known) else np.full(len(column), np.nan)
        if np.isinf(values).any():
            raise GraphError(f"{who} infinity: put NaN there, to count it as missing")
        arrays.append(values)
    return arrays


def _codes(columns: list[pd.Series]) -> list[np.ndarray]:
    """Give a number per label, the same in every column, whatever the dtypes."""
    vocabulary: dict[Hashable, int] = {}
    arrays: list[np.ndarray] = []
    known: list[Any] = []
    for column in columns:
        try:
            codes, uniques = column.factorize()
        except TypeError as error:
            who = f"{column.name!r} answers" if arrays else "the target has"
            shown = _shown(column.dropna().iloc[0])
            raise GraphError(f"{who} {shown}, where a label is one number or text") from error
        labels = uniques.tolist()
        if arrays:
            _check_labels(column.name, labels, known)
        known = known if arrays else labels
        # Python's own equality makes 1, 1.0 and True one label. Code -1 finds the last place.
        places = [vocabulary.setdefault(label, len(vocabulary)) for label in labels]
        arrays.append(np.array([*places, np.nan])[codes])
    return arrays


def _check_labels(name: Hashable, labels: list[Any], known: list[Any]) -> None:
    kinds = {_kind(label) for label in known}
    whole = kinds == {"numbers"} and all(label == label // 1 for label in known)
    for label in labels:
        if _kind(label) not in kinds:
            some = ", ".join(f"{_shown(value)}: ..." for value in known[:2])
            raise GraphError(
                f"{name!r} answers {_kind(label)} such as {_shown(label)}, the target has "
                f"{_kind(known[0])} such as {_shown(known[0])}: give the target in the labels of "
                f"the models, as y.map({{{some}}}) does"
            )
        if whole and label != label // 1:
            raise GraphError(
                f"{name!r} answers {_shown(label)}, the target has labels such as "
                f"{_shown(known[0])}: let it answer labels, or pass task='regression'"
            )


def _kind(label: object) -> str:
    if isinstance(label, (numbers.Real, Decimal, np.bool_)):
        return "numbers"
    return "text" if isinstance(label, str) else f"{_type(label)} values"


def _shown(value: object) -> str:
    text = " ".join(repr(value.item() if isinstance(value, np.generic) else value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _type(thing: object) -> str:
    return type(thing).__name__


def _four_digits(value: float) -> str:
    if abs(value) < 1e-12:
        return "0"  # Noise of rounding, which differs from machine to machine.
    return f"{value:.0f}" if 1e3 <= abs(value) < 1e9 else f"{value:.4g}"
