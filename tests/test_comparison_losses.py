"""A loss of probabilities means one thing, wherever it is told."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.naive_bayes import GaussianNB

from graph_magics import Graph, Model, Splitter, VotingEnsemble


def two_models(labels):
    """Draw events, and two models that are sure, and now and then wrong."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 2)) * 30
    y = np.array(["no", "so", "yes"][-labels:])[
        np.digitize(x[:, 0] + rng.normal(size=150) * 15, [-9, 9][: labels - 1])
    ]
    return x, y, {"linear": LogisticRegression(C=1e9).fit(x, y), "bayes": GaussianNB().fit(x, y)}


@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize("metric", ["brier", "log_loss"])
def test_a_loss_is_the_same_in_a_comparison_in_a_search_and_in_an_expectation(metric, labels):
    x, y, models = two_models(labels)
    routes = {name: Model(model, "predict_proba") for name, model in models.items()}
    known = {
        name: (
            log_loss(y, model.predict_proba(x))
            if metric == "log_loss"
            else brier_score_loss(y, model.predict_proba(x), labels=model.classes_)
            if labels == 3
            else brier_score_loss(y, model.predict_proba(x)[:, 1], pos_label="yes")
        )
        for name, model in models.items()
    }
    vote = Graph("g", VotingEnsemble(**routes, vote_type="soft", name="vote")).run(x)
    split = Graph("g", Splitter(**routes, name="split")).run(x)
    told = [
        vote.compare(y).summary[metric],
        vote.best_weights(y, metric=metric).summary[metric],
        split.expected(y, metric=metric)[metric],
    ]
    for name, value in known.items():
        assert [each[name] for each in told] == pytest.approx([value] * 3)


def test_a_loss_of_what_was_held_impossible_is_the_same_everywhere():
    class Sure:
        classes_ = np.array([0, 1])

        def predict_proba(self, events):
            return np.tile([1.0, 0.0], (len(events), 1))

        def predict(self, events):
            return np.zeros(len(events), dtype=int)

    y = np.arange(20) % 2
    routes = {name: Model(Sure(), "predict_proba") for name in "ab"}
    run = Graph("g", VotingEnsemble(**routes, vote_type="soft", name="v")).run(np.zeros((20, 1)))
    known = log_loss(y, np.tile([1.0, 0.0], (20, 1)))
    assert run.compare(y).summary["log_loss"].tolist() == pytest.approx([known] * 3)
    assert run.best_weights(y).summary["log_loss"].tolist() == pytest.approx([known] * 6)


class Told:
    """A model that answers what it was told."""

    classes_ = np.array([0, 1])

    def __init__(self, answers):
        self.answers = answers

    def predict(self, events):
        found = self.answers[np.asarray(events)[:, 0]]
        return found if found.ndim == 1 else found.argmax(axis=1)

    def predict_proba(self, events):
        return self.answers[np.asarray(events)[:, 0]]


@pytest.mark.parametrize("metric", ["mae", "rmse", "mse"])
@pytest.mark.parametrize("offset", [0.0, 0.1])
def test_no_verdict_is_built_on_the_rounding_of_a_mean_of_equal_answers(metric, offset):
    y = np.random.default_rng(0).normal(size=200) * 3
    routes = {name: Told(y + offset * np.sin(np.arange(200))) for name in "abc"}
    graph = Graph("g", VotingEnsemble(**routes, vote_type="regression", name="v"))
    best = graph.run(np.arange(200)[:, None]).best_weights(y, metric=metric)
    assert (best.summary["gain"].dropna() == 0).all()
    assert (best.summary["p_value"].dropna() == 1).all()
    assert "No weights were found that are better" in best.verdict
    assert "does the same" in best.verdict
    if not offset:
        assert f"{metric} 0, with equal weights 0" in best.verdict


@pytest.mark.parametrize("metric", ["brier", "log_loss"])
@pytest.mark.parametrize("sure", [1.0, 0.7])
def test_no_verdict_is_built_on_the_rounding_of_a_mean_of_equal_probabilities(metric, sure):
    y = np.random.default_rng(0).integers(0, 2, 200)
    held = np.where(np.eye(2)[y] == 1, sure, 1 - sure)
    routes = {name: Model(Told(held), "predict_proba") for name in "abc"}
    graph = Graph("g", VotingEnsemble(**routes, vote_type="soft", name="v"))
    best = graph.run(np.arange(200)[:, None]).best_weights(y, metric=metric)
    assert (best.summary["gain"].dropna() == 0).all()
    assert (best.summary["p_value"].dropna() == 1).all()
