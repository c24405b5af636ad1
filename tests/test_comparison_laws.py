"""Whatever is compared: events are counted, bounds hold, nothing warns or changes."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_magics.comparison import compare
from graph_magics.comparison.paired import DIFFERENCES


@st.composite
def cases(draw):
    """Answers, a target and options, of either task, with holes of every kind."""
    events, models = draw(st.integers(0, 25)), draw(st.integers(1, 3))
    task = draw(st.sampled_from(["classification", "regression"]))
    values = (
        st.sampled_from(draw(st.sampled_from([["a", "b"], ["a", "b", "c"], [0, 1], ["only"]])))
        if task == "classification"
        else st.integers(-5, 5).map(float)
    )
    holes = draw(st.booleans())
    column = st.lists(st.none() | values if holes else values, min_size=events, max_size=events)
    answers = pd.DataFrame({f"m{i}": pd.Series(draw(column), dtype=object) for i in range(models)})
    y = pd.Series(draw(column), dtype=object)
    options = {"task": task, "seed": draw(st.integers(0, 9))}
    weights = st.lists(st.sampled_from([0, 0.5, 2]), min_size=events, max_size=events)
    if events and draw(st.booleans()):
        options["sample_weight"] = [1, *draw(weights)[1:]] if y.notna().iloc[0] else None
    if task == "classification" and draw(st.booleans()):
        options["class_weight"] = "balanced"
    answered = (answers["m0"].notna() & y.notna()).any()
    if answered and draw(st.booleans()):
        options["against"] = "m0"
    groups = st.lists(st.sampled_from(["x", "y", None]), min_size=events, max_size=events)
    if draw(st.booleans()):
        options["by"] = draw(groups)
    names = {
        "classification": ["accuracy", "balanced_accuracy", "f1", "matthews"],
        "regression": ["mae", "rmse", "r2"],
    }
    options["metric"] = draw(st.sampled_from(names[task]))
    return answers, y, options


@given(cases())
@settings(max_examples=60)
def test_every_comparison_counts_all_events_and_shows_itself(case):
    answers, y, options = case
    before = answers.copy(), y.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = compare(answers, y, **options)
        tables = got.summary, got.intervals, got.differences, got.agreement, got.calibration
        repr(got), got._repr_html_(), got.disagreements
    assert all(isinstance(table, pd.DataFrame) for table in tables)
    assert (got.summary["events"] + got.summary["missing"] == y.notna().sum()).all()
    assert got.events + got.unlabelled == len(y)
    pd.testing.assert_frame_equal(answers, before[0])
    pd.testing.assert_series_equal(y, before[1])
    if got.by is not None and got.events:
        parts = got.by.groupby(level="model")[["events", "missing"]].sum()
        pd.testing.assert_frame_equal(
            parts.loc[got.summary.index], got.summary[["events", "missing"]], check_names=False
        )
    if "against" in options:
        p_values = got.differences[["p_value", "p_holm"]].dropna()
        assert ((p_values >= 0) & (p_values <= 1)).all(axis=None)
        assert (p_values["p_holm"] >= p_values["p_value"]).all()


@given(cases())
@settings(max_examples=60)
def test_the_main_metric_is_the_same_in_the_summary_and_among_the_intervals(case):
    answers, y, options = case
    got = compare(answers, y, **{**options, "by": None})
    metric = got.metric
    alone = got.intervals.xs(metric, level="metric")
    columns = {"estimate": metric, "low": f"{metric}_low", "high": f"{metric}_high"}
    for name, other in {**columns, "events": "events"}.items():
        np.testing.assert_allclose(alone[name], got.summary[other].astype(float))
    low, high = got.summary[f"{metric}_low"], got.summary[f"{metric}_high"]
    assert (low <= high)[low.notna()].all()
    # Shares stay shares.
    if metric == "accuracy":
        assert (low.dropna() >= 0).all()
        assert (high.dropna() <= 1).all()


@given(cases(), st.randoms())
@settings(max_examples=30)
def test_the_order_of_events_changes_nothing_but_the_resamples(case, random):
    answers, y, options = case
    options = {**options, "by": None, "sample_weight": None}
    order = list(range(len(y)))
    random.shuffle(order)
    one = compare(answers, y, **options)
    other = compare(answers.iloc[order], y.iloc[order], **options)
    exact = [name for name in one.summary if not name.endswith(("_low", "_high"))]
    if one._case.weight is not None or one.metric != "accuracy":
        exact = [name for name in exact if not name.startswith("p_")]  # Drawn by the order.
    pd.testing.assert_frame_equal(one.summary[exact], other.summary[exact], rtol=1e-9, atol=1e-9)


@given(cases())
@settings(max_examples=30)
def test_against_adds_columns_and_changes_none(case):
    answers, y, options = case
    plain = compare(answers, y, **{**options, "against": None, "by": None})
    got = compare(answers, y, **{**options, "by": None})
    kept = got.summary.drop(columns=list(DIFFERENCES), errors="ignore")
    pd.testing.assert_frame_equal(kept, plain.summary)
