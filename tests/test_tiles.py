"""A row is answered to the last bit as it is beside any others, linear algebra or not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from graph_magics import Graph, Model
from graph_magics.steps.tiles import FEW, in_tiles, multiplies

SIZE = 3_000
ROWS = np.random.default_rng(0).normal(size=(SIZE, 20))
LABELS = np.digitize(ROWS[:, 0] + ROWS[:, 1], [-0.5, 0.5])
FITTED = {
    "logistic": Model(LogisticRegression().fit(ROWS, LABELS > 0), "predict_proba"),
    "many labels": Model(LogisticRegression().fit(ROWS, LABELS), "decision_function"),
    "ridge": Model(Ridge().fit(ROWS, ROWS[:, :3])),
    "network": Model(
        MLPClassifier((30,), max_iter=9, tol=9.0, n_iter_no_change=2).fit(ROWS, LABELS),
        "predict_proba",
    ),
    "pipeline": Model(
        make_pipeline(StandardScaler(), PCA(5), LogisticRegression()).fit(ROWS, LABELS),
        "predict_proba",
    ),
}  # fmt: skip
WHOLE = {name: Graph(name, model).run(ROWS).frame for name, model in FITTED.items()}


@pytest.mark.parametrize("name", FITTED)
@settings(max_examples=40, deadline=None)
@given(start=st.integers(0, SIZE - 1), size=st.integers(1, 1_500), chunk=st.integers(1, 99))
def test_rows_alone_in_parts_and_in_chunks_are_answered_as_among_all(name, start, size, chunk):
    rows = ROWS[start : start + size]
    expected = WHOLE[name].iloc[start : start + size].reset_index(drop=True)
    graph = Graph(name, FITTED[name])
    pd.testing.assert_frame_equal(graph.run(rows).frame, expected, check_exact=True)
    chunks = graph.run(rows[:200], chunk_size=chunk).frame
    pd.testing.assert_frame_equal(chunks, expected[:200], check_exact=True)


@pytest.mark.parametrize("as_frame", [False, True])
@pytest.mark.parametrize("size", [1, 15, 16, 17, FEW - 1, FEW, FEW + 1])
def test_each_row_is_given_once_and_the_last_of_them_again(size, as_frame):
    seen = []

    def predict(rows: Any) -> Any:
        seen.append(len(rows))
        return np.asarray(rows)[:, 0] * 2

    rows: Any = np.arange(2.0 * size).reshape(size, 2)
    answers = in_tiles(predict, pd.DataFrame(rows, index=rows[:, 1]) if as_frame else rows)
    np.testing.assert_array_equal(answers, rows[:, 0] * 2)
    assert all(count % 16 == 0 for count in seen)
    assert sum(seen) == size + -size % 16


def test_answers_that_cannot_be_put_together_are_asked_for_whole():
    rows = np.arange(40.0).reshape(20, 2)
    assert in_tiles(lambda rows: rows[:, 0].tolist(), rows) == rows[:, 0].tolist()


class Own(ClassifierMixin, BaseEstimator):
    """A user's model, which may look at all rows."""


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (LogisticRegression(), True),
        (make_pipeline(StandardScaler(), RandomForestClassifier()), True),
        (VotingClassifier([("a", LogisticRegression())]), True),
        (RandomForestClassifier(), False),
        (VotingClassifier([("a", RandomForestClassifier())]), False),
        (Own(), False),
        (make_pipeline(FunctionTransformer(), LogisticRegression()), False),
        (object(), False),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_models_are_told_apart(model, expected):
    assert multiplies(model) is expected
