"""Comparisons of runs: probabilities, groups, what was written or lies on Dask, bad input."""

from __future__ import annotations

import re

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeRegressor

from graph_magics import Graph, GraphError, Model, Splitter, Step, VotingEnsemble
from graph_magics.comparison import compare

rng = np.random.default_rng(0)
X = pd.DataFrame(rng.normal(size=(300, 3)), columns=["a", "b", "mean size"], index=range(7, 307))
X["region"] = rng.choice(["north", "south"], 300)
score = X["a"] + 0.5 * X["b"] + rng.normal(0, 0.8, 300)
y = pd.Series(np.select([score < -0.5, score < 0.6], ["low", "mid"], "high"), X.index, name="risk")
NUMBERS = ["a", "b", "mean size"]
forest = RandomForestClassifier(10, random_state=0).fit(X[NUMBERS][:150], y[:150])
bayes = GaussianNB().fit(X[NUMBERS][:150], y[:150])
linear = LinearSVC(random_state=0).fit(X[NUMBERS][:150], y[:150])


@pytest.fixture(scope="module")
def soft():
    return Graph("g", VotingEnsemble(forest, bayes, vote_type="soft", name="vote"))


@pytest.fixture(scope="module")
def mixed():
    """A graph with probabilities, labels and a splitter."""
    proba = Model(bayes, "predict_proba", name="proba")
    split = Splitter(forest, proba, weights={"forest": 50, "proba": 50}, name="split")
    return Graph("mixed", split)


# Probabilities.


def test_a_soft_vote_and_its_models_are_scored_by_their_probabilities(soft):
    run = soft.run(X)
    summary = run.compare(y).summary
    mean = (forest.predict_proba(X[NUMBERS]) + bayes.predict_proba(X[NUMBERS])) / 2
    assert summary.loc["vote", "log_loss"] == pytest.approx(log_loss(y, mean))
    assert summary.loc["vote", "roc_auc"] == pytest.approx(
        roc_auc_score(y, mean, multi_class="ovr")
    )
    assert summary.loc["bayes", "log_loss"] == pytest.approx(
        log_loss(y, bayes.predict_proba(X[NUMBERS]))
    )
    assert summary["brier"].notna().all()


def test_models_that_answer_labels_have_no_probabilities_to_score(mixed):
    got = mixed.run(X).compare(y)
    assert got.summary.loc["proba", ["log_loss", "brier", "roc_auc"]].notna().all()
    assert got.summary.loc["forest", ["log_loss", "brier", "roc_auc"]].isna().all()
    assert set(got.calibration.index.get_level_values("model")) == {"proba"}
    labels = VotingEnsemble(forest, bayes, vote_type="classification", name="vote")
    plain = Graph("g", labels).run(X).compare(y)
    assert "log_loss" not in plain.summary
    assert len(plain.calibration) == 0


def test_scores_that_are_no_probabilities_are_judged_by_their_label_only():
    run = Graph("g", Model(linear, "decision_function", name="margin")).run(X)
    summary = run.compare(y).summary
    assert "log_loss" not in summary
    assert summary.loc["margin", "accuracy"] == (linear.predict(X[NUMBERS]) == y).mean()


def test_samples_of_json_events_are_scored_by_their_probabilities():
    graph = Graph("g", Model(bayes, "predict_proba", name="proba"))
    rows = X[NUMBERS].to_numpy()
    events = [{"instances": rows[:100].tolist()}, {"instances": rows[100:].tolist()}]
    table = graph.run(X).compare(y.to_numpy()).summary
    pd.testing.assert_frame_equal(graph.run(events).compare(y.to_numpy()).summary, table)


# Groups.


def test_groups_by_a_column_are_comparisons_of_their_events_alone(soft):
    run = soft.run(X)
    table = run.compare(y, "forest", "region").by
    assert table.index.names == ["region", "model"]
    for region in ("north", "south"):
        part = X["region"] == region
        alone = soft.run(X[part]).compare(y[part], "forest").summary
        pd.testing.assert_frame_equal(
            table.loc[region].drop(columns="p_holm"), alone.drop(columns="p_holm")
        )
    assert (table["p_holm"].dropna() >= table["p_value"].dropna()).all()


def test_groups_may_be_the_route_that_a_splitter_chose(mixed):
    run = mixed.run(X, seed=3)
    table = run.compare(y, by="split.route").by
    chosen = run.frame["split.route"].value_counts()
    for route in ("forest", "proba"):
        assert table.loc[(route, route), "events"] == chosen[route]
        other = "proba" if route == "forest" else "forest"
        assert table.loc[(route, other), "missing"] == chosen[route]


def test_groups_may_be_a_series_under_the_labels_of_the_events_or_an_array(soft):
    run = soft.run(X)
    groups = (X["a"] > 0).rename("positive")
    by_label = run.compare(y, by=groups.sample(frac=1, random_state=0)).by
    pd.testing.assert_frame_equal(by_label, run.compare(y, by=groups).by)
    by_place = run.compare(y, by=groups.to_numpy()).by
    assert by_place.index.names == ["group", "model"]
    assert by_place["accuracy"].tolist() == by_label["accuracy"].tolist()


def test_events_without_a_group_are_a_group(soft):
    groups = X["region"].where(X["a"] > 0)
    table = soft.run(X).compare(y, by=groups).by
    firsts = table.index.get_level_values(0)
    assert firsts.isna().sum() == 3
    assert table.xs("vote", level="model")["events"].sum() == len(X)


def test_small_groups_are_told(soft):
    groups = pd.Series("many", X.index)
    groups.iloc[:5] = "few"
    comparison = soft.run(X).compare(y, by=groups)
    assert "Groups of fewer than 30 events say little: few (5)." in repr(comparison)
    assert "few (5)" in comparison._repr_html_()


@pytest.mark.parametrize(
    ("by", "told"),
    [
        ("regoin", ["by='regoin'", "no such column; did you mean 'region'?"]),
        ("a", ["'a' has 300 different values", "pd.qcut"]),
        ([1, 2], ["by has 2 values", "300 events"]),
        (pd.Series(1, range(300)), ["the index of by", "by.to_numpy()"]),
        (3, ["by is of type int"]),
    ],
)
def test_wrong_groups_are_an_error_that_says_what_to_write(soft, by, told):
    with pytest.raises(GraphError) as caught:
        soft.run(X).compare(y, by=by)
    assert all(text in str(caught.value) for text in told), caught.value


# What is held against.


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"against": "forrest"}, ["no model is called so; did you mean 'forest'?", "'bayes'"]),
        ({"metric": "acuracy"}, ["no such metric", "did you mean 'accuracy'?"]),
        ({"metric": "mae"}, ["no such metric of a classification"]),
        ({"sample_weight": [1, 2]}, ["sample_weight has 2 values"]),
        ({"sample_weight": [-1] * 300}, ["sample_weight has -1.0", "from 0 on"]),
        ({"sample_weight": [np.nan] * 300}, ["sample_weight has nan"]),
        ({"sample_weight": ["x"] * 300}, ["sample_weight has 'x'"]),
        ({"sample_weight": [0] * 300}, ["0 for all events"]),
        ({"class_weight": {"lov": 2}}, ["the label 'lov'", "did you mean 'low'?"]),
        ({"class_weight": {"low": -2}}, ["class_weight of 'low' is -2"]),
        ({"class_weight": "even"}, ["must be 'balanced' or a dict", "'even'"]),
        ({"task": "ranking"}, ["'ranking' is neither"]),
    ],
)
def test_wrong_options_are_an_error_in_one_line(soft, options, told):
    with pytest.raises(GraphError, match=r"^graph 'g': ") as caught:
        soft.run(X).compare(y, **options)
    assert all(text in str(caught.value) for text in told), caught.value
    assert "\n" not in str(caught.value)


def test_a_metric_of_probabilities_is_refused_where_there_are_none(mixed):
    labels = Graph("g", VotingEnsemble(forest, bayes, vote_type="classification", name="vote"))
    with pytest.raises(GraphError, match=r"needs probabilities.*Model\(\.\.\., method="):
        labels.run(X).compare(y, metric="log_loss")
    with pytest.raises(GraphError, match=r"'forest': it answers labels only"):
        mixed.run(X).compare(y, "forest", metric="brier")


def test_class_weights_are_refused_in_a_regression_and_so_is_the_bias_as_a_yardstick():
    run = Graph("g", LinearRegression().fit(X[NUMBERS], score)).run(X)
    with pytest.raises(GraphError, match="class_weight is for labels"):
        run.compare(score, class_weight="balanced")
    with pytest.raises(GraphError, match=r"'bias' cannot be .* it has its interval in \.intervals"):
        run.compare(score, metric="bias")


def test_a_model_that_answered_nothing_cannot_be_held_against():
    def fail(event):
        raise ValueError("no")

    broken = Graph("part", Step(fail) >> Model(bayes, name="bayes"))
    graph = Graph("g", VotingEnsemble(forest=forest, broken=broken, name="vote"))
    with pytest.raises(GraphError, match="against='vote': it answered none of 300 events"):
        graph.run(X).compare(y, "vote")


def test_a_run_whose_events_all_failed_is_told_with_the_error():
    broken = Graph("g", Step(lambda event: 1 / 0, name="bad") >> Model(bayes, name="bayes"))
    with pytest.raises(GraphError, match=r"all events failed.*bad: ZeroDivisionError"):
        broken.run(X).compare(y)


def test_events_without_an_answer_are_counted_and_differences_stand_on_the_others():
    holes = X.copy()
    holes.loc[X.index[:40], "a"] = np.nan
    graph = Graph("g", VotingEnsemble(forest=forest, bayes=bayes, name="vote"))
    got = graph.run(holes).compare(y, "forest")
    assert got.summary.loc["bayes", ["events", "missing", "both"]].tolist() == [260, 40, 260]
    assert got.summary.loc["forest", ["events", "missing"]].tolist() == [300, 0]
    assert "on 260 events that both answered" in got.verdicts[0]


def test_labels_that_no_model_answers_are_told(soft):
    run = soft.run(X)
    other = run.compare(y.astype("str").str.upper())
    assert "No model answers a label of the target, such as 'HIGH'" in repr(other)
    some = run.compare(y.astype("str").replace("low", "Low"))
    assert "No model answers 'Low', which the target has." in repr(some)
    assert "No model answers" not in repr(run.compare(y))


def test_a_target_of_one_label_or_of_none_is_told(soft):
    run = soft.run(X)
    one = run.compare(pd.Series("low", X.index), "forest")
    assert "The target has one label only, 'low'" in repr(one)
    assert one.summary["roc_auc"].isna().all()
    none = run.compare(pd.Series(None, X.index, dtype=object))
    assert "No event has a target" in repr(none)
    assert none.summary["accuracy"].isna().all()


# What people read.


def test_the_sentence_says_whether_a_difference_may_be_chance():
    truth = np.zeros(200, dtype=int)
    good, better, bad = truth.copy(), truth.copy(), truth.copy()
    good[:20], better[:17], bad[:60] = 1, 1, 1
    frame = pd.DataFrame({"good": good, "better": better, "bad": bad})
    got = compare(frame, truth, against="good")
    chance, sure = got.verdicts
    assert re.fullmatch(
        r"better is 1\.5 points better than good, 95 % interval \d\.\d to \d\.\d, "
        r"p = 0\.25: this may be chance\.",
        chance,
    )
    assert sure.startswith("bad is 20.0 points worse than good, 95 % interval -2")
    assert sure.endswith("p < 0.0001: this is more than chance.")
    for sentence in got.verdicts:
        assert sentence in repr(got)
        assert sentence.replace("<", "&lt;") in got._repr_html_()


def test_a_regression_says_which_way_is_better():
    tree = DecisionTreeRegressor(max_depth=2, random_state=0).fit(X[["a"]], score)
    linear_ = LinearRegression().fit(X[["a", "b"]], score)
    graph = Graph(
        "g", VotingEnsemble(tree=tree, linear=linear_, vote_type="regression", name="vote")
    )
    got = graph.run(X).compare(score, "tree")
    assert got.verdicts[0].startswith("the mae of linear is ")
    assert "lower (better) than that of tree" in got.verdicts[0]


# Runs whose answers lie elsewhere.


@pytest.mark.parametrize("name", ["out/", "out.csv", "out.jsonl", "out.parquet"])
def test_a_streamed_run_compares_as_a_run_in_memory_does(tmp_path, name):
    split = Splitter(forest, bayes, weights={"forest": 50, "bayes": 50}, name="split")
    graph, events, labels = Graph("g", split), X.reset_index(drop=True), y.to_numpy()
    known = graph.run(events, seed=1).compare(labels, "split", by="split.route")
    streamed = graph.run(events, seed=1, into=str(tmp_path / name), chunk_size=100)
    got = streamed.compare(labels, "split", by="split.route")
    assert list(got.summary.index) == ["forest", "bayes", "split"]
    pd.testing.assert_frame_equal(got.summary, known.summary, check_index_type=False)
    np.testing.assert_allclose(
        got.by["accuracy"].sort_index(), known.by["accuracy"].sort_index(), equal_nan=True
    )


@pytest.mark.parametrize("name", ["out/", "out.csv", "out.jsonl", "out.parquet", "dask"])
@pytest.mark.parametrize("labels", ["[0,5) [5,9)", "[0,5] [5,9]", '{"a":1} {}', "[] [1]"])
def test_labels_that_look_like_lists_are_labels_wherever_they_are_kept(tmp_path, name, labels):
    target = np.array(labels.split() * 5)

    class Answers:
        def __init__(self, answers):
            self.answers = answers

        def predict(self, events):
            return self.answers[np.asarray(events)[:, 0]]

    routes = {"right": Answers(target), "wrong": Answers(np.roll(target, 1))}
    graph = Graph("g", VotingEnsemble(**routes, vote_type="classification", name="vote"))
    events = pd.DataFrame({"n": np.arange(10)})
    run = (
        graph.run(dd.from_pandas(events, npartitions=2))
        if name == "dask"
        else graph.run(events, into=str(tmp_path / name), chunk_size=4)
    )
    got = run.compare(target).summary
    assert got["accuracy"].tolist()[:2] == [1, 0]
    pd.testing.assert_frame_equal(
        got, graph.run(events).compare(target).summary, check_index_type=False
    )


@pytest.mark.parametrize("name", ["out/", "out.csv", "out.jsonl", "out.parquet"])
def test_lists_that_were_written_out_are_no_labels(tmp_path, name):
    class Lists:
        def predict(self, events):
            return [["a"] * (1 + number % 2) for number in range(len(events))]

    split = Splitter(lists=Lists(), one=Step(lambda event: "a"), weights={"lists": 1, "one": 0})
    run = Graph("g", split).run(pd.DataFrame({"n": [1, 2, 3]}), into=str(tmp_path / name))
    with pytest.raises(GraphError, match="no column of the frame holds"):
        run.compare(["a", "a", "b"])


def test_a_streamed_soft_vote_is_judged_by_the_columns_that_were_kept(tmp_path, soft):
    whole = soft.run(X, into=str(tmp_path / "whole.parquet"))
    known = soft.run(X).compare(y).summary
    pd.testing.assert_frame_equal(whole.compare(y).summary, known)
    some = soft.run(X, into=str(tmp_path / "some.parquet"), columns=["vote", "forest"])
    pd.testing.assert_frame_equal(
        some.compare(y).summary[["accuracy", "f1"]],
        known.loc[["forest", "vote"], ["accuracy", "f1"]],
    )
    none = soft.run(X, into=str(tmp_path / "none.parquet"), columns=["status"])
    with pytest.raises(GraphError, match=r"no column of the frame holds.*graph\.run\(events\)"):
        none.compare(y)


def test_a_dask_run_compares_as_a_run_in_memory_does_also_with_a_lazy_target(soft):
    lazy = soft.run(dd.from_pandas(X, npartitions=3))
    known = soft.run(X).compare(y, "forest")
    pd.testing.assert_frame_equal(lazy.compare(y, "forest").summary, known.summary)
    target = dd.from_pandas(y, npartitions=3)
    pd.testing.assert_frame_equal(lazy.compare(target, "forest").summary, known.summary)
    kept = lazy.persist().compare(y, by=X["region"])
    assert kept.by.index.names == ["region", "model"]


# The magic.


@pytest.fixture
def notebook(shell, soft):
    shell.run_line_magic("load_ext", "graph_magics")
    shell.user_ns |= {"results": soft.run(X), "y": y, "X": X, "pd": pd, "w": np.ones(300)}
    return shell


@pytest.mark.parametrize(
    ("line", "groups"),
    [
        ("--by region", ["north", "south"]),
        (
            '--by \'pd.cut(X["mean size"], [-9, 0, 9], labels=["small", "large"])\'',
            ["small", "large"],
        ),
        ("--by X.region", ["north", "south"]),
    ],
)
def test_the_magic_groups_by_a_column_or_by_an_expression(notebook, line, groups):
    if groups is None:
        with pytest.raises(GraphError, match="'mean size' has 300 different values"):
            notebook.run_line_magic("graph_compare", f"results y {line}")
        return
    got = notebook.run_line_magic("graph_compare", f"results y {line}")
    assert list(got.by.index.levels[0]) == groups


def test_the_magic_hands_its_options_on(notebook):
    line = (
        "results y --against forest --metric f1 --class-weight balanced --sample-weight w --into c"
    )
    got = notebook.run_line_magic("graph_compare", line)
    assert notebook.user_ns["c"] is got
    assert (got.against, got.metric) == ("forest", "f1")
    assert "weighted" in repr(got)
    by_label = notebook.run_line_magic("graph_compare", 'results y --class-weight {"low":2}')
    assert "weighted" in repr(by_label)


def test_the_magic_takes_runs_of_every_kind(notebook, soft, tmp_path):
    notebook.user_ns["lazy"] = soft.run(dd.from_pandas(X, npartitions=2))
    notebook.user_ns["written"] = soft.run(X, into=str(tmp_path / "out.parquet"))
    for name in ("lazy", "written"):
        got = notebook.run_line_magic("graph_compare", f"{name} y --against forest")
        assert len(got.verdicts) == 2
