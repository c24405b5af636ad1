"""Intervals, tests and weights are those of SciPy, scikit-learn and statsmodels."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.utils.class_weight import compute_sample_weight
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests

from graph_magics.comparison import compare
from graph_magics.comparison.areas import area_of
from graph_magics.comparison.families import Labels, Numbers
from graph_magics.comparison.paired import holm, mcnemar
from graph_magics.comparison.probabilities import Probabilities
from graph_magics.comparison.resampling import MOST_UNITS, Units
from graph_magics.scores import METRICS, PROBABILITY_METRICS, probability_scores, score

seeds = st.integers(0, 2**32 - 1)


def some_labels(rng, events, right, labels=3, missing=0.0):
    """Draw a target and answers, of which a share is right and a share is missing."""
    truth = rng.integers(0, labels, events).astype(float)
    given = [
        np.where(rng.random(events) < share, truth, rng.integers(0, labels, events))
        for share in right
    ]
    return truth, [np.where(rng.random(events) < missing, np.nan, each) for each in given]


def named(given):
    return pd.DataFrame({f"m{place}": each for place, each in enumerate(given)})


# The sums give what scikit-learn gives.


@given(seeds, st.integers(1, 40), st.integers(1, 5), st.booleans())
@settings(max_examples=100)
def test_label_metrics_from_sums_are_those_of_scikit_learn(seed, events, labels, weighted):
    rng = np.random.default_rng(seed)
    truth, (given,) = some_labels(rng, events, [0.7], labels, missing=0.2)
    weight = rng.choice([0.5, 1, 3], events) if weighted else np.ones(events)
    known = ~np.isnan(given)
    family = Labels(truth, [given], weight, np.zeros(events, dtype=int), labels)
    got = family.measure(family.terms(0, known, slice(None)).sum(axis=0))
    expected = score("classification", truth, given, weight)[2:]
    np.testing.assert_allclose(got, expected, atol=1e-9)


@given(seeds, st.integers(2, 40), st.booleans())
def test_number_metrics_from_sums_are_those_of_scikit_learn(seed, events, weighted):
    rng = np.random.default_rng(seed)
    truth = rng.normal(1000, 3, events)
    given = np.where(rng.random(events) < 0.2, np.nan, truth + rng.normal(0, 1, events))
    weight = rng.choice([0.5, 1, 3], events) if weighted else np.ones(events)
    known = ~np.isnan(given)
    if known.sum() < 2:
        return
    family = Numbers(truth, [given], weight)
    got = family.measure(family.terms(0, known, slice(None)).sum(axis=0))
    expected = dict(
        zip(METRICS["regression"], score("regression", truth, given, weight)[2:], strict=True)
    )
    np.testing.assert_allclose(
        got, [expected[name] for name in family.metrics], rtol=1e-6, atol=1e-9
    )


def some_probabilities(rng, truth, labels):
    noise = rng.random((len(truth), labels)) + np.eye(labels)[truth.astype(int)] * rng.random()
    rounded = noise.round(1) + 0.05  # Ties, as trees have them.
    return rounded / rounded.sum(axis=1, keepdims=True)


@given(seeds, st.integers(3, 40), st.integers(2, 4), st.booleans())
def test_probability_metrics_from_sums_are_those_of_scikit_learn(seed, events, labels, weighted):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, labels, events).astype(float)
    weight = rng.choice([0.5, 1, 3], events) if weighted else np.ones(events)
    held = some_probabilities(rng, truth, labels)
    family = Probabilities(truth, [held], weight)
    got = family.measure(family.terms(0, np.ones(events, dtype=bool), slice(None)).sum(axis=0))
    *expected, area = probability_scores(truth, held, weight, PROBABILITY_METRICS)
    np.testing.assert_allclose(got, expected, atol=1e-9)
    np.testing.assert_allclose(area_of(truth, held, weight).value, area, atol=1e-9)


@given(seeds, st.integers(2, 4))
def test_probability_metrics_of_the_summary_are_those_of_scikit_learn(seed, labels):
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(labels), rng.integers(0, labels, 30)])
    held = some_probabilities(rng, truth, labels)
    names = np.array(["ant", "bee", "cat", "dog"][:labels])
    y, answers = names[truth], pd.DataFrame({"m": names[held.argmax(axis=1)]})
    row = compare(answers, y, probabilities={"m": pd.DataFrame(held, columns=names)}).summary.loc[
        "m"
    ]
    binary = labels == 2
    assert row["log_loss"] == pytest.approx(metrics.log_loss(y, held, labels=names))
    squares = ((held - np.eye(labels)[truth]) ** 2).sum(axis=1).mean()
    assert row["brier"] == pytest.approx(squares / 2 if binary else squares)
    area = metrics.roc_auc_score(truth, held[:, 1] if binary else held, multi_class="ovr")
    assert row["roc_auc"] == pytest.approx(area)


# Intervals.


@given(seeds)
@settings(max_examples=10)
def test_the_interval_of_an_accuracy_is_the_one_of_scipys_bootstrap(seed):
    rng = np.random.default_rng(seed)
    truth, given = some_labels(rng, 120, [0.8], 2)
    got = compare(named(given), truth, task="classification", seed=seed).summary.loc["m0"]
    right = (given[0] == truth).astype(float)
    if right.all():
        return
    known = stats.bootstrap((right,), np.mean, n_resamples=9999, vectorized=True, rng=rng)
    bounds = known.confidence_interval
    # Both are draws: an event or two of 120 either way.
    assert got["accuracy_low"] == pytest.approx(bounds.low, abs=2.1 / 120)
    assert got["accuracy_high"] == pytest.approx(bounds.high, abs=2.1 / 120)


@given(seeds)
@settings(max_examples=8)
def test_the_interval_of_a_difference_of_errors_is_the_one_of_scipys_bootstrap(seed):
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 10, 80)
    given = [truth + rng.normal(0, 1, 80), truth + rng.gamma(1, 1.5, 80)]
    row = compare(named(given), truth, against="m0", seed=seed).summary.loc["m1"]
    apart = abs(given[1] - truth) - abs(given[0] - truth)
    bounds = stats.bootstrap((apart,), np.mean, n_resamples=9999, rng=rng).confidence_interval
    width = bounds.high - bounds.low
    assert row["difference"] == pytest.approx(apart.mean())
    assert row["difference_low"] == pytest.approx(bounds.low, abs=0.1 * width)
    assert row["difference_high"] == pytest.approx(bounds.high, abs=0.1 * width)


def test_the_interval_of_every_metric_is_the_one_of_scipys_bootstrap():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 3, 150)
    held = some_probabilities(rng, truth, 3)
    answer = held.argmax(axis=1)
    got = compare(
        pd.DataFrame({"m": answer}), truth, probabilities={"m": pd.DataFrame(held)}
    ).intervals.loc["m"]
    places = np.arange(len(truth))
    known = {
        "balanced_accuracy": lambda i: metrics.balanced_accuracy_score(truth[i], answer[i]),
        "f1": lambda i: metrics.f1_score(truth[i], answer[i], average="macro"),
        "matthews": lambda i: metrics.matthews_corrcoef(truth[i], answer[i]),
        "log_loss": lambda i: metrics.log_loss(truth[i], held[i]),
        "brier": lambda i: ((held[i] - np.eye(3)[truth[i]]) ** 2).sum(axis=1).mean(),
        "roc_auc": lambda i: metrics.roc_auc_score(truth[i], held[i], multi_class="ovr"),
    }
    for name, measure in known.items():
        estimate, low, high, events = got.loc[name]
        assert (estimate, events) == (pytest.approx(measure(places)), 150)
        found = stats.bootstrap(
            (places,), lambda i, m=measure: m(i), n_resamples=500, vectorized=False, rng=1
        ).confidence_interval
        width = found.high - found.low
        assert low == pytest.approx(found.low, abs=0.25 * width), name
        assert high == pytest.approx(found.high, abs=0.25 * width), name


def test_the_interval_of_a_median_is_the_one_of_scipys_bootstrap():
    rng = np.random.default_rng(0)
    for size in (60, 61):
        truth = rng.normal(0, 1, size)
        given = truth + rng.normal(0, 1, size)
        got = compare(pd.DataFrame({"m": given}), truth).intervals.loc[("m", "median_ae")]
        known = stats.bootstrap(
            (abs(given - truth),), np.median, method="percentile", n_resamples=5000, rng=rng
        ).confidence_interval
        width = known.high - known.low
        assert got["low"] == pytest.approx(known.low, abs=0.15 * width)
        assert got["high"] == pytest.approx(known.high, abs=0.15 * width)


def test_a_model_without_a_mistake_has_the_exact_interval_and_not_none():
    row = compare(pd.DataFrame({"m": ["a", "b"] * 20}), ["a", "b"] * 20).summary.loc["m"]
    exact = stats.binomtest(40, 40).proportion_ci(method="exact")
    assert (row["accuracy_low"], row["accuracy_high"]) == (pytest.approx(exact.low), 1)


@pytest.mark.parametrize("kind", ["cells", "events", "groups"])
def test_every_way_of_resampling_has_the_spread_that_theory_gives(kind):
    size = MOST_UNITS * 3 if kind == "groups" else 900
    values = np.random.default_rng(0).integers(0, 4, size)
    units = Units.of(size, [values] if kind == "cells" else None)
    sums = units.sums(lambda rows: np.stack([np.ones(size), values], axis=1)[rows])
    drawn = units.bootstrap(sums, lambda s: s[..., 1] / s[..., 0], resamples=4000)
    assert drawn.mean() == pytest.approx(values.mean(), abs=4 * values.std() / np.sqrt(size * 4000))
    assert drawn.std() == pytest.approx(values.std() / np.sqrt(size), rel=0.06)


# Tests.


@given(seeds, st.integers(1, 60))
def test_mcnemars_p_value_is_the_one_of_statsmodels(seed, events):
    rng = np.random.default_rng(seed)
    one, other = rng.random((2, events)) < rng.random((2, 1))
    table = [
        [(one & other).sum(), (one & ~other).sum()],
        [(~one & other).sum(), (~one & ~other).sum()],
    ]
    known = statsmodels_mcnemar(table, exact=True).pvalue
    assert mcnemar(one, other) == pytest.approx(min(known, 1.0))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.booleans())
@settings(max_examples=8)  # It collects all garbage each time.
def test_holms_correction_is_the_one_of_statsmodels(values, gap):
    known = multipletests(values, method="holm")[1]
    if gap:
        got = holm(np.array([*values, np.nan]))
        assert np.isnan(got[-1])
        got = got[:-1]
    else:
        got = holm(np.array(values))
    np.testing.assert_allclose(got, known)


@given(seeds, st.integers(2, 9), st.sampled_from(["mae", "rmse", "r2"]))
@settings(max_examples=30)
def test_the_p_value_of_errors_is_the_one_of_scipys_permutation_test(seed, events, metric):
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 2, events).round(2)
    given = [(truth + rng.normal(shift, 1, events)).round(2) for shift in (0, 0.8)]
    row = compare(named(given), truth, task="regression", against="m0", metric=metric, seed=seed)

    def difference(one, other):
        scores = {
            "mae": lambda errors: np.mean(abs(errors)),
            "rmse": lambda errors: np.sqrt(np.mean(errors**2)),
            "r2": lambda errors: 1 - np.mean(errors**2) / truth.var(),
        }
        return scores[metric](one) - scores[metric](other)

    if truth.var() < 1e-6:
        return
    known = stats.permutation_test(
        (given[1] - truth, given[0] - truth),
        difference,
        permutation_type="samples",
        vectorized=False,
        n_resamples=np.inf,  # All of them.
    )
    got = row.summary.loc["m1"]
    assert got["difference"] == pytest.approx(known.statistic)
    assert got["p_value"] == pytest.approx(min(known.pvalue, 1), abs=0.025)


@given(seeds)
@settings(max_examples=6)
def test_the_p_value_of_a_label_metric_is_the_one_of_scipys_permutation_test(seed):
    rng = np.random.default_rng(seed)
    truth, given = some_labels(rng, 7, [0.9, 0.4], 2)
    got = compare(named(given), truth, task="classification", against="m0", metric="f1", seed=seed)

    def difference(one, other):
        macro = {"average": "macro", "zero_division": 0}
        return metrics.f1_score(truth, one, **macro) - metrics.f1_score(truth, other, **macro)

    known = stats.permutation_test(
        (given[1], given[0]),
        difference,
        permutation_type="samples",
        vectorized=False,
        n_resamples=np.inf,
    )
    row = got.summary.loc["m1"]
    assert row["difference"] == pytest.approx(known.statistic, abs=1e-9)
    assert row["p_value"] == pytest.approx(min(known.pvalue, 1), abs=0.025)


def test_under_the_null_hypothesis_p_values_are_spread_evenly():
    rng = np.random.default_rng(0)
    found = []
    for seed in range(150):
        truth = rng.normal(0, 1, 40)
        frame = named([truth + rng.standard_t(3, 40) for _ in range(2)])
        found.append(compare(frame, truth, against="m0", seed=seed).summary.loc["m1", "p_value"])
    assert stats.kstest(found, "uniform").pvalue > 0.01


# What the differences stand on.


@given(seeds)
@settings(max_examples=25)
def test_a_difference_is_that_of_the_events_that_both_answered(seed):
    rng = np.random.default_rng(seed)
    truth, given = some_labels(rng, 40, [0.8, 0.6, 0.5], 3, missing=0.3)
    got = compare(named(given), truth, task="classification", against="m1").summary
    for place in (0, 2):
        both = ~(np.isnan(given[place]) | np.isnan(given[1]))
        row = got.loc[f"m{place}"]
        assert row["both"] == both.sum()
        right = [(given[who] == truth)[both].mean() for who in (place, 1)]
        assert row["difference"] == pytest.approx(right[0] - right[1])
    assert got.loc["m1", ["difference", "p_value", "p_holm"]].isna().all()


def test_models_without_a_common_event_have_no_difference_and_do_not_count_in_the_correction():
    frame = pd.DataFrame(
        {"a": ["x", "y", None, None], "b": [None, None, "x", "y"], "c": list("xxyy")}
    )
    got = compare(frame, list("xyxy"), against="a")
    assert got.summary.loc["b", "both"] == 0
    assert got.summary.loc["b", ["difference", "p_value", "p_holm"]].isna().all()
    assert got.summary.loc["c", "p_holm"] == got.summary.loc["c", "p_value"]
    assert any("no events in common" in verdict for verdict in got.verdicts)


def test_the_same_seed_gives_the_same_figures_and_other_models_change_none():
    truth, given = some_labels(np.random.default_rng(0), 100, [0.8, 0.7, 0.6])
    first, again, less, other = (
        compare(named(some), truth, task="classification", against="m0", seed=seed).summary
        for some, seed in [(given, 1), (given, 1), (given[:2], 1), (given, 2)]
    )
    pd.testing.assert_frame_equal(first, again)
    own = [name for name in first.columns if name != "p_holm"]
    pd.testing.assert_frame_equal(first.loc[["m0", "m1"], own], less[own])
    assert not first.equals(other)


# Weights.


@given(seeds, st.sampled_from(["balanced", {0: 2, 1: 0.5}]))
@settings(max_examples=25)
def test_class_weights_are_those_of_scikit_learn(seed, class_weight):
    rng = np.random.default_rng(seed)
    truth, given = some_labels(rng, 30, [0.7], 3)
    truth[:3], given[0][:3] = [0, 1, 2], [0, 1, 2]
    got = compare(named(given), truth, task="classification", class_weight=class_weight)
    full = class_weight if class_weight == "balanced" else {0: 2, 1: 0.5, 2: 1}
    weight = compute_sample_weight(full, truth)
    row = got.summary.loc["m0"]
    assert row["accuracy"] == pytest.approx(
        metrics.accuracy_score(truth, given[0], sample_weight=weight)
    )
    f1 = metrics.f1_score(truth, given[0], average="macro", sample_weight=weight, zero_division=0)
    assert row["f1"] == pytest.approx(f1)
    if class_weight == "balanced":
        assert row["accuracy"] == pytest.approx(row["balanced_accuracy"])


@given(seeds)
@settings(max_examples=15)
def test_a_weight_of_two_is_the_same_figure_as_the_event_twice(seed):
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 1, 30)
    given = [truth + rng.normal(0, 1, 30) for _ in range(2)]
    twice = rng.integers(1, 3, 30)
    weighted = compare(named(given), truth, sample_weight=twice, against="m0").summary
    repeated = compare(
        named([np.repeat(each, twice) for each in given]), np.repeat(truth, twice), against="m0"
    ).summary
    for name in ("mae", "rmse", "r2", "bias", "difference"):
        np.testing.assert_allclose(weighted[name], repeated[name], rtol=1e-9)
    assert list(weighted["events"]) == [30, 30]


def test_weights_that_are_all_alike_change_no_figure():
    truth, given = some_labels(np.random.default_rng(0), 60, [0.8, 0.7])
    plain = compare(named(given), truth, task="classification")
    alike = compare(named(given), truth, task="classification", sample_weight=[3] * 60)
    pd.testing.assert_frame_equal(plain.summary, alike.summary)


# Calibration.


@given(seeds)
@settings(max_examples=25)
def test_calibration_is_that_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    held = rng.random(60).round(2)
    truth = (rng.random(60) < held).astype(int)
    frame = pd.DataFrame({"m": (held > 0.5).astype(int)})
    got = compare(frame, truth, probabilities={"m": pd.DataFrame({0: 1 - held, 1: held})})
    if truth.min() == truth.max():
        return
    table = got.calibration
    assert table["events"].sum() == 60
    observed, predicted = calibration_curve(truth, held, n_bins=10)
    filled = table[table["events"] > 0]
    np.testing.assert_allclose(filled["observed"], observed)
    np.testing.assert_allclose(filled["predicted"], predicted)


# Size.


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_hundred_thousand_events_of_five_models_can_be_compared(task):
    rng = np.random.default_rng(0)
    if task == "classification":
        truth, given = some_labels(rng, 100_000, [0.9, 0.88, 0.9, 0.85, 0.92], 10)
    else:
        truth = rng.normal(0, 1, 100_000)
        given = [truth + rng.normal(0, 0.5, 100_000) for _ in range(5)]
    compared = compare(named(given), truth, task=task, against="m0")
    assert (compared.summary["events"] == 100_000).all()


def test_targets_of_many_labels_and_of_many_events_fit_into_memory():
    truth, given = some_labels(np.random.default_rng(0), 30_000, [0.9, 0.8], 400)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = compare(named(given), truth, task="classification", against="m0", metric="f1")
    row = got.summary.loc["m1"]
    assert row["f1_low"] < row["f1"] < row["f1_high"]
    assert row["p_value"] < 0.001
