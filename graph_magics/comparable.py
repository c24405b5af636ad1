"""`Comparable`: what all kinds of runs have in common, a comparison of their answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .errors import GraphError
from .scores import Task

if TYPE_CHECKING:
    from .comparison import Comparison


@dataclass(frozen=True)
class Judged:
    """What of a run can be held against a target.

    Parameters
    ----------
    answers : DataFrame
        A column per model and router, a row per event, or per sample of JSON events.
    probabilities : dict of column of the answers to DataFrame
        A column per label.
    features : DataFrame or None
        The events' own columns, where they are at hand.
    is_by_event : bool
        Whether a row is an event, under its own label.
    frame : callable
        Gives `Run.frame`.
    task : {"classification", "regression"} or None
        What the models say that they do.
    """

    answers: pd.DataFrame
    probabilities: dict[str, pd.DataFrame]
    features: pd.DataFrame | None
    is_by_event: bool
    frame: Callable[[], pd.DataFrame]
    task: Task | None


class Comparable:
    """A run whose answers can be compared."""

    graph: str

    def compare(
        self,
        y: Any,
        against: str | None = None,
        by: Any = None,
        *,
        task: Task | None = None,
        metric: str | None = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        seed: int = 0,
    ) -> Comparison:
        """Hold the answers of every model and every router against the true ones.

        Parameters
        ----------
        y : Series, array or list
            The target of each event; or of each sample, for JSON events with several.
        against : str, optional
            The model or router that all others are held against: differences with 95 %
            intervals and p-values.
        by : str, Series, array or list, optional
            A column of the events or of `frame` (such as ``split.route``), or a group for each
            event: the figures within each group.
        task : {"classification", "regression"}, optional
            What the models do; if absent, what they say of themselves.
        metric : str, optional
            What has an interval in the summary, and is told differences of: ``accuracy``, in a
            regression ``mae``, by default.
        sample_weight : Series, array or list, optional
            How much each event counts.
        class_weight : "balanced" or mapping of label to weight, optional
            How much the events of each label count.
        seed : int
            Of the resamples.

        Returns
        -------
        Comparison

        Raises
        ------
        GraphError
            If the target does not fit the events, no node answers with a value, all events
            failed, or there is no such model, column or metric.

        Examples
        --------
        >>> from sklearn.dummy import DummyClassifier
        >>> from graph_magics import Graph, VotingEnsemble
        >>> X, y = pd.DataFrame({"x": range(40)}), [0, 1, 1, 1] * 10
        >>> always = DummyClassifier(strategy="most_frequent").fit(X, y)
        >>> never = DummyClassifier(strategy="constant", constant=0).fit(X, y)
        >>> run = Graph("g", VotingEnsemble(always, never, name="vote")).run(X)
        >>> comparison = run.compare(y, against="always")
        >>> comparison.summary[["events", "accuracy", "difference", "p_value"]].round(4)
                events  accuracy  difference  p_value
        model
        always      40      0.75         NaN      NaN
        never       40      0.25        -0.5   0.0022
        vote        40      0.25        -0.5   0.0022
        """
        from .comparison import compare

        y, by, sample_weight = self._here(y), self._here(by), self._here(sample_weight)
        try:
            judged = self._judged(y)
            features, is_by_event = judged.features, judged.is_by_event
            if isinstance(by, str) and is_by_event and (features is None or by not in features):
                by = judged.frame().get(by, by)
            return compare(
                judged.answers,
                # Samples have labels of our own making: there a target can only go by position.
                y if is_by_event else np.asarray(y),
                features=features,
                probabilities=judged.probabilities,
                task=task or judged.task,
                against=against,
                by=by,
                metric=metric,
                sample_weight=sample_weight,
                class_weight=class_weight,
                seed=seed,
            )
        except GraphError as error:
            raise error.at(graph=self.graph) from None

    def _judged(self, y: Any) -> Judged:
        """What of it can be held against a target of this length."""
        raise NotImplementedError

    def _here(self, given: Any) -> Any:
        """What was given, where it can be looked at."""
        return given
