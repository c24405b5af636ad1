"""Votes, held against plain Python, NumPy and scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor

from graph_magics import votes
from graph_magics.bodies import object_array

from .models import IRIS, KINDS, SPECIES, unfitted

WEIGHTS = st.one_of(st.integers(0, 3).map(float), st.floats(0, 5), st.just(0.1))
LABELS = {
    "whole": st.integers(-3, 3),
    "text": st.sampled_from(["a", "b", "cc", ""]),
    "truth": st.booleans(),
    "broken": st.sampled_from([0.5, -1.0, 2.0]),
}


def majority_in_plain_python(ballots: list[list[Any]], weights: list[float]) -> list[Any]:
    """What `votes.majority` says of itself, without NumPy."""
    winners = []
    for labels in zip(*ballots, strict=True):
        support: dict[Any, float] = {}
        for label, weight in zip(labels, weights, strict=True):
            support[label] = support.get(label, 0.0) + weight
        most = max(support.values())
        winners.append(min(label for label in support if support[label] == most))
    return winners


@st.composite
def elections(draw: Any, labels: Any) -> tuple[list[list[Any]], list[float]]:
    models, samples = draw(st.integers(1, 5)), draw(st.integers(0, 6))
    rows = st.lists(labels, min_size=samples, max_size=samples)
    ballots = draw(st.lists(rows, min_size=models, max_size=models))
    weights = draw(st.lists(WEIGHTS, min_size=models, max_size=models))
    return ballots, weights


# --- majority -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LABELS)
@given(data=st.data())
def test_the_majority_is_that_of_plain_python(kind, data):
    ballots, weights = data.draw(elections(LABELS[kind]))
    winners = votes.majority([np.array(b) for b in ballots], weights)
    assert winners.tolist() == majority_in_plain_python(ballots, weights)


@pytest.mark.parametrize("kind", LABELS)
@given(data=st.data())
def test_many_models_are_counted_as_few_are(kind, data):
    ballots, weights = data.draw(elections(LABELS[kind]))
    ballots, weights = [row for row in ballots for _ in range(17)], weights * 17
    arrays = [np.array(ballot) for ballot in ballots]
    for winners in (votes.majority(arrays, weights), votes.Tally(arrays).majority(weights)):
        assert winners.tolist() == majority_in_plain_python(ballots, weights)
        assert winners.dtype == np.result_type(*arrays)


def test_of_many_models_none_is_compared_with_each_other(monkeypatch):
    monkeypatch.setattr(votes, "_support", lambda *given: pytest.fail("each with each"))
    texts = np.array(["no", "yes", "maybe"])[np.arange(300) % 3]
    for labels in (texts, texts.astype(object), np.arange(300) % 3, np.arange(300) / 4):
        models = [np.roll(labels, place) for place in range(100)]
        weights = [1.0 + place % 7 for place in range(100)]
        assert (votes.Tally(models).majority(weights) == votes.majority(models, weights)).all()


@given(data=st.data())
def test_models_that_answer_in_different_types_are_counted_together(data):
    ballots, weights = data.draw(elections(st.one_of(LABELS["whole"], LABELS["broken"])))
    winners = votes.majority([np.array(b, dtype=object) for b in ballots], weights)
    assert winners.tolist() == majority_in_plain_python(ballots, weights)


@given(elections(LABELS["text"]))
def test_text_is_counted_alike_in_every_array_that_holds_it(election):
    ballots, weights = election
    expected = majority_in_plain_python(ballots, weights)
    for kind in (lambda b: np.array(b, dtype=object), lambda b: pd.array(b, dtype="str"), np.array):
        assert votes.majority([kind(b) for b in ballots], weights).tolist() == expected


def test_ties_go_to_the_smallest_label_whoever_gave_it():
    assert votes.majority([[5, 3], [3, 5]], [1, 1]).tolist() == [3, 3]
    assert votes.majority([["b"], ["c"], ["a"]], [2, 2, 2]).tolist() == ["a"]
    assert votes.majority([[2], [-2], [0]], [1, 1, 1]).tolist() == [-2]


def test_a_tie_that_is_outvoted_needs_no_order():
    winners = votes.majority([[1], ["x"], ["y"], ["y"]], [1, 1, 1, 1])
    assert winners.tolist() == ["y"]


def test_a_tie_of_labels_without_order_is_an_error():
    with pytest.raises(TypeError):
        votes.majority([[1], ["x"]], [1, 1])


def test_a_model_without_weight_still_answers_if_none_has_any():
    assert votes.majority([[2], [1]], [0, 0]).tolist() == [1]
    assert votes.majority([[2], [1]], [1, 0]).tolist() == [2]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.float32, bool, "U3"])
def test_labels_keep_their_dtype(dtype):
    ballots = [np.array([0, 1, 1]).astype(dtype), np.array([1, 1, 0]).astype(dtype)]
    assert votes.majority(ballots, [1, 1]).dtype == np.dtype(dtype)


def test_labels_of_several_dtypes_are_joined_without_loss():
    short, long = np.array(["a"]), np.array(["abc"])
    assert votes.majority([short, long], [1, 2]).tolist() == ["abc"]
    small, large = np.array([1], dtype=np.int8), np.array([1000], dtype=np.int64)
    assert votes.majority([small, large], [1, 2]).tolist() == [1000]
    winners = votes.majority([np.array([2**53 + 1]), np.array([0.5])], [2, 1])
    assert winners.tolist() == [2**53 + 1]


def test_a_vote_changes_no_ballot():
    ballots = [np.array([1, 2]), np.array([2, 1]), np.array([2, 2])]
    before = [b.copy() for b in ballots]
    for vote in (votes.majority, votes.mean):
        vote(ballots, [1, 1, 1])
        assert all(map(np.array_equal, ballots, before))


def test_more_than_one_label_per_sample_is_an_error_that_says_so():
    with pytest.raises(ValueError, match=r"one label per sample.*\(2, 3\)"):
        votes.majority([np.zeros((2, 3))], [1])


# --- mean -----------------------------------------------------------------------------------


@st.composite
def numbers(draw: Any) -> tuple[list[np.ndarray], list[float]]:
    shape = draw(st.sampled_from([(4,), (3, 2), (0,)]))
    models = draw(st.integers(1, 4))
    one = st.lists(st.floats(-1e6, 1e6), min_size=int(np.prod(shape)), max_size=int(np.prod(shape)))
    arrays = [np.array(draw(one)).reshape(shape) for _ in range(models)]
    weights = draw(
        st.lists(st.floats(0, 5), min_size=models, max_size=models).filter(lambda w: sum(w) > 1e-3)
    )
    return arrays, weights


@given(numbers())
def test_the_mean_is_that_of_numpy(drawn):
    arrays, weights = drawn
    expected = np.average(arrays, axis=0, weights=weights)
    np.testing.assert_allclose(votes.mean(arrays, weights), expected, rtol=1e-9, atol=1e-6)


def test_the_mean_is_that_of_scikit_learn():
    weights = [2, 1]
    estimators = [("line", LinearRegression()), ("near", KNeighborsRegressor())]
    regressor = VotingRegressor(estimators, weights=weights).fit(IRIS, SPECIES)
    predictions = [model.predict(IRIS) for model in regressor.estimators_]
    np.testing.assert_allclose(votes.mean(predictions, weights), regressor.predict(IRIS))


def test_a_missing_number_of_a_model_without_weight_does_no_harm():
    assert votes.mean([[1.0], [np.nan]], [1, 0]).tolist() == [1.0]
    assert np.isnan(votes.mean([[1.0], [np.nan]], [1, 1])).all()


def test_whole_numbers_and_nullable_ones_have_a_mean():
    assert votes.mean([[1, 2], [2, 2]], [1, 1]).tolist() == [1.5, 2.0]
    nullable = [pd.array([1, 2], dtype="Int64"), pd.array([2, 2], dtype="Int64")]
    assert votes.mean(nullable, [1, 1]).tolist() == [1.5, 2.0]


# --- soft -----------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [None, [1, 1, 1], [5, 1, 0.5], [0, 0, 1]], ids=str)
def test_the_soft_vote_is_that_of_scikit_learn(weights):
    estimators = [(kind.__name__, unfitted(kind)) for kind in KINDS]
    # Too few events to learn from, so that the models differ.
    some = IRIS.index % 10 == 0
    classifier = VotingClassifier(estimators, voting="soft", weights=weights)
    classifier.fit(IRIS[some], SPECIES[some])
    probabilities = [model.predict_proba(IRIS) for model in classifier.estimators_]
    assert len({str(p.argmax(axis=1).tolist()) for p in probabilities}) > 1
    classes = [model.classes_ for model in classifier.estimators_]
    winners = votes.soft(probabilities, classes, weights or [1, 1, 1])
    assert winners.tolist() == classifier.predict(IRIS).tolist()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy warns of NaN beside objects.
@given(st.data())
def test_a_class_that_a_model_does_not_know_has_no_probability_there(data):
    labels = ["a", "b", "c", "d"]
    known = data.draw(
        st.lists(
            st.lists(st.sampled_from(labels), min_size=1, unique=True).map(sorted),
            min_size=1,
            max_size=3,
        )
    )
    tables = [
        np.array(
            data.draw(
                st.lists(
                    st.lists(st.sampled_from([0.0, 0.25, 0.5]), min_size=len(k), max_size=len(k)),
                    min_size=2,
                    max_size=2,
                )
            )
        )
        for k in known
    ]
    winners = votes.soft(tables, [np.array(k) for k in known], [1.0] * len(known))
    everyone = sorted(set().union(*known))
    for row, winner in enumerate(winners.tolist()):
        total = {label: 0.0 for label in everyone}
        for table, some in zip(tables, known, strict=True):
            for label, value in zip(some, table[row], strict=True):
                total[label] += value
        assert winner == max(everyone, key=lambda label: total[label])


def test_classes_keep_their_order_and_dtype():
    classes = [np.array([7, 9], dtype=np.int16)] * 2
    winners = votes.soft([[[0.5, 0.5]], [[0.5, 0.5]]], classes, [1, 1])
    assert winners.dtype == np.int16
    assert winners.tolist() == [7]


_LABELS = st.one_of(
    st.integers(-2, 2),
    st.integers(0, 2**40),
    st.booleans(),
    st.sampled_from(["a", "b", "longer"]),
    st.floats(-2, 2, width=16),
    st.just(float("nan")),
    st.sampled_from([0.0, -0.0]),
)
_DTYPES = [None, object, np.int8, np.uint8, np.int64, np.uint64, np.float32, "U6"]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy warns of NaN beside objects.
@given(st.data())
def test_many_samples_are_counted_as_few_are(data: st.DataObject) -> None:
    models = data.draw(st.integers(1, 4))
    few, arrays = data.draw(st.integers(1, 12)), []
    for _ in range(models):
        label = data.draw(st.sampled_from([st.integers(0, 3), st.sampled_from("abc"), _LABELS]))
        values = data.draw(st.lists(label, min_size=few, max_size=few))
        dtype = data.draw(st.sampled_from(_DTYPES))
        try:
            arrays.append(np.array(values, dtype=dtype))
        except (ValueError, OverflowError, TypeError):
            arrays.append(object_array(values))
    weights = data.draw(st.lists(st.sampled_from([0, 1, 2, 0.3]), min_size=models, max_size=models))
    many = [np.tile(array, 600 // few) for array in arrays]
    alike = votes._alike(many)
    try:
        expected = votes._counted(alike, weights)
    except TypeError:  # Labels that tie and have no order.
        with pytest.raises(TypeError):
            votes.majority(many, weights)
        with pytest.raises(TypeError):
            votes.Tally(many).majority(weights)
        return
    for winners in (votes.majority(many, weights), votes.Tally(many).majority(weights)):
        assert winners.dtype == expected.dtype
        assert list(map(repr, winners.tolist())) == list(map(repr, expected.tolist()))
