"""Rows of a model in parts on threads: the same answers, only where it is quicker, never alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from graph_magics import Graph, Model, VotingEnsemble
from graph_magics.cores import cores
from graph_magics.engine.threads import at_once
from graph_magics.steps import parts
from graph_magics.steps.parts import Parts

SIZE = 10_000
ROWS = np.random.default_rng(0).normal(size=(SIZE, 4))
LABELS = (ROWS.sum(axis=1) > 0).astype(int)


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "cores", lambda: 2)


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch, two_cores: None) -> None:
    """Let every call of many rows be worth threads, which help."""
    monkeypatch.setattr(parts, "WORTH", 1e-12)
    monkeypatch.setattr(parts, "GAIN", np.inf)


class Slow:
    """A method that takes a second a row, by a clock of its own, whether alone or beside others.

    Or, if it does not let others run, all that are called at once take turns.
    """

    def __init__(self, *, lets_others_run: bool) -> None:
        self.lets_others_run = lets_others_run
        self.calls: list[int] = []
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        self.calls.append(len(rows))
        self.now += len(rows)
        return rows[:, 0]

    def at_once(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        begun, ends, results = self.now, [], []
        for call in calls:
            if self.lets_others_run:
                self.now = begun
            results.append(call())
            ends.append(self.now)
        self.now = max(ends)
        return results


@pytest.fixture(params=[True, False], ids=["lets others run", "does not"])
def slow(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, two_cores: None) -> Slow:
    slow = Slow(lets_others_run=request.param)
    monkeypatch.setattr(parts, "perf_counter", slow.clock)
    return slow


def threaded(model: Any) -> Parts:
    """Parts of which it is known that threads help."""
    found = Parts(model)
    found._seconds, found._helps = 1.0, True
    return found


@given(size=st.integers(parts.LEAST, 100_000), number=st.integers(1, 64))
def test_parts_are_all_rows_in_order_and_none_is_small(size, number):
    calls = parts._calls(len, np.arange(size), 0, size, number)
    lengths = [call() for call in calls]
    assert sum(lengths) == size
    assert len(lengths) <= number
    assert min(lengths) >= min(parts.GRID, size)
    assert all(length % parts.GRID == 0 for length in lengths[:-1])


@pytest.mark.parametrize("as_frame", [False, True])
@pytest.mark.parametrize("size", [2_048, 2_049, 5_000, SIZE - 1])
@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(5, random_state=0),
        LogisticRegression(),
        SVC(),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ],
    ids=lambda model: type(model).__name__,
)
def test_parts_answer_what_the_whole_does_to_the_last_bit(model, size, as_frame, two_cores):
    rows: Any = pd.DataFrame(ROWS, index=np.arange(SIZE) / 3) if as_frame else ROWS
    model.fit(ROWS[:300], LABELS[:300])
    for method in ("predict", "predict_proba", "decision_function"):
        if hasattr(model, method):
            predict = getattr(model, method)
            some = rows[:size].to_numpy() if as_frame else rows[:size]
            given = threaded(model).predict(predict, some, at_once)
            np.testing.assert_array_equal(given, predict(some))
            assert given.dtype == predict(some).dtype


def test_a_graph_answers_the_same_with_parts_and_without(always, monkeypatch):
    forest = RandomForestClassifier(5, random_state=0).fit(ROWS[:300], LABELS[:300])
    logistic = LogisticRegression().fit(ROWS[:300], LABELS[:300])
    graph = Graph("g", VotingEnsemble(forest, logistic, vote_type="classification"))
    runs = [graph.run(ROWS).frame for _ in range(4)]
    monkeypatch.setattr(parts, "LEAST", SIZE + 1)
    alone = graph.run(ROWS).frame
    for frame in runs:
        pd.testing.assert_frame_equal(frame, alone)


def test_threads_are_kept_where_they_help_and_left_alone_where_they_do_not(slow):
    found = Parts(LogisticRegression().fit(ROWS[:300], LABELS[:300]))
    calls = []
    for _ in range(20):
        slow.calls.clear()
        answers = found.predict(slow, ROWS[:8_192], slow.at_once)
        np.testing.assert_array_equal(answers, ROWS[:8_192, 0])
        calls.append(tuple(slow.calls))
    whole, halves = (8_192,), (4_096, 4_096)
    # Timed first, alone; then a trial: a quarter alone, a quarter in parts, the rest as was better.
    trial = (2_048, 1_024, 1_024)
    if slow.lets_others_run:
        assert calls == [whole, (*trial, 2_048, 2_048), *[halves] * 18]
    else:
        assert [call for call in calls if call != whole] == [(*trial, 4_096)] * 4
        assert [i for i, call in enumerate(calls) if call != whole] == [1, 4, 9, 18]


class Demeaned(TransformerMixin, BaseEstimator):
    """A user's transformer that looks at all rows."""

    def fit(self, X: Any, y: Any = None) -> Demeaned:
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: Any) -> Any:
        return X - X.mean(axis=0)


class Ranks(ClassifierMixin, BaseEstimator):
    """A user's model that looks at all rows."""

    def fit(self, X: Any, y: Any) -> Ranks:
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return (X[:, 0] > np.median(X[:, 0])).astype(int)


@pytest.mark.parametrize(
    "model",
    [
        Ranks(),
        make_pipeline(Demeaned(), LogisticRegression()),
        make_pipeline(FunctionTransformer(lambda X: X - X.mean(axis=0)), LogisticRegression()),
    ],
    ids=["model", "transformer", "function"],
)
def test_what_may_look_at_all_rows_gets_all_rows(model, always):
    model.fit(ROWS, LABELS)
    graph = Graph("g", Model(model))
    for _ in range(4):
        answers = graph.run(ROWS).frame["response"].to_numpy()
        np.testing.assert_array_equal(answers, model.predict(ROWS))


@pytest.mark.parametrize("slow", [True], indirect=True)
def test_a_model_that_is_told_its_n_jobs_is_left_alone(slow):
    found = Parts(RandomForestClassifier(2, n_jobs=1).fit(ROWS[:300], LABELS[:300]))
    for _ in range(4):
        found.predict(slow, ROWS, slow.at_once)
    assert set(slow.calls) == {SIZE}


def test_one_bad_row_fails_alone_in_parts_too(always):
    rows = ROWS.copy()
    rows[7_777, 2] = np.nan
    graph = Graph("g", Model(LogisticRegression().fit(ROWS[:300], LABELS[:300]), name="logistic"))
    for _ in range(3):
        errors = graph.run(rows).errors
        assert errors.index.tolist() == [7_777]
        assert "NaN" in errors["message"].iloc[0]


def test_threads_know_what_scikit_learn_was_told(always):
    seen = []

    def predict(rows: np.ndarray) -> np.ndarray:
        seen.append(sklearn.get_config()["assume_finite"])
        return rows[:, 0]

    model = LogisticRegression().fit(ROWS[:300], LABELS[:300])
    with sklearn.config_context(assume_finite=True):
        threaded(model).predict(predict, ROWS, at_once)
    assert seen == [True, True]


def test_models_on_threads_of_ours_have_no_threads_of_their_own(two_cores):
    from sklearn.utils._openmp_helpers import _openmp_effective_n_threads

    seen = []

    def predict(rows: np.ndarray) -> np.ndarray:
        seen.append(_openmp_effective_n_threads())
        return rows[:, 0]

    model = LogisticRegression().fit(ROWS[:300], LABELS[:300])
    before = _openmp_effective_n_threads()
    threaded(model).predict(predict, ROWS, at_once)
    assert seen == [1, 1]
    assert _openmp_effective_n_threads() == before == cores()
