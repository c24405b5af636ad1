"""What weights of a router are worth: of the run's events, against a target."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..alike import alike
from ..bodies import plain
from ..comparison.targets import target_of
from ..errors import GraphError, listed, near
from ..judging import task_of
from ..scores import METRICS, Task, score
from ..weighing.beside import beside
from ..weighing.expecting import Draws
from ..whatif import WhatIf, responses

if TYPE_CHECKING:
    from ..run import Run

LOWER_IS_BETTER = frozenset({"mae", "rmse", "median_ae"})
#: Of these, the mean over all draws of a Splitter can be told.
MEANS = frozenset({"accuracy", "mae"})
DEFAULTS = {"classification": "accuracy", "regression": "mae"}
EXAMPLES = 5


@dataclass(frozen=True)
class Figures:
    """What some weights give.

    Attributes
    ----------
    score : float or None
        The metric of the router's answers; None without a target.
    expected : float or None
        Of a Splitter, the metric's mean over all draws, other Splitters' too, where it has one.
    changed : int
        How many events are answered otherwise than in the run.
    events : int
        How many there are.
    gained, lost : int
        How many of the changed ones are right now, or were in the run and are no more; 0 for
        a regression.
    shift : float or None
        Of a regression, the median change of the changed answers.
    traffic : dict of str to float
        The share of the events that each route is to get.
    examples : DataFrame
        The first changed events: the target, the answer in the run, the answer now.
    are_labels : bool
        Whether the answers are labels as the target has them, so right or wrong.
    """

    score: float | None
    expected: float | None
    changed: int
    events: int
    gained: int
    lost: int
    shift: float | None
    traffic: dict[str, float]
    examples: pd.DataFrame
    are_labels: bool


class Judge:
    """Tells what weights of one router are worth, of a run.

    Parameters
    ----------
    run : Run
    router : str
        Its path.
    y : Series, array or list, optional
        The target, as `Run.compare` takes it.
    metric : str, optional
        One of the columns of `Comparison.summary`; ``accuracy`` or ``mae`` if absent.

    Attributes
    ----------
    metric : str or None
        None without a target.
    task : {"classification", "regression"} or None
    models : dict of str to float
        The metric of each route, had it answered alone.
    own : float or None
        The metric of the run's own weights.

    Raises
    ------
    GraphError
        If the target does not fit, or there is no such metric.
    """

    def __init__(self, run: Run, router: str, y: Any = None, metric: str | None = None) -> None:
        self.run = run
        self.what_if = WhatIf(run, router)
        self.metric: str | None = None
        self.task: Task | None = None
        self.models: dict[str, float] = {}
        self.own: float | None = None
        self._y = y
        self._target: pd.Series | None = None
        self._is_response_judged = False
        self._draws: Draws | None = None
        self._before = responses(run)
        if y is None:
            if metric is not None:
                raise GraphError(f"the metric {metric!r} needs labels: y=..., or --labels")
            return
        routes = self.what_if.routes
        alone = {
            route: self.what_if.run_with({name: float(name == route) for name in routes})
            for route in routes
        }
        found = {name: (other, router) for name, other in {**alone, "": run}.items()}
        is_voted = self.what_if.kind == "VotingEnsemble"
        given = beside(run, y, found, task=task_of(run._nodes), is_voted=is_voted)
        self.task = given.task
        self.metric = _known(metric, self.task)
        scores = {name: self._measured(given.truth, given.answers[name]) for name in found}
        self.own = scores.pop("")
        self.models = scores
        if self.what_if.kind == "Splitter" and self.metric in MEANS:
            with suppress(GraphError):  # There may be too many ways to draw.
                self._draws = Draws(run, self.what_if.router, y, self.metric)
        if given.size == len(run):
            self._target = target_of(y, run._events.index)
            self._is_response_judged = self.task == "classification" and _meet(
                self._target, self._before
            )

    @property
    def is_higher_better(self) -> bool:
        """Whether more of the metric is better."""
        return self.metric not in LOWER_IS_BETTER

    def of(self, weights: Mapping[str, float]) -> Figures:
        """Tell what some weights give."""
        what_if = self.what_if
        other = what_if.run_with(weights)
        answers = responses(other)
        changed = what_if.changed(weights)
        rows = np.flatnonzero(changed)
        before, now = self._before.iloc[rows], answers.iloc[rows]
        value = expected = shift = None
        gained = lost = 0
        traffic = what_if.traffic(weights)
        if self.metric is not None:
            given = beside(self.run, self._y, {"now": (other, what_if.router)}, task=self.task)
            value = self._measured(given.truth, given.answers["now"])
            if self._draws is not None:
                _, expected, _ = self._draws.of(traffic)
        if self._target is not None and self._is_response_judged:
            right = self._target.iloc[rows]
            gained, lost = _right(now, right), _right(before, right)
        if self.task == "regression" and len(rows):
            shift = _shift(before, now)
        return Figures(
            score=value,
            expected=expected,
            changed=len(rows),
            events=len(changed),
            gained=gained,
            lost=lost,
            shift=shift,
            traffic=traffic,
            examples=self._examples(rows[:EXAMPLES], answers),
            are_labels=self._is_response_judged,
        )

    def _examples(self, rows: np.ndarray, answers: pd.Series) -> pd.DataFrame:
        columns = {"run": self._before.iloc[rows], "now": answers.iloc[rows]}
        if self._target is not None:
            columns = {"target": self._target.iloc[rows], **columns}
        # By position, as the index may hold duplicates.
        frame = pd.DataFrame({name: _cells(values) for name, values in columns.items()})
        return frame.set_axis(answers.index[rows])

    def _measured(self, truth: np.ndarray, given: np.ndarray) -> float:
        assert self.task is not None and self.metric is not None
        _, _, *values = score(self.task, truth, given)
        return values[METRICS[self.task].index(self.metric)]


def _known(metric: str | None, task: Task) -> str:
    known = [name for name in METRICS[task] if name != "bias"]  # It has no better and worse.
    metric = DEFAULTS[task] if metric is None else metric
    if metric not in known:
        raise GraphError(
            f"no metric {metric!r} of a {task}{near(str(metric), known)}; "
            f"there are {listed(known, 6)}"
        )
    return metric


def _meet(target: pd.Series, answers: pd.Series) -> bool:
    """Whether any answer is a label of the target's: steps behind a vote may answer otherwise."""
    try:
        return bool(answers.isin(target.dropna().unique()).any())
    except TypeError:  # Objects and lists are no labels.
        return False


def _cells(values: pd.Series) -> np.ndarray:
    """Values for a table, where whole numbers stay whole beside a missing one."""
    if isinstance(values.dtype, np.dtype):
        return values.to_numpy()
    return values.to_numpy(dtype=object, na_value=np.nan)


def _right(answers: pd.Series, target: pd.Series) -> int:
    found = alike(plain(answers), plain(target))
    return int((found & target.notna().to_numpy()).sum())


def _shift(before: pd.Series, now: pd.Series) -> float | None:
    try:
        apart = now.to_numpy(dtype="float64") - before.to_numpy(dtype="float64")
    except (TypeError, ValueError):
        return None
    apart = np.abs(apart[~np.isnan(apart)])
    return float(np.median(apart)) if len(apart) else None
