"""What was given to compare, checked and brought into the order of the answers, as numbers."""

from __future__ import annotations

import numbers
from collections.abc import Hashable, Iterable, Mapping, Sequence, Set, Sized
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pandas as pd

from ..errors import GraphError, counted, listed, near
from ..scores import Task

Rows = TypeVar("Rows", pd.Series, pd.DataFrame)
Target: TypeAlias = "pd.Series | pd.DataFrame | pd.Index | np.ndarray | Sequence[Any]"

_FEATURES = "the table of features"


def features_of(features: Any, index: pd.Index) -> pd.DataFrame | None:
    """Give the events' own columns in the order of the answers."""
    if features is None:
        return None
    if not isinstance(features, pd.DataFrame):
        raise GraphError(f"the features are of type {_type(features)}: give a DataFrame")
    return aligned(features, index, _FEATURES, "row")


def check_answers(answers: object) -> None:
    """Refuse what is no table of answers, a column per model."""
    if not isinstance(answers, pd.DataFrame):
        raise GraphError(
            f"the answers are of type {_type(answers)}: give a DataFrame, a column per model"
        )
    if answers.shape[1] == 0:
        raise GraphError("the answers have no column: there is no model to compare")
    if not answers.columns.is_unique:
        twice = answers.columns[answers.columns.duplicated()].unique()
        raise GraphError(f"several columns of answers are called {listed(twice)}: rename them")


def target_of(y: Any, index: pd.Index) -> pd.Series:
    """Give the target as a Series in the order of the answers."""
    return aligned(series_of(y, index, "the target"), index, "the target", "label")


def aligned(given: Rows, index: pd.Index, what: str, noun: str = "value") -> Rows:
    """Give rows in the order of `index`: by label where the labels are the same."""
    if len(given) != len(index):
        by_label = not _is_default(given.index) and given.index.isin(index).any()
        raise GraphError(
            f"{what} has {counted(len(given), noun)}, the run has "
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
    ways = {"the target": "y.to_numpy()", _FEATURES: "features.set_axis(run.frame.index)"}
    raise GraphError(
        f"the index of {what} is not that of the run: label both alike, or pass "
        f"{ways.get(what, f'{what}.to_numpy()')} to go by position"
    )


def _is_default(index: pd.Index) -> bool:
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1


def task_of(columns: Iterable[pd.Series]) -> Task:
    """Tell what the values look like: regression if any of the numbers has a fraction."""
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


def numbers_of(columns: list[pd.Series]) -> list[np.ndarray]:
    """Give each column as numbers."""
    arrays: list[np.ndarray] = []
    for column in columns:
        who = f"{column.name!r} answers" if arrays else "the target has"
        known = column.dropna()
        if not known.empty and not _is_numbers(column):
            raise GraphError(
                f"{who} {shown(known.iloc[0])}, where regression needs numbers: convert it "
                "with .astype(float), or pass task='classification'"
            )
        values = _floats(column) if len(known) else np.full(len(column), np.nan)
        if np.isinf(values).any():
            raise GraphError(f"{who} infinity: put NaN there, to count it as missing")
        arrays.append(values)
    return arrays


def codes_of(columns: list[pd.Series]) -> tuple[list[np.ndarray], dict[Hashable, int]]:
    """Give a number per label, the same in every column, whatever the dtypes; and the numbers."""
    vocabulary: dict[Hashable, int] = {}
    arrays: list[np.ndarray] = []
    known: list[Any] = []
    for column in columns:
        try:
            codes, uniques = column.factorize()
        except TypeError as error:
            who = f"{column.name!r} answers" if arrays else "the target has"
            value = shown(column.dropna().iloc[0])
            raise GraphError(f"{who} {value}, where a label is one number or text") from error
        labels = uniques.tolist()
        if arrays:
            _check_labels(column.name, labels, known)
        known = known if arrays else labels
        # Python's own equality makes 1, 1.0 and True one label. Code -1 finds the last place.
        places = [vocabulary.setdefault(label, len(vocabulary)) for label in labels]
        arrays.append(np.array([*places, np.nan])[codes])
    return arrays, vocabulary


def probabilities_of(
    given: Mapping[Hashable, pd.DataFrame],
    models: pd.Index,
    known: np.ndarray,
    vocabulary: dict[Hashable, int],
) -> list[np.ndarray | None]:
    """Give each model's probabilities by the numbers of the labels; None where it has none.

    Labels that only the probabilities have are added to the vocabulary.
    """
    for name, frame in given.items():
        if name not in models:
            raise GraphError(
                f"there are probabilities of {str(name)!r}, which is none of the models"
                f"{near(str(name), map(str, models))}"
            )
        for label in frame.columns:
            vocabulary.setdefault(label, len(vocabulary))
    arrays: list[np.ndarray | None] = []
    for name in models:
        if name not in given:
            arrays.append(None)
            continue
        frame = given[name]
        values = frame.to_numpy(dtype=float, na_value=np.nan)[known]
        values[np.isnan(values).any(axis=1)] = np.nan
        sums = values.sum(axis=1)
        if (values < 0).any() or (abs(sums - 1) > 1e-3).any():
            raise GraphError(
                f"{str(name)!r} answers probabilities that are negative or do not add up to 1: "
                'let it answer labels, with method="predict"'
            )
        # Only what is off by more than rounding: dividing all would part values that are equal.
        off = abs(sums - 1) > 1e-9
        values[off] /= sums[off, np.newaxis]
        wide = np.zeros((len(values), len(vocabulary)))
        wide[:, [vocabulary[label] for label in frame.columns]] = values
        wide[np.isnan(sums)] = np.nan
        arrays.append(wide)
    return arrays


def weights_of(
    sample_weight: Any,
    class_weight: Any,
    task: Task,
    truth: np.ndarray,
    known: np.ndarray,
    vocabulary: dict[Hashable, int],
    index: pd.Index,
) -> np.ndarray | None:
    """Give the weight of each event that has a target, 1 in the mean; None if all count alike."""
    weight = None
    if sample_weight is not None:
        given = aligned(series_of(sample_weight, index, "sample_weight"), index, "sample_weight")
        if not given.isna().all() and not _is_numbers(given):
            raise GraphError(
                f"sample_weight has {shown(given.dropna().iloc[0])}, where a weight is a number"
            )
        weight = _floats(given)[known]
        if not np.isfinite(weight).all() or (weight < 0).any():
            odd = weight[~(np.isfinite(weight) & (weight >= 0))][0]
            raise GraphError(f"sample_weight has {odd}, where a weight is a number from 0 on")
        if len(weight) and not weight.any():
            raise GraphError("sample_weight is 0 for all events: then none counts")
    if class_weight is not None:
        if task == "regression":
            raise GraphError("class_weight is for labels; a regression takes sample_weight")
        by_class = _class_weights(class_weight, truth, vocabulary)
        weight = by_class if weight is None else weight * by_class
    return None if weight is None else _scaled(weight)


def _scaled(weight: np.ndarray) -> np.ndarray:
    """Bring the weights that are not 0 to a mean of 1, as only their ratios matter."""
    if not weight.any():
        return weight
    weight = weight / weight.max()  # Or the sum of large ones may be infinite.
    return np.asarray(weight / weight[weight > 0].mean())


def _class_weights(
    class_weight: Any, truth: np.ndarray, vocabulary: dict[Hashable, int]
) -> np.ndarray:
    """Give each event the weight of its label, as scikit-learn's ``class_weight`` has them."""
    labels = truth.astype(np.int64)
    if isinstance(class_weight, str) and class_weight == "balanced":
        counts = np.bincount(labels)
        return len(labels) / (np.count_nonzero(counts) * counts[labels])
    if not isinstance(class_weight, Mapping):
        raise GraphError(
            f"class_weight must be 'balanced' or a dict of label to weight, got {class_weight!r}"
        )
    weights = np.ones(max(len(vocabulary), 1))
    for label, weight in class_weight.items():
        if label not in vocabulary:
            raise GraphError(
                f"class_weight has the label {shown(label)}, which is in no target and no answer"
                f"{near(str(label), map(str, vocabulary))}; there are {listed(vocabulary)}"
            )
        is_weight = isinstance(weight, numbers.Real) and not isinstance(weight, bool)
        if not is_weight or not 0 <= weight < np.inf:
            raise GraphError(
                f"class_weight of {shown(label)} is {shown(weight)}, where a weight is a number "
                "from 0 on"
            )
        weights[vocabulary[label]] = weight
    if len(labels) and not weights[labels].any():
        raise GraphError("class_weight is 0 for all events: then none counts")
    return weights[labels]


def groups_of(by: Any, features: pd.DataFrame | None, index: pd.Index) -> pd.Series:
    """Give the group of each event: a column of the events, or a value for each."""
    if isinstance(by, str):
        if features is None:
            raise GraphError(
                f"by={by!r}: the events have no columns; give a Series, a value for each event"
            )
        if by not in features.columns:
            raise GraphError(
                f"by={by!r}: the events have no such column{near(by, map(str, features.columns))}; "
                f"there are {listed(features.columns)}"
            )
        column = features[by]
        if isinstance(column, pd.DataFrame):
            raise GraphError(f"by={by!r}: several columns are called so; rename them")
        return column
    groups = aligned(series_of(by, index, "by"), index, "by")
    return groups.rename("group") if groups.name is None else groups


def series_of(given: Any, index: pd.Index, what: str) -> pd.Series:
    """Give something with a value per event as a Series."""
    if isinstance(given, (pd.DataFrame, np.ndarray)) and given.ndim == 2 and given.shape[1] == 1:
        given = given.iloc[:, 0] if isinstance(given, pd.DataFrame) else given[:, 0]
    if getattr(given, "ndim", 1) != 1:
        raise GraphError(f"{what} has shape {given.shape}: give one column, a value per event")
    if isinstance(given, (str, bytes, Mapping, Set)) or not isinstance(given, Sized):
        raise GraphError(f"{what} is of type {_type(given)}: give a Series, an array or a list")
    if not isinstance(given, pd.Series):
        given = pd.Series(given)
        if len(given) == len(index):
            given.index = index
    return given


def _check_labels(name: Hashable, labels: list[Any], known: list[Any]) -> None:
    kinds = {_kind(label) for label in known}
    whole = kinds == {"numbers"} and all(label == label // 1 for label in known)
    for label in labels:
        if _kind(label) not in kinds:
            some = ", ".join(f"{shown(value)}: ..." for value in known[:2])
            raise GraphError(
                f"{name!r} answers {_kind(label)} such as {shown(label)}, the target has "
                f"{_kind(known[0])} such as {shown(known[0])}: give the target in the labels of "
                f"the models, as y.map({{{some}}}) does"
            )
        if whole and label != label // 1:
            raise GraphError(
                f"{name!r} answers {shown(label)}, the target has labels such as "
                f"{shown(known[0])}: let it answer labels, or pass task='regression'"
            )


def _kind(label: object) -> str:
    if isinstance(label, (numbers.Real, Decimal, np.bool_)):
        return "numbers"
    return "text" if isinstance(label, str) else f"{_type(label)} values"


def shown(value: object) -> str:
    """A value in a message: short, and without NumPy's types."""
    text = " ".join(repr(value.item() if isinstance(value, np.generic) else value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _type(thing: object) -> str:
    return type(thing).__name__
