"""The figures of a comparison, as tables."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ..scores import Task
from .paired import DIFFERENCES, TESTS, Case, intervals_of, test_of
from .probabilities import calibration_of
from .wording import verdict


@dataclass(frozen=True, repr=False, eq=False)
class Tables:
    """What a `Comparison` found; its attributes are told there."""

    task: Task
    events: int
    unlabelled: int
    metric: str
    against: Hashable | None
    summary: pd.DataFrame
    agreement: pd.DataFrame
    by: pd.DataFrame | None
    _seed: int
    _case: Case
    _known: np.ndarray
    _spread: np.ndarray
    _target: pd.Series
    _answers: pd.DataFrame
    _features: pd.DataFrame | None

    @cached_property
    def intervals(self) -> pd.DataFrame:
        """Every metric with its interval: a row per (model, metric).

        Columns: ``estimate``, ``low``, ``high``, float, and ``events``, int, on which it
        stands. NaN for ``median_ae`` with weights.
        """
        return intervals_of(self._case, self._seed)

    @property
    def differences(self) -> pd.DataFrame:
        """The columns of the summary that hold each other model against `against`.

        Without `against`, a table without rows.
        """
        if self.against is None:
            return pd.DataFrame(columns=list(DIFFERENCES), index=self.summary.index[:0])
        return self.summary.loc[self.summary.index != self.against, list(DIFFERENCES)]

    @cached_property
    def calibration(self) -> pd.DataFrame:
        """What was predicted and what came of it: a row per (model, label, bin).

        Of the models that answered probabilities; of two labels only the second, in their
        order. In ten bins of equal width: ``predicted``, the mean probability of the label;
        ``observed``, the share of events that have it; ``events``, how many lie in the bin. NaN
        in empty bins.
        """
        case = self._case
        if all(given is None for given in case.probabilities):
            names = ["model", "label", "bin"]
            empty = pd.MultiIndex.from_arrays([[], [], []], names=names)
            return pd.DataFrame(columns=["predicted", "observed", "events"], index=empty)
        return calibration_of(case.probable, case.models, case.labels)

    @property
    def test(self) -> str:
        """What the p-values are of."""
        return TESTS[test_of(self._case, self.metric)]

    @property
    def verdicts(self) -> list[str]:
        """A sentence for each other model: whether its difference to `against` may be chance."""
        if self.against is None:
            return []
        return [
            verdict(name, self.against, self.metric, row, self.events, len(self.differences))
            for name, row in self.differences.iterrows()
        ]

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
