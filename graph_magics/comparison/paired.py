"""How sure the figures are: intervals, and the differences of models to one of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ..scores import METRICS, PROBABILITY_METRICS, Task, probability_scores, score
from .families import Family, Labels, Numbers, Right
from .probabilities import Probabilities
from .resampling import LEVEL, Measure, Terms, Units, beside

#: Metrics that are better when they are lower.
LOWER = frozenset({"mae", "rmse", "median_ae", "log_loss", "brier"})
DIFFERENCES = (
    "difference",
    "difference_low",
    "difference_high",
    "both",
    "p_value",
    "p_holm",
)
TESTS = {
    "mcnemar": "McNemar's exact test",
    "delong": "the test of DeLong et al.",
    "swaps": "a permutation test",
}


@dataclass(frozen=True)
class Case:
    """What is compared, as numbers; `part` gives the same for some events.

    Parameters
    ----------
    task : {"classification", "regression"}
    models : Index
    truth : ndarray of float, shape (n_events,)
        The target; labels as whole numbers from 0.
    given : list of ndarray of float, each of shape (n_events,)
        The answers by model, NaN where there is none.
    labels : list
        What the numbers of labels stand for; empty in a regression.
    probabilities : list of ndarray of float of shape (n_events, n_labels), or None
    weight : ndarray of float, shape (n_events,), or None
    """

    task: Task
    models: pd.Index
    truth: np.ndarray
    given: list[np.ndarray]
    labels: list[Any]
    probabilities: list[np.ndarray | None]
    weight: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.truth)

    def part(self, rows: np.ndarray) -> Case:
        """Give the case of some events only."""
        return replace(
            self,
            truth=self.truth[rows],
            given=[values[rows] for values in self.given],
            probabilities=[None if p is None else p[rows] for p in self.probabilities],
            weight=None if self.weight is None else self.weight[rows],
        )

    @property
    def metrics(self) -> tuple[str, ...]:
        """What is measured of each model, in the order of the summary."""
        known = any(given is not None for given in self.probabilities)
        return METRICS[self.task] + (PROBABILITY_METRICS if known else ())

    def families(self) -> list[Family]:
        """The metrics, by the sums that they come of."""
        weight = np.ones(len(self)) if self.weight is None else self.weight
        if self.task == "regression":
            return [Numbers(self.truth, self.given, weight)]
        classes = np.unique(weight, return_inverse=True)[1]
        families: list[Family] = [
            Labels(self.truth, self.given, weight, classes, max(len(self.labels), 1))
        ]
        if any(given is not None for given in self.probabilities):
            families.append(Probabilities(self.truth, self.probabilities, weight))
        return families

    def family(self, metric: str) -> Family:
        """The least sums that a metric can be had from."""
        if metric == "accuracy":
            weight = np.ones(len(self)) if self.weight is None else self.weight
            classes = np.unique(weight, return_inverse=True)[1]
            return Right(self.truth, self.given, weight, classes)
        return next(family for family in self.families() if metric in family.metrics)


def test_of(case: Case, metric: str) -> str:
    """Which test tells whether two models differ by a metric: a key of TESTS."""
    if metric == "accuracy" and case.weight is None:
        return "mcnemar"
    return "delong" if metric == "roc_auc" else "swaps"


def summary_of(case: Case, metric: str, against: int | None, seed: int) -> pd.DataFrame:
    """Give a row per model: counts, the main metric and how sure it is, the other metrics."""
    # Answers of 1e200 are squared to infinity, which says enough without a warning.
    with np.errstate(over="ignore", invalid="ignore"):
        rows = [
            score(case.task, case.truth, values, case.weight)
            + probability_scores(case.truth, given, case.weight, case.metrics)
            for values, given in zip(case.given, case.probabilities, strict=True)
        ]
        summary = pd.DataFrame(rows, case.models, ["events", "missing", *case.metrics])
        low, high, differences = _surely(case, metric, against, seed)
    columns: dict[str, Any] = {name: summary[name] for name in ("events", "missing", metric)}
    columns |= {f"{metric}_low": low, f"{metric}_high": high}
    if against is not None:
        columns |= dict(zip(DIFFERENCES, differences, strict=True))
    rest = {name: summary[name] for name in case.metrics if name != metric}
    return pd.DataFrame(columns | rest, index=case.models)


def intervals_of(case: Case, seed: int) -> pd.DataFrame:
    """Give every metric of every model with its interval; see `Comparison.intervals`."""
    known: dict[tuple[int, str], tuple[float, float, int]] = {}
    with np.errstate(over="ignore", invalid="ignore"):
        # As in the summary: from the kinds of events that the accuracy alone hangs on.
        if case.task == "classification":
            lows, highs, _ = _surely(case, "accuracy", None, seed)
        for family in case.families():
            bounds = _bounds(case, family, [(model,) for model in range(len(case.given))], seed)
            for model, found in enumerate(bounds):
                events = int(family.answered(model).sum())
                for name, (low, high) in zip(family.metrics, found, strict=True):
                    known[model, name] = (low, high, events)
        for model, values in enumerate(case.given):
            if case.task == "classification":
                low, high = lows[model], highs[model]
                known[model, "accuracy"] = (low, high, known[model, "accuracy"][2])
                continue
            errors = abs(values - case.truth)
            errors = errors[~np.isnan(errors)]
            bounds_ = (np.nan, np.nan) if case.weight is not None else _median(errors, seed)
            known[model, "median_ae"] = (*bounds_, len(errors))
        rows = []
        for model, (values, given) in enumerate(zip(case.given, case.probabilities, strict=True)):
            estimates = score(case.task, case.truth, values, case.weight)[2:]
            estimates += probability_scores(case.truth, given, case.weight, case.metrics)
            for name, estimate in zip(case.metrics, estimates, strict=True):
                rows.append((estimate, *known[model, name]))
    index = pd.MultiIndex.from_product([case.models, case.metrics], names=["model", "metric"])
    return pd.DataFrame(rows, index, ["estimate", "low", "high", "events"])


def _surely(
    case: Case, metric: str, against: int | None, seed: int
) -> tuple[list[float], list[float], list[list[float]]]:
    """Bounds of a metric of each model, and the columns of the differences."""
    family, size = case.family(metric), len(case.given)
    place = family.metrics.index(metric)
    others = [model for model in range(size) if model != against]
    figures: list[tuple[int, ...]] = [(model,) for model in range(size)]
    if against is not None:
        figures += [(model, against) for model in others]
    bounds = [found[place] for found in _bounds(case, family, figures, seed)]
    singles = bounds[:size]
    if metric == "accuracy":
        singles = [_without_spread(case, model, *pair) for model, pair in enumerate(singles)]
    lows, highs = ([float(pair[side]) for pair in singles] for side in (0, 1))
    if against is None:
        return lows, highs, []
    table = np.full((size, len(DIFFERENCES)), np.nan)
    for model, (low, high) in zip(others, bounds[size:], strict=True):
        known = family.answered(model) & family.answered(against)
        difference, p_value = _tested(case, family, place, metric, model, against, known, seed)
        table[model, :5] = difference, low, high, known.sum(), p_value
    table[against, 3] = family.answered(against).sum()
    table[:, 5] = holm(table[:, 4])
    columns = [column.tolist() for column in table.T]
    columns[3] = [int(number) for number in columns[3]]
    return lows, highs, columns


def _bounds(
    case: Case, family: Family, figures: list[tuple[int, ...]], seed: int
) -> list[np.ndarray]:
    """The bounds of each metric of a family, of models and of pairs: (metrics, 2) each."""
    none = np.full((len(family.metrics), 2), np.nan)
    found = [none] * len(figures)
    ready = []
    for place, models in enumerate(figures):
        known = np.logical_and.reduce([family.answered(model) for model in models])
        if known.any():
            ready.append((place, models, known))
    if not ready:
        return found
    if all(family.kinds(models[0]) is None for _, models, _ in ready):
        # All on the same resamples, which are drawn once.
        units = Units.of(len(case), None, seed)
        parts = [_figure(units, family, models, known) for _, models, known in ready]
        widths = np.cumsum([0, *(sums.shape[1] for sums, _ in parts)])

        def measured(sums: np.ndarray) -> np.ndarray:
            slices = zip(widths[:-1], widths[1:], parts, strict=True)
            figures = [measure(sums[..., first:last]) for first, last, (_, measure) in slices]
            return np.concatenate(figures, axis=-1)

        joined = units.interval(beside([sums for sums, _ in parts]), measured, seed=seed)
        for number, (place, _, _) in enumerate(ready):
            first = number * len(family.metrics)
            found[place] = joined[first : first + len(family.metrics)]
        return found
    for place, models, known in ready:
        units = _units(case, family, models, seed)
        sums, measure = _figure(units, family, models, known)
        found[place] = units.interval(sums, measure, seed=seed)
    return found


def _units(case: Case, family: Family, models: tuple[int, ...], seed: int) -> Units:
    kinds = [kind for model in models for kind in family.kinds(model) or ()]
    return Units.of(len(case), kinds or None, seed)


def _figure(
    units: Units, family: Family, models: tuple[int, ...], known: np.ndarray
) -> tuple[Any, Measure]:
    """The sums of a model, or of two and their difference, over the events that both answered."""

    def terms_of(model: int) -> Terms:
        return lambda rows: family.terms(model, known, rows)

    parts = [units.sums(terms_of(model)) for model in models]
    if len(parts) == 1:
        return parts[0], family.measure
    width = parts[0].shape[1]

    def difference(sums: np.ndarray) -> np.ndarray:
        return family.measure(sums[..., :width]) - family.measure(sums[..., width:])

    return beside(parts), difference


def _tested(
    case: Case,
    family: Family,
    place: int,
    metric: str,
    model: int,
    against: int,
    known: np.ndarray,
    seed: int,
) -> tuple[float, float]:
    """The difference of two models over the events that both answered, and its p-value."""
    from scipy import stats

    if not known.any():
        return np.nan, np.nan
    test = test_of(case, metric)
    units = _units(case, family, (model, against), seed)
    one, other = (
        units.sums(lambda rows, who=who: family.terms(who, known, rows))  # type: ignore[misc]
        for who in (model, against)
    )
    if test == "swaps":
        return units.swaps(one, other, lambda sums: family.measure(sums)[..., place], seed=seed)
    figures = [family.measure(units.counts @ sums)[place] for sums in (one, other)]
    difference = float(figures[0] - figures[1])
    if test == "mcnemar":
        right = [(case.given[who] == case.truth)[known] for who in (model, against)]
        return difference, mcnemar(*right)
    assert isinstance(family, Probabilities)
    moved = family.influence(model, known) - family.influence(against, known)
    spread = np.sqrt((moved**2).sum())
    if not spread or np.isnan(difference):
        return difference, 1.0 if difference == 0 else np.nan
    return difference, float(2 * stats.norm.sf(abs(difference) / spread))


def mcnemar(one: np.ndarray, other: np.ndarray) -> float:
    """Test whether two models are right equally often: McNemar's exact test (1947).

    Of the events on which only one of the two is right, each is as likely to be as the other's.

    Parameters
    ----------
    one, other : ndarray of bool, shape (n_events,)
        Whether each model is right.

    Returns
    -------
    float
        The two-sided p-value; 1 if no event tells the two apart.

    Examples
    --------
    >>> mcnemar(np.array([True] * 8), np.array([False] * 6 + [True] * 2))
    0.03125
    """
    from scipy import stats

    only_one = int((one & ~other).sum())
    only_other = int((other & ~one).sum())
    if not only_one + only_other:
        return 1.0
    return float(stats.binomtest(only_one, only_one + only_other).pvalue)


def holm(p_values: np.ndarray) -> np.ndarray:
    """Correct p-values for their number (Holm 1979): the chance of any false one stays what it is.

    Parameters
    ----------
    p_values : ndarray of float, shape (n,)
        NaN where there is no test, which then does not count.

    Returns
    -------
    ndarray of float, shape (n,)

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, np.nan, 0.03])).tolist()
    [0.03, 0.06, nan, 0.06]
    """
    corrected = np.full(len(p_values), np.nan)
    order = np.argsort(p_values, kind="stable")[: int((~np.isnan(p_values)).sum())]
    times = np.arange(len(order), 0, -1)
    corrected[order] = np.maximum.accumulate(p_values[order] * times).clip(max=1)
    return corrected


def _without_spread(case: Case, model: int, low: float, high: float) -> tuple[float, float]:
    """Bounds where all answers are right, or all wrong: no resample shows another share.

    There it is the exact interval of a share (Clopper and Pearson 1934).
    """
    known = ~np.isnan(case.given[model])
    right = (case.given[model] == case.truth)[known]
    if not len(right) or 0 < right.sum() < len(right):
        return low, high
    from scipy import stats

    exact = stats.binomtest(int(right.sum()), len(right)).proportion_ci(LEVEL, "exact")
    return float(exact.low), float(exact.high)


def _median(errors: np.ndarray, seed: int) -> tuple[float, float]:
    """Bounds of a median: its bootstrap distribution is that of order statistics, drawn at once.

    The k-th smallest of n draws is the value at the k-th smallest of n uniform numbers.
    """
    size = len(errors)
    if not size:
        return np.nan, np.nan
    rng, errors = np.random.default_rng(seed), np.sort(errors)
    first = (size + 1) // 2
    lower = rng.beta(first, size - first + 1, 2_000)
    upper = lower
    if size % 2 == 0:
        upper = lower + (1 - lower) * rng.beta(1, size - first, 2_000)
    ranks = [np.minimum((size * each).astype(np.int64), size - 1) for each in (lower, upper)]
    low, high = np.quantile((errors[ranks[0]] + errors[ranks[1]]) / 2, [0.025, 0.975])
    return float(low), float(high)
