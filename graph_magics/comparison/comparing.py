"""`compare`: sets answers beside the target and beside each other."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, get_args

import numpy as np
import pandas as pd

from ..errors import GraphError, counted, listed, near
from ..scores import METRICS, PROBABILITY_METRICS, Task, agreements, spread_of
from .paired import DIFFERENCES, Case, holm, summary_of
from .probabilities import in_order
from .result import Comparison
from .targets import (
    Target,
    check_answers,
    codes_of,
    features_of,
    groups_of,
    numbers_of,
    probabilities_of,
    target_of,
    task_of,
    weights_of,
)

#: More groups than that are taken for a mistake.
MOST_GROUPS = 100
#: By these no models are ranked: a bias of 0 is best, and medians have no paired test here.
_NOT_MAIN = ("median_ae", "bias")


def compare(
    answers: pd.DataFrame,
    y: Target,
    *,
    features: pd.DataFrame | None = None,
    probabilities: Mapping[Any, pd.DataFrame] | None = None,
    task: Task | None = None,
    against: Hashable | None = None,
    by: str | Target | None = None,
    metric: str | None = None,
    sample_weight: Target | None = None,
    class_weight: str | Mapping[Any, float] | None = None,
    seed: int = 0,
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
    probabilities : mapping of model to DataFrame of shape (n_events, n_labels), optional
        Of the models that have them: a column per label, a row per event as in `answers`, NaN
        where the model did not answer.
    task : {"classification", "regression"}, optional
        By default classification where the target or any answer is text, boolean or a category;
        else regression where any has a fraction (``type_of_target`` of scikit-learn calls that
        continuous); else classification.
    against : label of a column of `answers`, optional
        The model that all others are held against: differences and p-values.
    by : str, or Series, array or list of length n_events, optional
        A column of `features`, or a group for each event: the figures within each group.
    metric : str, optional
        The main metric, which has an interval in the summary and of which differences are
        told: ``accuracy`` or, in a regression, ``mae`` by default.
    sample_weight : Series, array or list of length n_events, optional
        How much each event counts.
    class_weight : "balanced" or mapping of label to weight, optional
        How much the events of each label count, as in scikit-learn; labels that are not named
        count 1. Both weights are multiplied.
    seed : int
        Of the resamples.

    Raises
    ------
    GraphError
        The target, the features, the groups or the weights have another length or other labels
        than the answers; a column answers another type of label than the target has (labels go
        by value: ``1``, ``1.0`` and ``True`` are one, ``"1"`` is another), scores where labels
        are asked, or labels or infinity where numbers are asked; there is no such model,
        column or metric; a weight is negative or no number.

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
    check_answers(answers)
    index = answers.index
    target, features = target_of(y, index), features_of(features, index)

    known = np.flatnonzero(target.notna())
    columns = [target.iloc[known], *(answers.iloc[known, i] for i in range(answers.shape[1]))]
    task = task or task_of(columns)
    models = pd.Index(answers.columns, name="model", tupleize_cols=False)
    vocabulary: dict[Hashable, int] = {}
    held: list[np.ndarray | None] = [None] * len(models)
    if task == "classification":
        (truth, *given), vocabulary = codes_of(columns)
        held = probabilities_of(probabilities or {}, models, known, vocabulary)
        # Numbers in the order of the labels, whichever comes first among the events.
        order = in_order(list(vocabulary))
        number = np.append(np.argsort(order).astype(float), np.nan)
        truth, *given = (
            number[np.nan_to_num(codes, nan=-1).astype(np.int64)] for codes in (truth, *given)
        )
        held = [None if p is None else p[:, order] for p in held]
        names = list(vocabulary)
        vocabulary = {names[place]: new for new, place in enumerate(order)}
    else:
        truth, *given = numbers_of(columns)
    weight = weights_of(sample_weight, class_weight, task, truth, known, vocabulary, index)
    case = Case(task, models, truth, given, list(vocabulary), held, weight)
    metric = _main(metric, case)
    place = None if against is None else _place(against, metric, case)
    groups = None if by is None else groups_of(by, features, index)
    with np.errstate(over="ignore", invalid="ignore"):
        agreement, spread = agreements(task, given), spread_of(given)
    return Comparison(
        task=task,
        events=len(known),
        unlabelled=len(target) - len(known),
        metric=metric,
        against=against,
        summary=summary_of(case, metric, place, seed),
        agreement=pd.DataFrame(agreement, index=models, columns=models.rename(None)),
        by=None if groups is None else _by(case, groups.iloc[known], metric, place, seed),
        _seed=seed,
        _case=case,
        _known=known,
        _spread=spread,
        # Shallow copies: copy-on-write keeps them as they are now, at no cost.
        _target=target.copy(deep=False),
        _answers=answers.copy(deep=False),
        _features=None if features is None else features.copy(deep=False),
    )


def _main(metric: str | None, case: Case) -> str:
    """The metric that models are held against each other by."""
    if metric is None:
        return "accuracy" if case.task == "classification" else "mae"
    known = [name for name in case.metrics if name not in _NOT_MAIN]
    if metric in known:
        return metric
    if metric in PROBABILITY_METRICS and case.task == "classification":
        raise GraphError(
            f"metric={metric!r} needs probabilities, and all models answer labels only: declare "
            'them as Model(..., method="predict_proba")'
        )
    if metric in METRICS[case.task]:
        raise GraphError(
            f"metric={metric!r} cannot be what models are held against each other by; it has its "
            f"interval in .intervals. Choose one of {listed(known, most=9)}"
        )
    raise GraphError(
        f"metric={metric!r}: there is no such metric of a {case.task}"
        f"{near(str(metric), known)}; there are {listed(known, most=9)}"
    )


def _place(against: Hashable, metric: str, case: Case) -> int:
    """Which of the models the others are held against."""
    if against not in case.models:
        raise GraphError(
            f"against={against!r}: no model is called so{near(str(against), map(str, case.models))}"
            f"; there are {listed(case.models)}"
        )
    place = list(case.models).index(against)
    if len(case) and np.isnan(case.given[place]).all():
        raise GraphError(
            f"against={against!r}: it answered none of {counted(len(case), 'event')}, so there is "
            "nothing to hold the others against; run.errors tells why"
        )
    if metric in PROBABILITY_METRICS and case.probabilities[place] is None:
        raise GraphError(
            f"against={against!r}: it answers labels only, and metric={metric!r} needs "
            'probabilities: declare it as Model(..., method="predict_proba")'
        )
    return place


def _by(case: Case, groups: pd.Series, metric: str, against: int | None, seed: int) -> pd.DataFrame:
    """The summary within each group, under (group, model)."""
    try:
        codes, labels = pd.factorize(groups, sort=True, use_na_sentinel=False)
    except TypeError:  # Values that have no order, or cannot be counted.
        try:
            codes, labels = pd.factorize(groups, use_na_sentinel=False)
        except TypeError as error:
            raise GraphError(f"by: groups must be numbers or text, and {error}") from None
    if len(labels) > MOST_GROUPS:
        raise GraphError(
            f"by: {groups.name!r} has {len(labels):,} different values; cut it into some groups, "
            "as pd.qcut(column, 4) does"
        )
    tables = {}
    for code, label in enumerate(labels):
        tables[label] = summary_of(case.part(np.flatnonzero(codes == code)), metric, against, seed)
    if not tables:
        tables = {None: summary_of(case, metric, against, seed).iloc[:0]}
    table = pd.concat(tables.values(), keys=tables.keys(), names=[groups.name, "model"])
    if against is not None:
        # One correction for all: each group is one more chance to find what is none.
        table[DIFFERENCES[-1]] = holm(table["p_value"].to_numpy(dtype=float))
    return table
