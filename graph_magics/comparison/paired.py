"""How sure the figures are: intervals, and the differences of models to one of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from ..scores import METRICS, PROBABILITY_METRICS, Task, probability_scores, score
from .areas import Area, area_of, difference_of
from .bounds import FEWEST, of_difference, of_median, of_share
from .families import Family, Labels, Numbers, Right
from .probabilities import Probabilities
from .resampling import Measure, Terms, Units, beside

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
#: Low and high of each model.
Bounds: TypeAlias = list[tuple[float, float]]
#: Difference, low, high and p-value of each other model.
Differences: TypeAlias = list[tuple[float, float, float, float]]
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
        if self.task == "regression":
            return [Numbers(self.truth, self.given, self.held)]
        classes = np.unique(self.held, return_inverse=True)[1]
        families: list[Family] = [
            Labels(self.truth, self.given, self.held, classes, max(len(self.labels), 1))
        ]
        if any(given is not None for given in self.probabilities):
            families.append(self.probable)
        return families

    @property
    def held(self) -> np.ndarray:
        """How much each event counts: (n_events,)."""
        return np.ones(len(self)) if self.weight is None else self.weight

    @property
    def probable(self) -> Probabilities:
        """What comes of the probabilities, but for the area, which is no sum."""
        return Probabilities(self.truth, self.probabilities, self.held)

    def area(self, model: int, known: np.ndarray) -> Area:
        """The area under the ROC curve of a model, over some of the events it answered."""
        given = self.probabilities[model]
        if given is None or not known.any():
            return Area(np.nan, np.zeros(0), np.nan)
        return area_of(self.truth[known], given[known], self.held[known])

    def family(self, metric: str) -> Family:
        """The least sums that a metric can be had from."""
        if metric == "accuracy":
            classes = np.unique(self.held, return_inverse=True)[1]
            return Right(self.truth, self.given, self.held, classes)
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
                if "brier" in family.metrics:
                    area = case.area(model, family.answered(model))
                    known[model, "roc_auc"] = (*area.interval(), events)
        for model, values in enumerate(case.given):
            if case.task == "classification":
                low, high = lows[model], highs[model]
                known[model, "accuracy"] = (low, high, known[model, "accuracy"][2])
                continue
            errors = abs(values - case.truth)
            errors = errors[~np.isnan(errors)]
            bounds_ = (np.nan, np.nan) if case.weight is not None else of_median(errors, seed)
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
    size = len(case.given)
    others = [model for model in range(size) if model != against]
    if metric == "roc_auc":
        family: Family = case.probable
        found = _areas(case, others, against)
    else:
        family = case.family(metric)
        found = _resampled(case, family, metric, others, against, seed)
    singles, held = found
    lows, highs = ([float(pair[side]) for pair in singles] for side in (0, 1))
    if against is None:
        return lows, highs, []
    table = np.full((size, len(DIFFERENCES)), np.nan)
    for model, (difference, low, high, p_value) in zip(others, held, strict=True):
        both = family.answered(model) & family.answered(against)
        table[model, :5] = difference, low, high, both.sum(), p_value
    table[against, 3] = family.answered(against).sum()
    table[:, 5] = holm(table[:, 4])
    columns = [column.tolist() for column in table.T]
    columns[3] = [int(number) for number in columns[3]]
    return lows, highs, columns


def _areas(case: Case, others: list[int], against: int | None) -> tuple[Bounds, Differences]:
    """The bounds of each model's area, and how the others' differ from that of one."""
    answered = [case.probable.answered(model) for model in range(len(case.given))]
    found: dict[tuple[int, bytes], Area] = {}  # Models that answered all have one area each.

    def area(model: int, known: np.ndarray) -> Area:
        key = model, known.tobytes()
        if key not in found:
            found[key] = case.area(model, known)
        return found[key]

    bounds = [area(model, known).interval() for model, known in enumerate(answered)]
    if against is None:
        return bounds, []
    differences = []
    for model in others:
        both = answered[model] & answered[against]
        differences.append(difference_of(area(model, both), area(against, both)))
    return bounds, differences


def _resampled(
    case: Case, family: Family, metric: str, others: list[int], against: int | None, seed: int
) -> tuple[Bounds, Differences]:
    """The bounds of a metric of each model, and how the others differ from one of them."""
    place = family.metrics.index(metric)
    figures: list[tuple[int, ...]] = [(model,) for model in range(len(case.given))]
    pairs = [] if against is None else [(model, against) for model in others]
    bounds = [found[place] for found in _bounds(case, family, [*figures, *pairs], seed)]
    if metric == "accuracy":
        for number, models in enumerate([*figures, *pairs]):
            exact = _exactly(case, models)
            bounds[number] = bounds[number] if exact is None else np.array(exact)
    differences = []
    for (model, other), (low, high) in zip(pairs, bounds[len(figures) :], strict=True):
        known = family.answered(model) & family.answered(other)
        difference, p_value = _tested(case, family, place, metric, model, other, known, seed)
        differences.append((difference, float(low), float(high), p_value))
    return [(float(low), float(high)) for low, high in bounds[: len(figures)]], differences


def _exactly(case: Case, models: tuple[int, ...]) -> tuple[float, float] | None:
    """Bounds of an accuracy, or of the difference of two, if resamples cannot show them."""
    known = case.held > 0
    for model in models:
        known = known & ~np.isnan(case.given[model])
    right = [(case.given[model] == case.truth)[known] for model in models]
    if len(right) == 1:
        return of_share(right[0], case.held[known])
    return of_difference(right[0], right[1], case.held[known])


def _bounds(
    case: Case, family: Family, figures: list[tuple[int, ...]], seed: int
) -> list[np.ndarray]:
    """The bounds of each metric of a family, of models and of pairs: (metrics, 2) each."""
    none = np.full((len(family.metrics), 2), np.nan)
    found = [none] * len(figures)
    ready = []
    for place, models in enumerate(figures):
        known = np.logical_and.reduce([family.answered(model) for model in models])
        if (case.held[known] > 0).sum() >= FEWEST:
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

        noise = np.tile(family.noise, len(parts))
        joined = units.interval(
            beside([sums for sums, _ in parts]), measured, noise=noise, seed=seed
        )
        for number, (place, _, _) in enumerate(ready):
            first = number * len(family.metrics)
            found[place] = joined[first : first + len(family.metrics)]
        return found
    for place, models, known in ready:
        units = _units(case, family, models, seed)
        sums, measure = _figure(units, family, models, known)
        found[place] = units.interval(sums, measure, noise=family.noise, seed=seed)
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
    if not known.any():
        return np.nan, np.nan
    units = _units(case, family, (model, against), seed)
    one, other = (
        units.sums(lambda rows, who=who: family.terms(who, known, rows))  # type: ignore[misc]
        for who in (model, against)
    )
    if test_of(case, metric) == "swaps":
        noise = float(family.noise[place])
        return units.swaps(
            one, other, lambda sums: family.measure(sums)[..., place], noise=noise, seed=seed
        )
    figures = [family.measure(units.counts @ sums)[place] for sums in (one, other)]
    right = [(case.given[who] == case.truth)[known] for who in (model, against)]
    return float(figures[0] - figures[1]), mcnemar(*right)


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
