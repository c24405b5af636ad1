"""Where events say little or nothing: all alike, of no weight, tiny, huge, rare."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from graph_magics.comparison import compare

seeds = st.integers(0, 2**32 - 1)
BOUNDS = ["difference_low", "difference_high"]


# Events that are all alike.


@pytest.mark.parametrize("events", [1, 3, 5, 6, 9, 40])
def test_interval_and_test_say_the_same_of_a_model_that_is_right_where_the_other_never_is(events):
    right = np.arange(events) % 2
    got = compare(pd.DataFrame({"a": right, "b": 1 - right}), right, against="b")
    row = got.summary.loc["a"]
    assert (row["difference"], row["difference_high"]) == (1, 1)
    assert (row["difference_low"] <= 0) == (row["p_value"] > 0.05)
    assert got.verdicts[0].endswith("may be chance." if events < 6 else "more than chance.")


@given(seeds, st.integers(1, 30))
@settings(max_examples=25)
def test_models_that_nothing_sets_apart_may_differ_less_on_more_events(seed, events):
    truth, answer = np.random.default_rng(seed).integers(0, 2, (2, events))
    row = compare(pd.DataFrame({"a": answer, "b": answer}), truth, against="b").summary.loc["a"]
    low, high = row[BOUNDS]
    assert -1 <= low < 0 < high <= 1
    assert -low == pytest.approx(high)
    assert high == pytest.approx(1 - 0.025 ** (1 / events))


@pytest.mark.parametrize("metric", ["f1", "matthews", "balanced_accuracy", "precision", "recall"])
def test_a_model_without_a_mistake_has_no_interval_of_what_no_resample_changes(metric):
    truth = np.arange(20) % 2
    frame = pd.DataFrame({"a": truth, "b": [*truth[:-2], 1, 0], "c": truth})
    got = compare(frame, truth, metric=metric, against="a")
    assert got.summary.loc["a", [f"{metric}_low", f"{metric}_high"]].isna().all()
    assert got.summary.loc["b", [f"{metric}_low", f"{metric}_high"]].notna().all()
    assert got.summary.loc["c", BOUNDS].isna().all()
    assert got.intervals.loc[("a", metric), ["low", "high"]].isna().all()
    assert got.intervals.loc[("a", "accuracy"), ["low", "high"]].notna().all()
    assert f"{metric} of a, c: too few events differ for an interval." in repr(got)
    assert "too few events differ for an interval, p = 1" in got.verdicts[1]
    got.plot()


def test_errors_that_are_all_alike_have_no_interval():
    truth = np.array([1.5, 2.0, 4.0])
    got = compare(pd.DataFrame({"m": truth + 0.25}), truth)
    for metric in ("mae", "rmse", "bias", "median_ae"):
        assert got.intervals.loc[("m", metric), ["low", "high"]].isna().all()


def test_areas_that_cannot_be_tested_are_said_to_be():
    truth = np.array([0, 0, 0, 1])
    held = np.array([0.1, 0.2, 0.7, 0.6])
    tables = {n: pd.DataFrame({0: 1 - p, 1: p}) for n, p in (("a", held), ("b", 1 - held))}
    frame = pd.DataFrame({name: (table[1] > 0.5) * 1 for name, table in tables.items()})
    got = compare(frame, truth, probabilities=tables, metric="roc_auc", against="a")
    assert got.verdicts[0].endswith(
        "too few events differ for an interval, and for a test: this may be chance."
    )


# Weights.


@pytest.mark.parametrize("metric", ["accuracy", "f1", "matthews", "log_loss", "roc_auc"])
def test_where_no_event_counts_there_is_neither_figure_nor_interval_nor_test(metric):
    held = np.array([0.8, 0.3, 0.6, np.nan])
    tables = {n: pd.DataFrame({0: 1 - p, 1: p}) for n, p in (("a", held), ("b", 1 - held))}
    frame = pd.DataFrame({"a": [1, 0, 1, None], "b": [0, 1, 0, None], "c": [1, 1, 1, 0]})
    got = compare(
        frame,
        [1, 1, 1, 0],
        probabilities=tables,
        metric=metric,
        against="b",
        class_weight={1: 0, 0: 1},
    )
    for model in "ab":
        row = got.summary.loc[model].drop(["events", "missing", "both"])
        assert row.isna().all()
        bounds = got.intervals.loc[model, ["estimate", "low", "high"]]
        assert bounds.isna().all(axis=None)
    assert got.summary.loc["a", ["events", "missing", "both"]].tolist() == [3, 1, 3]
    assert "no events in common" in got.verdicts[0]


def test_a_group_in_which_no_event_counts_has_no_figures():
    truth = np.arange(8) % 2
    frame = pd.DataFrame({"a": truth, "b": 1 - truth})
    weight, groups = [0.0] * 4 + [1.0] * 4, list("xxxxyyyy")
    got = compare(frame, truth, against="b", by=groups, sample_weight=weight)
    assert got.by.loc["x"].drop(columns=["events", "missing", "both"]).isna().all(axis=None)
    row = got.by.loc[("y", "a")]
    assert row["p_holm"] == row["p_value"]


@given(seeds, st.integers(-200, 200), st.sampled_from(["accuracy", "f1", "matthews", "recall"]))
@settings(max_examples=25)
def test_the_scale_of_weights_changes_nothing(seed, power, metric):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, 40)
    frame = pd.DataFrame(
        {name: np.where(rng.random(40) < 0.7, truth, rng.integers(0, 3, 40)) for name in "ab"}
    )
    weight = rng.choice([0.25, 1.0, 3.0, 0.0], 40)
    weight[0] = 1.0
    plain, scaled = (
        compare(frame, truth, sample_weight=each, metric=metric, against="b")
        for each in (weight, weight * 10.0**power)
    )
    pd.testing.assert_frame_equal(plain.summary, scaled.summary)


@pytest.mark.parametrize("metric", ["mae", "rmse", "r2"])
@pytest.mark.parametrize("scale", [1e-30, 1e20, 1e60])
def test_the_scale_of_a_target_changes_no_test_and_scales_the_figures(metric, scale):
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 1, 1_500)
    errors = rng.normal(0, 0.1, (2, 1_500))
    plain, scaled = (
        compare(
            pd.DataFrame({"a": (truth + errors[0]) * by, "b": (truth + errors[1]) * by}),
            truth * by,
            metric=metric,
            against="b",
            task="regression",
        ).summary.loc["a"]
        for by in (1.0, scale)
    )
    assert plain["p_value"] > 0.05
    assert scaled["p_value"] == pytest.approx(plain["p_value"], abs=0.002)
    by = 1.0 if metric == "r2" else scale
    for name in (metric, f"{metric}_low", f"{metric}_high", "difference", *BOUNDS):
        assert scaled[name] / by == pytest.approx(plain[name], rel=1e-6, abs=1e-9)


def test_errors_of_rounding_alone_are_no_difference():
    truth = np.linspace(0.1, 3, 200)
    off = np.nextafter(truth, np.where(np.arange(200) % 3, 9, -9))
    got = compare(pd.DataFrame({"a": off, "b": truth}), truth, against="b")
    row = got.summary.loc["a"]
    assert row["p_value"] == 1
    assert row[["mae_low", "mae_high", *BOUNDS]].isna().all()
    assert got.verdicts[0].startswith("a and b are alike in mae")


# Rare labels.


@pytest.mark.parametrize("events", [10_000, 1_000_000])
def test_a_rare_label_has_an_interval_of_the_matthews_correlation(events):
    truth = np.zeros(events, dtype=int)
    truth[:14] = 1
    given = truth.copy()
    given[5], given[100] = 0, 1
    row = compare(pd.DataFrame({"m": given}), truth, metric="matthews").summary.loc["m"]
    assert row["matthews"] == pytest.approx(13 / 14, abs=2e-4)
    assert 0.6 < row["matthews_low"] < 0.9
    assert 0.93 < row["matthews_high"] <= 1


# Few events.


@pytest.mark.parametrize("events", [2, 3, 5])
def test_of_fewer_than_six_events_there_is_no_interval_but_the_exact_one_of_an_accuracy(events):
    rng = np.random.default_rng(0)
    truth = np.arange(events) * 1.5
    frame = pd.DataFrame({name: truth + rng.normal(3, 0.1, events) for name in "ab"})
    got = compare(frame, truth, against="b")
    assert got.summary.loc["a", ["mae_low", "mae_high", *BOUNDS]].isna().all()
    labels = np.ones(events, dtype=int)
    answers = pd.DataFrame({"a": [0] + [1] * (events - 1), "b": [1] * events})
    row = compare(answers, labels, against="b").summary.loc["a"]
    exact = stats.binomtest(events - 1, events).proportion_ci(method="exact")
    assert row[["accuracy_low", "accuracy_high"]].tolist() == pytest.approx(list(exact))
    assert row[BOUNDS].isna().all()


@given(seeds, st.integers(1, 5), st.sampled_from(["accuracy", "mae"]))
@settings(max_examples=40)
def test_few_events_are_no_proof_of_anything(seed, events, metric):
    rng = np.random.default_rng(seed)
    if metric == "mae":
        truth, given = rng.normal(size=events), rng.normal(size=(2, events))
    else:
        truth, *given = rng.integers(0, 2, (3, events))
    got = compare(pd.DataFrame({"a": given[0], "b": given[1]}), truth, against="b", metric=metric)
    low, high = got.summary.loc["a", BOUNDS]
    assert np.isnan(low) or low <= 0 <= high
    assert "may be chance" in got.verdicts[0]
