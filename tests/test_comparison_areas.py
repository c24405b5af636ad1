"""The area under the ROC curve: the test of DeLong et al. (1988), and intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from graph_magics.comparison import compare
from graph_magics.comparison.areas import area_of, difference_of

seeds = st.integers(0, 2**32 - 1)


def compared(truth, *scores, **options):
    """Compare models of two labels by the probability of the second."""
    tables = {f"m{i}": pd.DataFrame({0: 1 - each, 1: each}) for i, each in enumerate(scores)}
    answers = pd.DataFrame({name: (table[1] > 0.5) * 1 for name, table in tables.items()})
    options = {"metric": "roc_auc", "against": "m0", **options}
    return compare(answers, truth.astype(int), probabilities=tables, **options)


def delong(truth, one, other):
    """Spell out DeLong, DeLong and Clarke-Pearson (1988): every pair of events is placed."""
    areas, above, below = [], [], []
    for scores in (one, other):
        positive, negative = scores[truth == 1][:, None], scores[truth == 0]
        placed = (positive > negative) + 0.5 * (positive == negative)
        areas.append(placed.mean())
        above.append(placed.mean(axis=1))
        below.append(placed.mean(axis=0))
    covariance = np.cov(above, ddof=1) / len(above[0]) + np.cov(below, ddof=1) / len(below[0])
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    return areas[0] - areas[1], np.sqrt(max(variance, 0.0))


@given(seeds, st.integers(2, 9), st.integers(2, 30), st.booleans())
@settings(max_examples=40)
def test_the_p_value_and_the_interval_of_areas_are_those_of_delong(seed, events, others, ties):
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.repeat([1, 0], [events, others]))
    scores = [1 / (1 + np.exp(rng.normal(0, 1, len(truth)) - truth)) for _ in range(2)]
    scores = [each.round(1) for each in scores] if ties else scores
    difference, error = delong(truth, scores[1], scores[0])
    row = compared(truth, *scores).summary.loc["m1"]
    assert row["difference"] == pytest.approx(difference)
    if error < 1e-9:
        assert row[["difference_low", "difference_high"]].isna().all()
        return
    assert row["p_value"] == pytest.approx(2 * stats.norm.sf(abs(difference) / error))
    half = stats.norm.ppf(0.975) * error
    assert row["difference_low"] == pytest.approx(max(difference - half, -1))
    assert row["difference_high"] == pytest.approx(min(difference + half, 1))


def test_of_four_events_delongs_test_does_not_find_what_is_not_there():
    truth = np.repeat([1, 0], [4, 20])
    spread = np.linspace(0.05, 0.75, 20)
    one = np.concatenate([[0.9, 0.8, 0.7, 0.35], spread])
    other = np.concatenate([[0.6, 0.3, 0.55, 0.2], spread[::-1]])
    assert compared(truth, other, one).summary.loc["m1", "p_value"] == pytest.approx(0.041406, 1e-4)


def test_a_label_of_one_event_only_has_an_area_but_neither_a_test_nor_an_interval():
    truth = np.repeat([1, 0], [1, 30])
    rng = np.random.default_rng(0)
    got = compared(truth, *rng.random((2, 31)))
    row = got.summary.loc["m1"]
    assert 0 < row["roc_auc"] < 1
    assert row[["roc_auc_low", "roc_auc_high", "difference_low", "p_value", "p_holm"]].isna().all()
    assert np.isfinite(row["difference"])


@pytest.mark.parametrize("labels", [2, 3])
def test_areas_that_nothing_sets_apart_are_no_difference_for_certain(labels):
    rng = np.random.default_rng(0)
    truth = np.arange(30) % labels
    held = rng.dirichlet(np.ones(labels), 30)
    area = area_of(truth, held, np.ones(30))
    assert difference_of(area, area)[0] == 0
    assert difference_of(area, area)[3] == 1
    perfect = area_of(truth, np.eye(labels)[truth], np.ones(30))
    opposite = area_of(truth, (1 - np.eye(labels)[truth]) / (labels - 1), np.ones(30))
    assert np.isnan(difference_of(perfect, opposite)[1:]).all()


@given(seeds, st.integers(1, 8), st.integers(1, 40), st.integers(2, 4), st.booleans())
@settings(max_examples=80)
def test_intervals_of_areas_and_of_their_differences_are_possible_values(
    seed, events, others, labels, weighted
):
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.zeros(others), rng.integers(1, labels, events)])
    weight = rng.exponential(1, len(truth)) if weighted else np.ones(len(truth))
    sure = rng.choice([0.0, 1.0, 5.0, 50.0])
    held = np.eye(labels)[truth.astype(int)] * sure + rng.random((len(truth), labels))
    held /= held.sum(axis=1, keepdims=True)
    area = area_of(truth, held, weight)
    other = area_of(truth, np.roll(held, 1, axis=0), weight)
    low, high = area.interval()
    if not np.isnan(low):
        assert 0 <= low <= area.value + 1e-9
        assert area.value - 1e-9 <= high <= 1
    difference, low, high, p_value = difference_of(area, other)
    if not np.isnan(low):
        assert -1 <= low <= difference <= high <= 1
        if low > -1 and high < 1:
            assert (low <= 0 <= high) == (p_value >= 0.05)


def test_a_perfect_area_is_as_sure_as_the_smaller_class_allows():
    truth = np.repeat([1, 0], [6, 40])
    got = compared(truth, np.where(truth, 0.9, 0.1), against=None).summary.loc["m0"]
    exact = stats.binomtest(6, 6).proportion_ci(method="exact")
    assert (got["roc_auc_low"], got["roc_auc_high"]) == (pytest.approx(exact.low), 1)


@pytest.mark.parametrize(("events", "others", "shift"), [(4, 20, 1.5), (8, 40, 2.2), (20, 20, 1)])
def test_the_interval_of_an_area_of_few_events_holds_it_as_often_as_it_says(events, others, shift):
    rng = np.random.default_rng(0)
    truth = np.repeat([1.0, 0.0], [events, others])
    true, held = stats.norm.cdf(shift / np.sqrt(2)), []
    for _ in range(400):
        scores = stats.norm.cdf(rng.normal(0, 1, len(truth)) + shift * truth)
        low, high = area_of(
            truth, np.stack([1 - scores, scores], 1), np.ones(len(truth))
        ).interval()
        held.append(low <= true <= high)
    assert 0.92 < np.mean(held) < 0.985


@given(seeds)
@settings(max_examples=20)
def test_weights_of_areas_are_those_of_scikit_learn_and_their_scale_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    truth, weight = np.arange(40) % 2, rng.exponential(1, 40)
    scores = rng.random(40).round(1)
    held = np.stack([1 - scores, scores], axis=1)
    area, scaled = area_of(truth, held, weight), area_of(truth, held, weight * 1e-12)
    assert area.value == pytest.approx(roc_auc_score(truth, scores, sample_weight=weight))
    assert scaled.interval() == pytest.approx(area.interval())


def test_weights_are_worth_what_bootstraps_of_the_area_show():
    rng = np.random.default_rng(1)
    truth, weight = np.arange(300) % 2, rng.exponential(1, 300)
    scores = rng.normal(0, 1, 300) + truth
    area = area_of(truth, np.stack([-scores, scores], axis=1), weight)
    drawn = []
    for _ in range(400):
        rows = rng.integers(0, 300, 300)
        drawn.append(roc_auc_score(truth[rows], scores[rows], sample_weight=weight[rows]))
    assert np.sqrt((area.moved**2).sum()) == pytest.approx(np.std(drawn), rel=0.12)
