"""Joining: parts of one kind stay columns, and of several kinds each body stays as it came."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_magics.bodies import Mixed, Samples, objects, take
from graph_magics.joining import columns_of, join, kind_of

from .models import BODY_KINDS, SCALARS, same


@st.composite
def parts(draw: Any, kinds: list[str]) -> tuple[list[tuple[np.ndarray, Any]], list[Any]]:
    size = draw(st.integers(1, 8))
    owner = draw(st.lists(st.integers(0, 2), min_size=size, max_size=size))
    some, expected = [], [None] * size
    for part in draw(st.permutations(sorted(set(owner)))):
        rows = draw(st.permutations([row for row in range(size) if owner[row] == part]))
        bodies = BODY_KINDS[draw(st.sampled_from(kinds))]([10 * row for row in rows])
        some.append((np.array(rows), bodies))
        for row, item in zip(rows, objects(bodies), strict=True):
            expected[row] = item
    return some, expected


@given(parts(list(BODY_KINDS)))
def test_joining_parts_puts_every_item_where_it_belongs_and_leaves_it_as_it_is(drawn):
    some, expected = drawn
    assert same(objects(join(some, len(expected))), expected)


@pytest.mark.parametrize("kind", [kind for kind in BODY_KINDS if kind != "list"])
@given(data=st.data())
def test_parts_of_one_kind_stay_columns(kind, data):
    some, expected = data.draw(parts([kind]))
    joined = join(some, len(expected))
    assert type(joined) is type(some[0][1])
    if kind == "frame":
        assert joined.dtypes.equals(some[0][1].dtypes)
    elif kind[0] != "s":
        assert joined.dtype == some[0][1].dtype


def test_whole_and_broken_numbers_of_several_parts_keep_their_types():
    joined = join([(np.array([1]), np.array([1])), (np.array([0]), np.array([0.5]))], 2)
    assert same(joined.tolist(), [0.5, 1])


def test_tables_whose_columns_differ_in_type_are_one_table():
    one = pd.DataFrame({"n": [1], "s": ["a"], "o": [True]}, index=[7])
    other = pd.DataFrame({"n": [0.5], "s": ["b"], "o": ["x"]}, index=[7])
    joined = join([(np.array([1]), one), (np.array([0]), other)], 2)
    assert joined["n"].tolist() == [0.5, 1.0]
    assert joined["n"].dtype == float
    assert joined["s"].dtype == "str"
    assert same(joined["o"].tolist(), ["x", True])
    assert joined.index.is_unique


def test_joining_nothing_is_no_body():
    assert join([], 0) == []
    assert join([(np.array([], dtype=int), np.array([]))], 0) == []


def test_bodies_of_several_kinds_stay_what_they_are_alone():
    one = Samples(np.array([1]), None, "outputs", {"model_name": "m"})
    other = Samples(np.array([2]), None, "predictions")
    joined = join([(np.array([1]), one), (np.array([0, 2]), KINDS_OF_TWO)], 3)
    assert isinstance(joined, Mixed)
    assert len(joined) == 3
    assert objects(joined) == [10, {"model_name": "m", "outputs": [1]}, 20]
    assert isinstance(joined.take(np.array([1])), Samples)
    assert joined.take(np.array([2, 0])).tolist() == [20, 10]
    both = join([(np.array([0]), one), (np.array([1]), other)], 2)
    assert objects(both) == [{"model_name": "m", "outputs": [1]}, {"predictions": [2]}]


def test_an_event_without_samples_is_of_every_kind_of_its_key():
    none = Samples(np.empty(0), np.array([0]), "outputs")
    some = Samples(np.array([[1, 2]]), np.array([1]), "outputs")
    joined = join([(np.array([1]), none), (np.array([0]), some)], 2)
    assert isinstance(joined, Samples)
    assert joined.tolist() == [{"outputs": [[1, 2]]}, {"outputs": []}]
    other = Samples(np.array([[1, 2]]), np.array([1]), "predictions")
    joined = join([(np.array([1]), none), (np.array([0]), other)], 2)
    assert objects(joined) == [{"predictions": [[1, 2]]}, {"outputs": []}]


KINDS_OF_TWO = np.array([10, 20])


@given(st.data())
def test_taking_of_a_mixture_is_taking_from_its_list(data):
    some, expected = data.draw(parts(list(BODY_KINDS)))
    joined = join(some, len(expected))
    rows = data.draw(st.lists(st.integers(0, len(expected) - 1), max_size=8))
    taken = take(joined, np.array(rows, dtype=np.int64))
    assert same(objects(taken), [expected[row] for row in rows])


# --- answers of a step over rows ------------------------------------------------------------


def test_flat_answers_with_the_same_keys_are_a_table():
    table = columns_of([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}])
    assert isinstance(table, pd.DataFrame)
    assert table.to_dict("records") == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


ANSWERS = st.one_of(
    SCALARS,
    st.dictionaries(st.sampled_from("ab"), SCALARS, max_size=2),
    st.lists(SCALARS, max_size=2),
    st.just({"a": [1]}),
    st.just((1, 2)),
)


@given(st.lists(ANSWERS, max_size=6))
def test_answers_of_any_kind_come_back_as_they_are(answers):
    for back, answer in zip(objects(columns_of(answers)), answers, strict=True):
        # A whole number beside a broken one is a float in a table; no other value changes.
        assert same(back, answer) or (isinstance(answer, dict) and back == answer)


@given(st.lists(ANSWERS, max_size=4), ANSWERS)
def test_what_an_answer_becomes_does_not_hang_on_the_others(answers, answer):
    alone = take(columns_of([answer]), np.array([0]))
    among = take(columns_of([*answers, answer]), np.array([len(answers)]))
    assert kind_of(among) == kind_of(alone)


@pytest.mark.parametrize(
    "answers",
    [[[1], [2]], [{"a": [1]}], [{"a": {"b": 1}}], [{}, {}], [(1, 2)], [np.zeros(2), np.zeros(2)]],
    ids=repr,
)
def test_nested_answers_are_no_columns(answers):
    assert isinstance(columns_of(answers), list)
    assert all(map(np.array_equal, columns_of(answers), answers))


def test_scalar_answers_are_one_column():
    assert columns_of([1, 2]).tolist() == [1, 2]
    assert same(objects(columns_of([1, None, "x"])), [1, None, "x"])
    assert columns_of([]) == []
