"""`Merge`: parts of an event that several branches bring, told apart by event or by a key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_magics import EventError, Graph, GraphError, mlrun
from graph_magics.mlrun.storey.merging import MAX_BEHIND, Waiting


class Sum(mlrun.Merge):
    """Adds the parts up."""

    def merge_function(self, last_event, events):
        last_event.body = sum(event.body for event in events)
        return last_event


class Some(mlrun.Choice):
    """Sends to branches a to c, as the body says."""

    def select_outlets(self, event):
        return list(event)


def merged(merge="Merge", *, branches=("(event + 1)", "(event * 2)"), **options) -> Graph:
    """A step, some branches after it, and their merge, which answers."""
    graph = Graph("g")
    graph.to(name="start", handler="(event)")
    names = [f"b{number}" for number in range(len(branches))]
    for name, handler in zip(names, branches, strict=True):
        graph["start"].to(name=name, handler=handler)
    graph.add_step(merge, name="merge", after=names, **options).respond()
    return graph


def keyed(**options) -> Graph:
    """A merge of events that have the same key."""
    graph = Graph("g")
    graph.to("Merge", name="m", key_path="event['k']", **options).respond()
    return graph


def responses(run) -> list:
    lost = run.frame["status"] >= 400
    return [None if x else b for b, x in zip(run.frame["response"].tolist(), lost, strict=True)]


@given(bodies=st.lists(st.integers(-3, 3), max_size=10), size=st.integers(1, 5))
def test_a_batch_is_merged_as_its_events_are(bodies, size):
    for merge, answer in (("Merge", lambda x: [x + 1, x * 2]), (Sum, lambda x: 3 * x + 1)):
        graph = merged(merge)
        assert responses(graph.run(bodies)) == [answer(x) for x in bodies]
        assert responses(graph.run(bodies, chunk_size=size)) == [answer(x) for x in bodies]
        assert [graph.test(body=x) for x in bodies] == [answer(x) for x in bodies]


@given(bodies=st.lists(st.sampled_from(["a", "ab", "ba", "abc", "cab", ""]), max_size=10))
def test_only_events_whose_parts_all_come_are_merged(bodies):
    graph = Graph("g")
    graph.to(Some, name="choice")
    for name in "abc":
        graph["choice"].to(name=name, handler=f"('{name}')")
    graph.add_step("Merge", name="m", after=["a", "b", "c"], expected_num_events=2).respond()
    # Of three parts the third begins to wait again, for nothing.
    answers = [list(body[:2]) if len(body) > 1 else None for body in bodies]
    assert responses(graph.run(bodies)) == answers
    assert [responses(graph.run([body]))[0] for body in bodies] == answers


def test_parts_come_in_the_order_of_the_branches():
    branches = [f"(event + ['{name}'])" for name in "xyz"]
    assert merged(branches=branches).test(body=[]) == [["x"], ["y"], ["z"]]


def test_an_event_that_fails_in_a_branch_fails_alone():
    graph = merged(branches=("(event)", "(1 / event)"))
    assert responses(graph.run([1, 0, 2])) == [[1, 1.0], None, [2, 0.5]]
    with pytest.raises(EventError, match=r"b1.*division by zero"):
        graph.test(body=0)


def test_a_part_that_waits_for_nothing_is_not_of_the_next_run():
    graph = merged(branches=("(event)", "(1 / event)"))
    for _ in range(3):
        assert responses(graph.run([0, 1])) == [None, [1, 1.0]]


def test_parts_of_requests_with_one_id_are_of_one_event_as_in_mlrun():
    graph = Graph("g")
    graph.to("Merge", name="m", expected_num_events=2).respond()
    with pytest.raises(EventError, match="filtered"):
        graph.test(body=1, event_id="e")
    with pytest.raises(EventError, match="filtered"):
        graph.test(body=2, event_id="f")
    assert graph.test(body=3, event_id="e") == [1, 3]


def test_a_merge_after_one_step_lets_everything_through():
    assert merged(branches=("(event + 1)",)).test(body=5) == 6
    assert merged(expected_num_events=1).test(body=5) == 6
    assert merged(branches=("(0)",)).test(body=5) == 0


def test_events_of_one_key_are_merged_whatever_run_they_come_with():
    graph = keyed(expected_num_events=2)
    a, b = {"k": "a"}, {"k": "b"}
    assert responses(graph.run([a, b, a])) == [None, None, [a, a]]
    assert responses(graph.run([b])) == [[b, b]]


def test_a_key_may_be_found_by_a_subclass():
    class Parity(Sum):
        def get_join_key(self, event):
            return event.body % 2

    graph = Graph("g")
    graph.to(Parity, name="m", expected_num_events=2).respond()
    assert responses(graph.run([1, 2, 3, 4])) == [None, None, 4, 6]


def test_branches_with_a_key_are_merged_event_by_event():
    graph = merged(
        branches=("(event)", "(event)"), key_path="event['k']", full_event=False
    )  # fmt: skip
    events = [{"k": 1, "n": n} for n in range(3)]
    assert responses(graph.run(events)) == [[e, e] for e in events]


def test_a_key_that_a_subclass_is_made_with_is_one():
    class ByName(mlrun.Merge):
        def __init__(self, **kwargs):
            super().__init__(**{**kwargs, "key_path": "event['k']", "full_event": False})

    graph = merged(ByName, branches=("(dict(event, b=0))", "(dict(event, b=1))"))
    run = graph.run([{"k": 1, "n": 0}, {"k": 1, "n": 1}])
    assert responses(run) == [[{"k": 1, "n": n, "b": b} for b in (0, 1)] for n in (0, 1)]


def test_a_key_that_cannot_be_found_fails_for_its_event_only():
    graph = keyed(expected_num_events=2)
    run = graph.run([{"k": 1}, {}, {"k": []}, {"k": 1}])
    assert run.errors["error"].tolist() == ["Filtered", "KeyError", "TypeError"]


def test_where_the_answer_is_written_and_the_parts_are_read():
    graph = merged(
        branches=("(dict(event, x=1))", "(dict(event, x=2))"),
        key_path="event", full_event=False, input_path="k", result_path="all",
    )  # fmt: skip
    assert graph.test(body={"k": 3}) == {"k": 3, "x": 2, "all": [3, 3]}


def test_a_merge_that_fails_or_gives_nothing_says_so():
    class Fails(mlrun.Merge):
        def merge_function(self, last_event, events):
            if events[0].body > 2:
                raise ValueError("too much")
            return None if events[0].body > 1 else {} if events[0].body else last_event

    run = merged(Fails, branches=("(event)", "(event)")).run([0, 1, 2, 3])
    assert run.frame["status"].tolist() == [200, 400, 400, 400]
    assert run.errors["message"].tolist()[0].startswith("a step with full_event must return")
    assert run.errors["error"].tolist()[1:] == ["Filtered", "ValueError"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"key_path": "event['k'"}, "key_path .* is no expression"),
        ({"full_event": False}, "full_event=False needs a key_path"),
        ({"max_behind": "many"}, "max_behind must be a whole number"),
        ({"expected_num_events": -1}, "expected_num_events must be a whole number"),
    ],
)
def test_what_cannot_be_is_said_before_any_event(options, words):
    with pytest.raises(GraphError, match=words) as caught:
        merged(**options).test(body=1)
    assert not isinstance(caught.value, EventError)


# --- waiting --------------------------------------------------------------------------------------


def test_a_key_is_given_up_when_so_many_have_come_after_it():
    given_up: list[str] = []
    waiting = Waiting(2, 2, given_up.append)
    assert [waiting.add(key, 1) for key in "ab"] == [None, None]
    assert waiting.add("c", 1) is None and given_up == ["a"]
    assert waiting.add("b", 2) == [1, 2]
    assert waiting.add("a", 2) is None, "the part that is late is dropped"
    assert waiting.add("a", 3) is None and waiting.add("a", 4) == [3, 4], "and then it is new"


@given(keys=st.lists(st.integers(0, 6), max_size=60), most=st.integers(1, 4))
def test_never_more_than_so_many_wait(keys, most):
    given_up: list[int] = []
    waiting, answered = Waiting(2, most, given_up.append), 0
    for key in keys:
        answered += waiting.add(key, key) is not None
        assert len(waiting._parts) <= most
    assert 2 * answered + len(waiting._parts) + len(given_up) <= len(keys)


def test_what_is_given_up_is_logged(caplog):
    graph = keyed(expected_num_events=2, max_behind=1)
    graph.run([{"k": 1}, {"k": 2}])
    assert "missing parts for event key 1" in caplog.text


def test_as_many_wait_as_in_mlrun():
    graph = keyed(expected_num_events=2)
    graph.run([{"k": key} for key in range(MAX_BEHIND)])
    assert graph.test(body={"k": 0}) == [{"k": 0}, {"k": 0}]
    with pytest.raises(EventError, match="filtered"):
        graph.test(body={"k": MAX_BEHIND})
    with pytest.raises(EventError, match="filtered"):
        graph.test(body={"k": MAX_BEHIND + 1})
    with pytest.raises(EventError, match="filtered"):
        graph.test(body={"k": 1})  # Given up.
