"""JSON bodies as columns: stacked where they can be, and none harmed by its neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_magics.batch import Batch
from graph_magics.bodies import Samples, objects
from graph_magics.columns import over_columns

from .models import context


class Stacked:
    """Answers each event with what it was given, and remembers the tables it came in."""

    def __init__(self) -> None:
        self.tables: list[Any] = []

    def __call__(self, batch: Batch) -> Batch:
        self.tables.append(batch.bodies)
        return batch.answer(objects(batch.bodies))


def batch_of(bodies: list[Any]) -> Batch:
    return Batch(bodies, np.arange(10, 10 + len(bodies)))


def stack(bodies: list[Any]) -> list[Any]:
    seen = Stacked()
    over_columns(batch_of(bodies), context(), seen)
    return seen.tables


def outcome(bodies: list[Any]) -> list[Any]:
    """Each event's answer, or its failure's text."""
    answer = over_columns(batch_of(bodies), context(), Stacked())
    told: dict[int, Any] = dict(zip(answer.positions.tolist(), answer.bodies, strict=True))
    told |= {position: f"failed: {f.error}" for position, f in answer.failures.items()}
    assert sorted(told) == list(range(10, 10 + len(bodies)))
    return [told[position] for position in sorted(told)]


def test_one_sample_each_is_one_array():
    (table,) = stack([{"inputs": [[1.0, 2.0]]}, {"inputs": [[3.0, 4.0]]}])
    assert table.key == "inputs"
    assert table.counts is None
    assert table.values.tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_several_samples_are_counted():
    bodies = [{"instances": [[1], [2]]}, {"instances": []}, {"instances": [[3]]}]
    some, none = stack(bodies)
    assert some.counts.tolist() == [2, 1]
    assert some.values.tolist() == [[1], [2], [3]]
    assert none.counts.tolist() == [0]
    assert outcome(bodies) == bodies


def test_samples_that_are_objects_are_a_frame():
    (table,) = stack([{"inputs": [{"age": 3, "sex": "f"}]}, {"inputs": [{"age": 4.5, "sex": "m"}]}])
    assert table.values.to_dict("list") == {"age": [3.0, 4.5], "sex": ["f", "m"]}


def test_objects_that_name_their_fields_in_another_order_are_another_table():
    bodies = [{"inputs": [{"a": 1, "b": 2}]}, {"inputs": [{"b": 3, "a": 4}]}]
    assert [table.values.columns.tolist() for table in stack(bodies)] == [["a", "b"], ["b", "a"]]
    assert outcome(bodies) == bodies


def test_flat_bodies_are_one_frame():
    (table,) = stack([{"age": 3, "sex": "f"}, {"age": 4.5, "sex": None}])
    assert table["age"].dtype == float
    assert table["sex"].tolist() == ["f", None]


def test_bodies_of_several_kinds_are_one_table_a_kind_and_come_back_in_order():
    bodies = [{"a": 1}, {"b": 2}, {"inputs": [[1]]}, {"a": 3}, {"instances": [[1]]}]
    assert len(stack(bodies)) == 4
    assert outcome(bodies) == bodies


def test_columns_are_run_as_they_are():
    frame = pd.DataFrame({"a": [1, 2]})
    seen = Stacked()
    over_columns(Batch(frame, np.arange(2)), context(), seen)
    assert seen.tables == [frame] or seen.tables[0] is frame


def test_the_routes_of_a_router_share_what_was_stacked():
    batch, first, second = batch_of([{"inputs": [[1]]}, {"a": 1}]), Stacked(), Stacked()
    over_columns(batch, context("a"), first)
    over_columns(batch, context("b"), second)
    assert all(map(lambda one, other: one is other, first.tables, second.tables))


@pytest.mark.parametrize("bad", [5, {}], ids=repr)
def test_each_node_tells_its_own_failures(bad):
    batch = batch_of([{"inputs": [[1]]}, bad])
    for path in ("a", "b"):
        failures = over_columns(batch, context(path), Stacked()).failures
        assert [failure.node for failure in failures.values()] == [path]


def test_earlier_failures_ride_along():
    earlier = over_columns(batch_of([5, {"a": 1}]), context("first"), Stacked())
    later = over_columns(earlier, context("second"), Stacked())
    assert [(p, f.node) for p, f in later.failures.items()] == [(10, "first")]


# --- what cannot be stacked -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (5, ["must be an object", "got int: 5"]),
        (None, ["must be an object", "NoneType"]),
        ([1, 2], ["must be an object", "list"]),
        ("text", ["must be an object", "'text'"]),
        ({}, ["empty"]),
        ({"inputs": None}, ['"inputs" must be a list', "NoneType"]),
        ({"inputs": "abc"}, ['"inputs" must be a list', "str"]),
        ({"inputs": {"a": 1}}, ['"inputs" must be a list', "dict"]),
        ({"instances": 5}, ['"instances" must be a list', "int"]),
        ({"inputs": [[1, 2], [3]]}, ['"inputs"', "same length"]),
        ({"inputs": [{"a": 1}, {"b": 1}]}, ['"inputs"', "same keys"]),
        ({"inputs": [{"a": 1}, 5]}, ['"inputs"', "same keys"]),
        ({"inputs": [{}]}, ["empty"]),
    ],
    ids=repr,
)
def test_a_body_that_is_none_fails_alone_and_says_why(body, words):
    good = [{"inputs": [[1, 2]]}, {"inputs": [[0.5, 2]]}, {"inputs": [{"a": 1}]}, {"a": 1}]
    bodies = [*good[:2], body, *good[2:]]
    alone, among = outcome([body]), outcome(bodies)
    for word in words:
        assert word in alone[0]
    assert among[2] == alone[0]
    assert among[:2] + among[3:] == good
    failures = over_columns(batch_of([body]), context(), Stacked()).failures
    assert [failure.status for failure in failures.values()] == [400]


SAMPLES = st.one_of(
    st.lists(st.integers(-5, 5), min_size=1, max_size=3),
    st.lists(st.sampled_from([0.5, 10**400, "x", None, True]), min_size=1, max_size=2),
    st.just({"a": 1}),
    st.just({"a": "x", "b": 2.5}),
    st.integers(0, 3),
)
EVENTS = st.one_of(
    st.lists(SAMPLES, max_size=2).map(lambda some: {"inputs": some}),
    st.lists(SAMPLES, max_size=2).map(lambda some: {"instances": some}),
    st.just({"inputs": 5}),
    st.just({"a": 1}),
    st.just({"b": 1, "a": 2}),
    st.sampled_from([None, 3, "x", {}, []]),
)


@given(st.lists(EVENTS, min_size=1, max_size=6))
def test_an_event_is_stacked_or_fails_as_it_does_alone(bodies):
    for together, body in zip(outcome(bodies), bodies, strict=True):
        (alone,) = outcome([body])
        assert together == alone


def test_numbers_beside_text_stay_numbers():
    (table,) = stack([{"inputs": [[1, "a"]]}, {"inputs": [[2.5, "b"]]}])
    assert table.values.tolist() == [[1, "a"], [2.5, "b"]]


def test_samples_are_told_from_features_by_their_key_alone():
    (table,) = stack([{"outputs": [1], "a": 2}])
    assert isinstance(table, pd.DataFrame)
    (table,) = stack([{"inputs": [[1]], "id": "x", "parameters": {}}])
    assert isinstance(table, Samples)
