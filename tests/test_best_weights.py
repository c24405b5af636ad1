"""What weights are worth: over all draws of a Splitter, and the best ones of a vote."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import nnls
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, log_loss
from sklearn.naive_bayes import GaussianNB

from graph_magics import (
    Graph,
    GraphError,
    Model,
    Sequence,
    Splitter,
    Step,
    VotingEnsemble,
)
from graph_magics.weighing.losses import metric_of
from graph_magics.weighing.searching import Majority, Probabilities, _near_equal_first
from graph_magics.whatif import WhatIf

from .test_what_if import served

LABELS = ["no", "perhaps", "yes"]


class Recorded:
    """A model that answers what it is given as its answers, by the number of the event."""

    def __init__(self, answers: Any) -> None:
        self.answers = np.asarray(answers)

    def predict(self, events: Any) -> Any:
        return self.answers[np.asarray(events)[:, 0].astype(int)]


def numbered(size: int) -> pd.DataFrame:
    return pd.DataFrame({"n": range(size)})


def vote_of(*answers: Any, **options: Any) -> Graph:
    routes = {name: Recorded(some) for name, some in zip("abcdefgh", answers, strict=False)}
    return Graph("g", VotingEnsemble(**routes, name="vote", **options))


def split_of(*answers: Any, **options: Any) -> Graph:
    routes = {name: Recorded(some) for name, some in zip("abcd", answers, strict=False)}
    return Graph("g", Splitter(**routes, name="split", **options))


def noisy(y: np.ndarray, right: float, seed: int, labels: list[Any]) -> np.ndarray:
    """Give labels that are right so often."""
    generator = np.random.default_rng(seed)
    other = np.array(labels)[generator.integers(0, len(labels), len(y))]
    return np.where(generator.random(len(y)) < right, y, other)


# --- over all draws --------------------------------------------------------------------------


@pytest.mark.parametrize(("metric", "task"), [("accuracy", "c"), ("mae", "r"), ("mse", "r")])
def test_what_is_expected_is_the_mean_over_many_seeds(metric: str, task: str) -> None:
    generator = np.random.default_rng(0)
    if task == "c":
        y = np.array(LABELS)[generator.integers(0, 3, 60)]
        answers = [noisy(y, right, seed, LABELS) for seed, right in enumerate((0.9, 0.5, 0.1))]
    else:
        y = generator.normal(size=60)
        answers = [y + generator.normal(scale=scale, size=60) for scale in (0.1, 0.5, 2.0)]
    graph = split_of(*answers, weights={"a": 5, "b": 3, "c": 2})
    told = graph.run(numbered(60)).expected(y, metric=metric)
    seen = []
    for seed in range(400):
        response = graph.run(numbered(60), seed=seed).frame["response"].to_numpy()
        if task == "c":
            seen.append((response == y).mean())
        else:
            error = response.astype(float) - y
            seen.append((np.abs(error) if metric == "mae" else error**2).mean())
    mean, deviation = told.loc["expected", [metric, "deviation"]]
    assert mean == pytest.approx(np.mean(seen), abs=4 * deviation / 20)
    assert deviation == pytest.approx(np.std(seen), rel=0.15)
    assert told["traffic"].tolist() == [0.5, 0.3, 0.2, 1.0]
    assert told["events"].tolist() == pytest.approx([30, 18, 12, 60])


N = 60
RIGHT = np.random.default_rng(4).random((N, 6)) < np.linspace(0.2, 0.8, 6)
TRUE = [1] * N


def right(column: int) -> Any:
    return lambda event: int(RIGHT[event["n"], column])


def inner(first: int, name: str) -> Splitter:
    weights = {"good": 3, "bad": 1}
    return Splitter(good=right(first), bad=right(first + 1), weights=weights, name=name)


def outer(route: Any) -> Splitter:
    return Splitter(a=route, b=right(5), weights={"a": 3, "b": 1}, name="outer")


def mirror() -> Splitter:
    turned = {"u": lambda e: e, "v": lambda e: {"n": N - 1 - e["n"]}}
    return Splitter(**turned, weights={"u": 1, "v": 3}, name="mirror")


def voted() -> VotingEnsemble:
    return VotingEnsemble(
        i=inner(0, "i"), j=inner(2, "j"), k=right(4), vote_type="classification", name="vote"
    )


OTHERS_DRAW = {
    "in a route": (lambda: outer(inner(0, "inner")), "outer"),
    "two in each other": (
        lambda: outer(Splitter(p=inner(0, "inner"), q=right(3), name="mid")),
        "outer",
    ),
    "two in a vote in a route": (lambda: outer(voted()), "outer"),
    "around it": (lambda: outer(inner(0, "inner")), "outer.a"),
    "before it in a flow": (lambda: mirror() >> inner(0, "inner"), "inner"),
    "before it in a sequence": (
        lambda: Sequence(first=mirror(), second=inner(0, "inner"), name="steps"),
        "steps.second",
    ),
}


@pytest.mark.parametrize("where", OTHERS_DRAW)
def test_other_splitters_draw_anew_in_what_is_expected(where: str) -> None:
    declare, path = OTHERS_DRAW[where]
    graph = Graph("g", declare())
    told = [graph.run(numbered(N), seed=seed).expected(TRUE, router=path) for seed in (0, 1)]
    pd.testing.assert_frame_equal(*told)
    seen, came = [], []
    for seed in range(300):
        answers = graph.run(numbered(N), seed=seed).output(path).dropna()
        seen.append(answers.mean())
        came.append(len(answers))
    events, mean, deviation = told[0].loc["expected", ["events", "accuracy", "deviation"]]
    assert events == pytest.approx(np.mean(came), abs=1)
    assert mean == pytest.approx(np.mean(seen), abs=4 * deviation / np.sqrt(300))
    assert deviation == pytest.approx(np.std(seen), rel=0.2)


def test_one_splitter_in_another_is_expected_as_binomial() -> None:
    both = Splitter(good=lambda e: 1, bad=lambda e: 0, name="inner")
    split = Splitter(a=both, b=lambda e: 0, weights={"a": 1, "b": 0}, name="outer")
    told = Graph("g", split).run([1] * 40).expected([1] * 40, router="outer")
    wanted = [0.5, np.sqrt(0.25 / 40)]
    assert told.loc["expected", ["accuracy", "deviation"]].tolist() == pytest.approx(wanted)
    assert told.loc["a", ["accuracy", "deviation"]].tolist() == pytest.approx(wanted)
    assert np.isnan(told.loc["b", "deviation"])


def test_splitters_behind_are_not_gone_through() -> None:
    behind = [Splitter(u=lambda v: v, v=lambda v: 1 - v, name=f"behind{n}") for n in range(9)]
    flow = inner(0, "first")
    for step in behind:
        flow = flow >> step
    graph = Graph("g", flow)
    told = graph.run(numbered(N)).expected(TRUE, router="first")
    assert told.loc["expected", "accuracy"] == pytest.approx(
        0.75 * RIGHT[:, 0].mean() + 0.25 * RIGHT[:, 1].mean()
    )
    with pytest.raises(GraphError, match=r"'first', .* may draw in more than 256 ways"):
        graph.run(numbered(N)).expected(TRUE, router="behind8")


def test_a_router_that_no_event_comes_to_says_so() -> None:
    split = Splitter(a=inner(0, "inner"), b=right(5), weights={"a": 0, "b": 1}, name="outer")
    run = Graph("g", split).run(numbered(N))
    with pytest.raises(GraphError, match=r"'outer\.a': no event comes to it"):
        run.expected(TRUE, router="outer.a")


def test_the_log_loss_of_a_model_in_a_nested_splitter_is_expected() -> None:
    x = np.random.default_rng(0).normal(size=(40, 1))
    y = np.where(x[:, 0] > 0, "yes", "no")
    model = Model(LogisticRegression().fit(x, y), "predict_proba")
    nested = Splitter(m=model, n=model, name="inner")
    run = Graph("g", Splitter(a=nested, b=model, name="outer")).run(x)
    told = run.expected(y, router="outer", metric="log_loss")
    assert told["log_loss"].tolist() == pytest.approx(
        [log_loss(y, model.model.predict_proba(x))] * 3
    )


def test_other_weights_and_one_route_alone() -> None:
    y = np.arange(10)
    run = split_of(y, y + 1).run(numbered(10))
    told = run.expected(y.astype(float), {"a": 3, "b": 1}, metric="mae")
    assert told["mae"].tolist() == [0.0, 1.0, 0.25]
    told = run.expected(y.astype(float), {"a": 1, "b": 0}, metric="mae")
    assert told.loc["expected", ["mae", "deviation"]].tolist() == [0.0, 0.0]


def test_events_that_a_route_does_not_answer_do_not_count() -> None:
    def picky(event: Any) -> float:
        return 1 / event["n"]

    split = Splitter(a=Step(lambda e: 1.0), b=Step(picky), name="split")
    told = Graph("g", split).run(numbered(2)).expected([1.0, 2.0], metric="mae")
    assert told["judged"].tolist() == [2, 1, 2]
    assert told["mae"].tolist() == pytest.approx([0.5, 1.0, 2 / 3])


def test_the_log_loss_of_models_with_probabilities_is_expected() -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(80, 2))
    y = np.where(x[:, 0] + generator.normal(size=80) > 0, "yes", "no")
    linear, bayes = LogisticRegression().fit(x, y), GaussianNB().fit(x[:, 1:], y)

    class Second:
        classes_ = bayes.classes_

        def predict_proba(self, events: Any) -> Any:
            return bayes.predict_proba(np.asarray(events)[:, 1:])

        predict = predict_proba

    split = Splitter(a=Model(linear, "predict_proba"), b=Model(Second(), "predict_proba"))
    told = Graph("g", split).run(x).expected(y, {"a": 1, "b": 3}, metric="log_loss")
    alone = [log_loss(y, linear.predict_proba(x)), log_loss(y, bayes.predict_proba(x[:, 1:]))]
    assert told["log_loss"].tolist() == pytest.approx([*alone, alone[0] / 4 + 3 * alone[1] / 4])


def test_what_cannot_be_expected_is_one_clear_line() -> None:
    y = np.arange(10) % 2
    run = split_of(y, 1 - y).run(numbered(10))
    with pytest.raises(GraphError, match=r"metric='f1': only the mean of something .* 'accuracy'"):
        run.expected(y, metric="f1")
    with pytest.raises(GraphError, match=r"'split\.a': it answers no probabilities"):
        run.expected(y, metric="log_loss")
    with pytest.raises(GraphError, match="the target has 3 labels, the run has 10 events"):
        run.expected(y[:3])
    with pytest.raises(GraphError, match="no event has a target"):
        run.expected([None] * 10)
    with pytest.raises(GraphError, match="a VotingEnsemble draws nothing"):
        vote_of(y, y).run(numbered(10)).expected(y)


# --- the best weights ------------------------------------------------------------------------


def test_the_best_weights_of_a_mean_are_those_of_least_squares() -> None:
    generator = np.random.default_rng(1)
    y = generator.normal(size=400)
    answers = [y + generator.normal(scale=scale, size=400) for scale in (0.3, 0.6, 2.0)]
    run = vote_of(*answers, vote_type="regression").run(numbered(400))
    best = run.best_weights(y, metric="rmse")
    # Least squares without a negative weight, whose sum is held near 1 by a heavy row.
    rows = np.vstack([np.array(answers).T, [1e4] * 3])
    expected, _ = nnls(rows, np.append(y, 1e4))
    assert list(best.weights.values()) == pytest.approx(expected.tolist(), abs=0.006)
    assert best.is_gain
    assert "more than noise" in best.verdict
    rmse = np.sqrt(((np.mean(answers, axis=0) - y) ** 2).mean())
    assert best.summary.loc["equal weights", "rmse"] == pytest.approx(rmse)


@pytest.mark.parametrize("metric", ["mae", "mse"])
def test_no_weights_of_a_grid_are_better_for_a_mean(metric: str) -> None:
    generator = np.random.default_rng(2)
    y = generator.normal(size=200)
    answers = np.array([y + generator.standard_t(2, size=200) for _ in range(3)])
    run = vote_of(*answers).run(numbered(200))
    found = np.array(list(run.best_weights(y, metric=metric).weights.values()))

    def loss(weights: np.ndarray) -> float:
        error = weights / weights.sum() @ answers - y
        return float((np.abs(error) if metric == "mae" else error**2).mean())

    grid = _near_equal_first(3, 12)
    assert loss(found) <= min(map(loss, grid)) * 1.002


@pytest.mark.parametrize("labels", [[0, 1], LABELS, [True, False], [2, 0, 10, 7]])
def test_the_best_weights_of_a_vote_on_labels_are_the_best_of_all_tried(labels: list[Any]) -> None:
    y = np.array(labels)[np.random.default_rng(0).integers(0, len(labels), 120)]
    answers = [noisy(y, right, seed, labels) for seed, right in enumerate((0.8, 0.6, 0.4))]
    graph = vote_of(*answers, vote_type="classification")
    run = graph.run(numbered(120))
    best = run.best_weights(y)
    what_if = WhatIf(run)

    def accuracy(weights: Any) -> float:
        return float((what_if.answers(dict(zip("abc", weights, strict=True))) == y).mean())

    assert accuracy(best.weights.values()) == max(map(accuracy, _near_equal_first(3, 3).tolist()))
    assert best.summary.loc["equal weights", "accuracy"] == accuracy([1, 1, 1])
    assert best.summary.loc["a", "accuracy"] == (answers[0] == y).mean()


@settings(deadline=None)
@given(st.data())
def test_a_search_counts_votes_as_the_router_does(data: st.DataObject) -> None:
    models, size = data.draw(st.integers(1, 7)), data.draw(st.integers(1, 8))
    codes = st.lists(st.integers(0, 3), min_size=size, max_size=size)
    answers = np.array(data.draw(st.lists(codes, min_size=models, max_size=models)))
    truth = np.array(data.draw(codes))
    some = st.one_of(st.integers(0, 12), st.integers(0, 10).map(lambda tenths: tenths / 10))
    weights = data.draw(st.lists(some, min_size=models, max_size=models).filter(any))
    vote = Majority(truth, answers.T, np.ones(size))
    given_ = vote_of(*answers, vote_type="classification", weights=dict(
        zip("abcdefgh", weights, strict=False)
    )).run(numbered(size)).frame["vote"]  # fmt: skip
    assert vote.shares(np.array(weights)).tolist() == (given_ == truth).astype(float).tolist()
    rows = np.arange(size)
    found = vote.fit(rows)
    equal = vote.shares(np.ones(models)).sum()
    assert vote.shares(found).sum() >= equal


@pytest.mark.parametrize("weights", [[0.9, 0.2, 0.9, 0.1, 0.3], [2, 4, 3, 1, 4], [1, 1, 1, 1, 1]])
def test_present_weights_are_judged_as_they_were_given(weights: list[float]) -> None:
    # As shares of 1, some of these would make a tie that there is none, or break one.
    ballots = (np.arange(32)[:, None] >> np.arange(5)) & 1
    graph = vote_of(*ballots.T, vote_type="classification", weights=dict(
        zip("abcde", weights, strict=True)
    ))  # fmt: skip
    run = graph.run(numbered(32))
    best = run.best_weights(run.frame["vote"])
    assert best.summary.loc["present weights", "accuracy"] == 1
    what_if = WhatIf(run)
    assert list(what_if.given_weights.values()) == weights
    assert not what_if.changed(what_if.given_weights).any()


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_present_weights_of_a_soft_vote_are_judged_as_they_were_given(data: st.DataObject) -> None:
    size, models = 12, data.draw(st.integers(2, 4))
    tenths = st.lists(st.integers(0, 10), min_size=size, max_size=size)
    firsts = np.array(data.draw(st.lists(tenths, min_size=models, max_size=models))) / 10
    weights = data.draw(st.lists(st.integers(1, 9), min_size=models, max_size=models))
    routes = {
        name: Step(lambda rows, first=first: np.array([first, 1 - first]).T[rows["n"]], batch=True)
        for name, first in zip("abcd", firsts, strict=False)
    }
    given_ = {name: weight / 10 for name, weight in zip("abcd", weights, strict=False)}
    vote = VotingEnsemble(**routes, vote_type="soft", weights=given_, name="vote")
    run = Graph("g", vote).run(numbered(size))
    told = Probabilities(
        np.zeros(size, dtype=np.int64),
        np.array([np.array([first, 1 - first]).T for first in firsts]),
        metric_of("accuracy", "classification", why=""),
        np.ones(size),
        of_labels=True,
    ).shares(np.array(list(given_.values())))
    assert told.tolist() == (run.frame["vote"] == 0).astype(float).tolist()


def test_mlruns_ensemble_without_weights_counts_its_routes_alike() -> None:
    what_if = WhatIf(served().run(pd.DataFrame({"x": range(4)})))
    assert what_if.given_weights == {"a": 1.0, "b": 1.0}


def test_balanced_accuracy_is_that_of_scikit_learn() -> None:
    y = np.repeat(["rare", "often"], [20, 180])
    answers = [noisy(y, right, seed, ["rare", "often"]) for seed, right in enumerate((0.7, 0.5))]
    run = vote_of(*answers, vote_type="classification").run(numbered(200))
    best = run.best_weights(y, metric="balanced_accuracy")
    for name, some in zip("ab", answers, strict=True):
        told = best.summary.loc[name, "balanced_accuracy"]
        assert told == pytest.approx(balanced_accuracy_score(y, some))


def test_a_soft_vote_is_searched_by_its_log_loss() -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(300, 3))
    y = np.array(LABELS)[(x[:, 0] + 0.3 * generator.normal(size=300) > 0) * 2]
    y[:5] = "perhaps"
    linear = LogisticRegression().fit(x[:150], y[:150])
    poor = GaussianNB().fit(x[:150, 2:], y[:150])

    class Third:
        classes_ = poor.classes_

        def predict(self, events: Any) -> Any:
            return poor.predict(np.asarray(events)[:, 2:])

        def predict_proba(self, events: Any) -> Any:
            return poor.predict_proba(np.asarray(events)[:, 2:])

    vote = VotingEnsemble(linear=linear, poor=Third(), vote_type="soft", name="vote")
    run = Graph("g", vote).run(x[150:])
    best = run.best_weights(y[150:])
    assert best.metric == "log_loss"
    assert best.weights["linear"] > 0.8
    assert best.is_gain
    told = best.summary.loc["linear", "log_loss"]
    assert told == pytest.approx(log_loss(y[150:], linear.predict_proba(x[150:]), labels=LABELS))
    accuracy = run.best_weights(y[150:], metric="accuracy").summary
    assert accuracy.loc["equal weights", "accuracy"] == (run.frame["vote"] == y[150:]).mean()


def test_intervals_and_p_values_are_those_of_scipy() -> None:
    generator = np.random.default_rng(3)
    y = generator.normal(size=100)
    answers = [y + generator.normal(scale=scale, size=100) for scale in (0.3, 1.0)]
    run = vote_of(*answers, weights={"a": 1, "b": 0}).run(numbered(100))
    best = run.best_weights(y)
    crossed = np.empty(100)
    from graph_magics.weighing.best import _parts

    parts = _parts(y, np.arange(100), 5, 0)
    for part, weights in best.folds[["a", "b"]].iterrows():
        here = parts == part
        mean = weights.to_numpy() @ np.array(answers)[:, here] / weights.sum()
        crossed[here] = np.abs(mean - y[here])
    equal = np.abs(np.mean(answers, axis=0) - y)
    test = stats.ttest_rel(equal, crossed)
    row = best.summary.loc["equal weights"]
    interval = test.confidence_interval()
    assert row["gain"] == pytest.approx((equal - crossed).mean())
    assert [row["low"], row["high"]] == pytest.approx([interval.low, interval.high])
    assert row["p_value"] == pytest.approx(test.pvalue)


def test_a_gain_that_is_noise_is_said_to_be() -> None:
    """Models that are right or wrong at random: what a search gains is gone elsewhere."""
    found = 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        y = generator.integers(0, 2, 100)
        answers = [np.where(generator.random(100) < 0.6, y, 1 - y) for _ in range(5)]
        best = vote_of(*answers, vote_type="classification").run(numbered(100)).best_weights(y)
        found += best.is_gain
        assert ("more than noise" in best.verdict) == best.is_gain
    assert found <= 4


def test_equal_weights_stay_where_none_are_better() -> None:
    y = np.arange(40) % 2
    best = vote_of(y, y, y, vote_type="classification").run(numbered(40)).best_weights(y)
    assert best.weights == {"a": 1.0, "b": 1.0, "c": 1.0}
    assert best.summary.loc["equal weights", ["gain", "p_value"]].tolist() == [0.0, 1.0]
    assert best.summary.loc["equal weights", ["low", "high"]].isna().all()
    assert "No weights were found that are better than equal ones (accuracy 1" in best.verdict
    assert best.verdict.endswith("The best model alone does the same (1).")


def test_a_gain_that_is_the_same_on_every_event_has_the_interval_of_a_share() -> None:
    y = np.arange(40) % 2
    best = vote_of(y, 1 - y, 1 - y, vote_type="classification").run(numbered(40)).best_weights(y)
    gain, low, high, p = best.summary.loc["equal weights", ["gain", "low", "high", "p_value"]]
    assert (gain, high) == (1.0, 1.0)
    assert 0.8 < low < 1.0 and 0 < p < 1e-10


def test_the_same_seed_finds_the_same_and_folds_are_as_many_as_said() -> None:
    y = np.array(LABELS)[np.random.default_rng(0).integers(0, 3, 90)]
    answers = [noisy(y, 0.6, seed, LABELS) for seed in range(8)]  # So many go one by one.
    run = vote_of(*answers, vote_type="classification").run(numbered(90))
    one, other = (run.best_weights(y, seed=4, folds=3) for _ in range(2))
    pd.testing.assert_frame_equal(one.summary, other.summary)
    pd.testing.assert_frame_equal(one.folds, other.folds)
    assert one.weights == other.weights
    assert one.folds["events"].tolist() == [30, 30, 30]
    assert not run.best_weights(y, seed=5, folds=3).folds.equals(one.folds)


def test_events_without_target_or_answer_are_counted_as_left_out() -> None:
    def picky(event: Any) -> int:
        return 1 // event["n"] + int(event["n"]) % 2

    y = [None, *(np.arange(1, 20) % 2)]
    vote = VotingEnsemble(a=Step(picky), b=Step(lambda e: int(e["n"]) % 2), name="vote")
    frame = pd.DataFrame({"n": [*range(19), 0]})
    best = Graph("g", vote).run(frame).best_weights(y, folds=2)
    assert (best.events, best.left_out) == (18, 2)
    assert "18 events, 2 left out" in repr(best)


def test_samples_of_one_event_stay_in_one_part() -> None:
    bodies = [{"inputs": [[n], [n + 1]]} for n in range(0, 40, 2)]
    y = np.arange(40) % 2
    best = vote_of(y, 1 - y, y, vote_type="classification").run(bodies).best_weights(y, folds=4)
    assert best.folds["samples"].tolist() == [10, 10, 10, 10]
    assert best.events == 40
    assert best.weights == {"a": 1.0, "b": 1.0, "c": 1.0}


def test_it_shows_itself_as_a_table_and_a_sentence() -> None:
    y = np.arange(40) % 2
    vote = VotingEnsemble(**{"a<b": Recorded(y), "c": Recorded(1 - y)}, name="vote")
    best = Graph("g", vote).run(numbered(40)).best_weights(y)
    assert repr(best).startswith("Best weights of vote by accuracy: a<b 2, c 1; 40 events")
    assert "<table" in best._repr_html_()
    assert "a&lt;b" in best._repr_html_()
    assert "a<b" not in best._repr_html_()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metric": "f1"}, "metric='f1': weights are searched for the mean of something"),
        ({"metric": "acuracy"}, "did you mean 'accuracy'?"),
        ({"metric": "log_loss"}, "log_loss is of probabilities, which a vote on labels has not"),
        ({"folds": 1}, "folds must be a whole number from 2 on, got 1"),
        ({"folds": 2.5}, "folds must be a whole number"),
        ({"seed": -1}, "seed must be a whole number from 0 on, got -1"),
        ({"folds": 11}, "too few for 11 parts"),
        ({"router": "vot"}, "did you mean 'vote'?"),
    ],
)
def test_options_that_cannot_be_are_one_clear_line(options: Any, words: str) -> None:
    y = np.arange(20) % 2
    run = vote_of(y, 1 - y, vote_type="classification").run(numbered(20))
    with pytest.raises(GraphError) as error:
        run.best_weights(y, **options)
    assert words in str(error.value)
    assert str(error.value).startswith("graph 'g'")
    assert "\n" not in str(error.value)


def test_what_cannot_be_searched_is_one_clear_line() -> None:
    y = np.arange(20) % 2
    with pytest.raises(GraphError, match=r"its best weights send all .* run\.expected\(y\)"):
        split_of(y, y).run(numbered(20)).best_weights(y)
    with pytest.raises(GraphError, match="a vote of one route has no weights to search"):
        vote_of(y).run(numbered(20)).best_weights(y)
    with pytest.raises(GraphError, match="no event has a target: the labels are all missing"):
        vote_of(y, y).run(numbered(20)).best_weights([None] * 20)
    with pytest.raises(GraphError, match="the target has 3 labels, the run has 20 events"):
        vote_of(y, y).run(numbered(20)).best_weights(y[:3])
    failing = VotingEnsemble(a=Step(lambda e: 1 / 0), b=Recorded(y), name="vote")
    with pytest.raises(GraphError, match="'a' has answered none of the events"):
        Graph("g", failing).run(numbered(20)).best_weights(y)
    with pytest.raises(GraphError, match=r"node 'vote\.a': it answers with no value"):
        tables = VotingEnsemble(a=Step(lambda e: {"x": 1}), b=Recorded(y), name="vote")
        Graph("g", tables).run(numbered(20)).best_weights(y)
    text = vote_of(y, y, vote_type="regression").run(numbered(20))
    with pytest.raises(GraphError, match="regression needs numbers"):
        text.best_weights(["a"] * 20)
