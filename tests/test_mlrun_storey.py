"""storey's steps in graphs declared by MLRun's calls: alone, in batches, and when they fail."""

from __future__ import annotations

import asyncio
import copy

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_magics import EventError, Graph, GraphError, mlrun
from graph_magics.mlrun.storey.dtypes import _termination_obj

BODIES = st.lists(st.integers(-5, 5), max_size=12)


class Even(mlrun.MapClass):
    """Drops what is odd."""

    def do(self, event):
        if event % 2:
            self.filter()
        return event


class Counting(mlrun.MapClass):
    """Says how many came."""

    def __init__(self, start=0, **kwargs):
        super().__init__(**kwargs)
        self.count = start

    def do(self, event):
        self.count += 1
        return [event, self.count]


class Sign(mlrun.Choice):
    """Sends by the sign."""

    def select_outlets(self, event):
        return [] if event == 0 else ["plus"] if event > 0 else ["minus"]


class Twice(mlrun.Flow):
    """Sends an event on as it is, and again with a mark."""

    async def _do(self, event):
        if event is _termination_obj:
            return
        other = copy.copy(event)
        other.body = [event.body, "again"]
        await self._do_downstream(event)
        await self._do_downstream(other)


class InPairs(mlrun.Flow):
    """Holds an event back until the next one comes."""

    held = None

    async def _do(self, event):
        held, self.held = self.held, event if self.held is None else None
        if held is not None:
            await self._do_downstream(held)
            await self._do_downstream(event)


def increase(x):
    return x + 1


def inverse(x):
    return 1 / x


def one(**step) -> Graph:
    """A graph of one step, which answers."""
    graph = Graph("g")
    graph.to(name="s", **step).respond()
    return graph


def forked(choice, **options) -> Graph:
    """A step with two to choose from, and one after both."""
    graph = Graph("g")
    graph.to(choice, name="choice", **options)
    graph["choice"].to(name="plus", handler="('+', event)")
    graph["choice"].to(name="minus", handler="('-', event)")
    graph.add_step(name="end", handler="(event)", after=["plus", "minus"]).respond()
    return graph


def responses(run) -> list:
    return [None if lost else body for body, lost in zip(
        run.frame["response"].tolist(), run.frame["status"] >= 400, strict=True)]  # fmt: skip


# --- a batch is its events ------------------------------------------------------------------------

STEPS = {
    "map": {"class_name": "storey.Map", "_fn": "(event * 3)"},
    "map that fails": {"class_name": "storey.Map", "_fn": inverse},
    "filter": {"class_name": "storey.Filter", "_fn": "(event > 0)"},
    "filter that fails": {"class_name": "storey.Filter", "_fn": "(1 / event > 0)"},
    "flat map": {"class_name": "storey.FlatMap", "_fn": "(range(event))"},
    "flat map that fails": {"class_name": "storey.FlatMap", "_fn": "([1 / event, event])"},
    "for each": {"class_name": "storey.ForEach", "_fn": inverse},
    "partition": {"class_name": "storey.Partition", "_predicate": "(event.body > 0)"},
    "class": {"class_name": Even},
    "user's flow": {"class_name": Twice},
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
@given(bodies=BODIES)
def test_a_batch_is_answered_as_its_events_are(step, bodies):
    graph = one(**step)
    alone = [responses(graph.run([body]))[0] for body in bodies]
    assert responses(graph.run(bodies)) == alone
    assert responses(graph.run(bodies, chunk_size=2)) == alone


@given(bodies=BODIES)
def test_a_choice_sends_events_of_a_batch_where_they_would_go_alone(bodies):
    graph = forked(Sign)
    run = graph.run(bodies)
    assert responses(run) == [
        None if x == 0 else ("+", x) if x > 0 else ("-", x) for x in bodies
    ]  # fmt: skip
    assert len(run.frame) == len(bodies)


@given(bodies=BODIES)
def test_what_remembers_events_gets_them_in_order(bodies):
    graph = one(class_name=Counting)
    assert responses(graph.run(bodies)) == [[x, n] for n, x in enumerate(bodies, start=1)]


@given(bodies=st.lists(st.integers(0, 3), max_size=8))
def test_what_remembers_events_gets_the_parts_of_one_before_the_next(bodies):
    graph = Graph("g")
    graph.to("storey.FlatMap", name="f", _fn="([event] * event)").to(Counting, name="c").respond()
    first, answers = 1, []
    for x in bodies:
        answers.append([x, first] if x else None)
        first += x
    assert responses(graph.run(bodies)) == answers


@given(bodies=st.lists(st.sampled_from(["ab", "ba", "a", "b", ""]), max_size=8))
def test_branches_that_remember_events_get_them_in_order_whatever_is_chosen(bodies):
    class Letters(mlrun.Choice):
        def select_outlets(self, event):
            return list(event)

    graph = Graph("g")
    graph.to(Letters, name="choice")
    graph["choice"].to(Counting, name="a")
    graph["choice"].to(Counting, name="b")
    graph.add_step(name="end", handler="(event)", after=["a", "b"]).respond()
    counts, answers = {"a": 0, "b": 0}, []
    for body in bodies:
        for letter in body:
            counts[letter] += 1
        answers.append([body, counts[body[0]]] if body else None)
    assert responses(graph.run(bodies)) == answers


# --- steps of a function --------------------------------------------------------------------------


def test_a_function_is_named_or_written_or_given():
    assert one(class_name="storey.Map", _fn="increase").test(body=1) == 2
    assert one(class_name="storey.Map", _fn="(event + 2)").test(body=1) == 3
    assert one(class_name="storey.Map", fn=increase).test(body=1) == 2
    assert one(class_name=mlrun.Map(increase)).test(body=1) == 2


def test_a_text_that_is_no_function_says_how_to_name_one():
    with pytest.raises(GraphError, match="_fn="):
        one(class_name="storey.Map", fn="increase").test(body=1)


def test_async_functions_of_a_batch_wait_together():
    under_way, most = 0, 0

    async def slow(x):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return x

    assert responses(one(class_name="storey.Map", fn=slow).run(list(range(20)))) == [*range(20)]
    assert most > 10


def test_a_function_may_be_given_the_context():
    def told(x, context):
        return [x, context.is_mock]

    assert one(class_name="storey.Map", fn=told, pass_context=True).test(body=1) == [1, True]


def test_a_function_reads_and_writes_at_paths():
    graph = one(class_name="storey.Map", _fn="(event + 1)", input_path="a.b", result_path="c.d")
    event = {"a": {"b": 1}}
    assert graph.test(body=event) == {"a": {"b": 1}, "c": {"d": 2}}
    assert event == {"a": {"b": 1}}


def test_each_item_at_a_path_has_a_body_of_its_own():
    graph = Graph("g")
    graph.to("storey.FlatMap", name="f", _fn="(event)", input_path="x", result_path="y")
    graph["f"].to("storey.Reduce", name="r", initial_value=[], fn=lambda all, body: [*all, body])
    graph.run([{"x": [1, 2]}])
    assert graph.nodes["r"].object.result == [{"x": [1, 2], "y": 1}, {"x": [1, 2], "y": 2}]


def test_items_may_be_events_with_a_path_of_their_own():
    def split(event):
        twins = [copy.copy(event), copy.copy(event)]
        for number, twin in enumerate(twins):
            twin.path = f"/{number}"
        return twins

    graph = Graph("g")
    graph.to("storey.FlatMap", name="f", fn=split, full_event=True)
    graph["f"].to("storey.ReifyMetadata", name="r", mapping=["path"]).respond()
    assert graph.test(body={}) == {"path": "/0"}


def test_one_event_of_many_items_does_not_slow_down_the_others():
    graph = Graph("g")
    graph.to("storey.FlatMap", name="f", _fn="(range(event))").to(name="r", handler="(event)")
    graph["r"].respond()
    assert responses(graph.run([1] * 3000 + [300]))[-1] == 0


def test_what_extends_a_body_does_not_change_the_event():
    event = {"a": 1}
    assert one(class_name="storey.Extend", _fn="({'b': 2})").test(body=event) == {"a": 1, "b": 2}
    assert event == {"a": 1}


def test_an_extension_that_is_no_dict_fails_for_its_event_only():
    graph = one(class_name="storey.Extend", _fn="({'b': 2} if event['a'] else [1])")
    run = graph.run([{"a": 1}, {"a": 0}])
    assert run.frame["status"].tolist() == [200, 400]


def test_a_state_goes_from_event_to_event_and_is_not_the_declared_one():
    def add(x, state):
        state["sum"] += x
        return state["sum"], state

    initial = {"sum": 0}
    graph = one(class_name="storey.MapWithState", initial_state=initial, fn=add)
    assert [graph.test(body=x) for x in (1, 2, 3)] == [1, 3, 6]
    assert initial == {"sum": 0}


def test_an_event_that_fails_leaves_the_state_as_it_was():
    graph = one(class_name="storey.MapWithState", initial_state=0, fn=lambda x, s: (s + x, s + x))
    assert responses(graph.run([1, "a", 2])) == [1, None, 3]


def test_a_state_may_be_kept_for_each_key():
    graph = Graph("g")

    def keyed(event):
        event.key = event.body
        return event

    graph.to(name="k", handler=keyed, full_event=True)
    graph["k"].to(
        "storey.MapWithState", name="s", initial_state={"a": 0, "b": 0}, group_by_key=True,
        fn=lambda x, state: (f"{x}{state}", state + 1),
    ).respond()  # fmt: skip
    assert responses(graph.run(["a", "b", "a", "c"])) == ["a0", "b0", "a1", None]


# --- fields ---------------------------------------------------------------------------------------

ROWS = [{"a": 1, "c": 2}, {"a": 3, "c": 4}]


@pytest.mark.parametrize(
    ("step", "wanted"),
    [
        ({"class_name": "storey.Rename", "mapping": {"a": "b", "zz": "q"}}, {"c": 2, "b": 1}),
        ({"class_name": "storey.Rename", "mapping": {"a": "c"}}, {"c": 1}),
        ({"class_name": "storey.flow.DropColumns", "columns": "a"}, {"c": 2}),
        ({"class_name": "storey.flow.DropColumns", "columns": ["a", "zz"]}, {"c": 2}),
    ],
)
def test_fields_of_a_table_change_as_those_of_bodies(step, wanted):
    table, graph = pd.DataFrame(ROWS), one(**step)
    assert graph.test(body=ROWS[0]) == wanted
    bodies = responses(graph.run(ROWS))
    frame = graph.run(table).frame
    for name in wanted:
        assert frame[f"response.{name}"].tolist() == [body[name] for body in bodies]
    assert table.equals(pd.DataFrame(ROWS))


def test_metadata_of_each_event_is_written_into_its_body():
    graph = one(class_name="storey.flow.ReifyMetadata", mapping={"id": "event", "path": "p"})
    assert responses(graph.run([{}, {}])) == [{"event": "0", "p": "/"}, {"event": "1", "p": "/"}]
    assert graph.test("/x", {}, event_id="e") == {"event": "e", "p": "/x"}


def test_headers_that_a_step_writes_to_are_those_of_its_event_only():
    def mark(event):
        event.body = event.headers.get("x")
        event.headers["x"] = "seen"
        return event

    graph = one(handler=mark, full_event=True)
    assert responses(graph.run([1, 2])) == [None, None]
    assert graph.test(body=1) is None


# --- classes --------------------------------------------------------------------------------------


def test_an_event_that_was_filtered_says_where():
    graph = Graph("g")
    graph.to(name="first", handler="(event)").to(Even, name="even").to(name="last", handler="(0)")
    graph["last"].respond()
    with pytest.raises(EventError, match=r"'even': filtered: the event did not reach .* 'last'"):
        graph.test(body=3)


def test_a_filter_set_by_one_async_event_is_not_of_another():
    class Later(mlrun.MapClass):
        async def do(self, event):
            if event % 2:
                self.filter()
            await asyncio.sleep(0.001 * (event % 3))
            return event

    bodies = list(range(30))
    assert responses(one(class_name=Later).run(bodies)) == [
        None if x % 2 else x for x in bodies
    ]  # fmt: skip


def test_a_failing_event_does_not_take_the_filter_with_it():
    class Fails(mlrun.MapClass):
        def do(self, event):
            if event == 1:
                self.filter()
                raise ValueError("after filtering")
            return event

    assert responses(one(class_name=Fails).run([0, 1, 2])) == [0, None, 2]
    graph = one(class_name=Fails)
    with pytest.raises(EventError, match="after filtering"):
        graph.test(body=1)
    assert graph.test(body=2) == 2


def test_the_sync_engine_answers_what_was_filtered_as_mlrun_does():
    graph = Graph("g", engine="sync")
    graph.to(Even, name="even").respond()
    assert graph.test(body=3) == 3


def test_a_class_and_an_object_of_it_are_made_alike():
    for step in ({"class_name": "Counting", "start": 3}, {"class_name": Counting(start=3)}):
        graph = one(**step)
        assert graph.test(body="x") == ["x", 4]
        made = graph.nodes["s"].object
        assert made.name == "s" and made.context.is_mock and made.logger is made.context.logger


def test_a_class_that_leaves_out_its_base_is_run_all_the_same():
    class Bare(mlrun.MapClass):
        def __init__(self):
            pass

        def do(self, event):
            return event + 1

    assert one(class_name=Bare).test(body=1) == 2
    paths = one(class_name=Bare, input_path="x", result_path="y")
    assert paths.test(body={"x": 1}) == {"x": 1, "y": 2}


@pytest.mark.parametrize("name", ["Map", "Filter", "Rename", "Sign", "Twice", "Merge"])
def test_the_sync_engine_refuses_what_it_cannot_run_before_any_event(name):
    graph = Graph("g", engine="sync")
    graph.to(name, name="s")
    with pytest.raises(GraphError, match='async engine only; write engine="async"') as caught:
        graph.test(body=1)
    assert not isinstance(caught.value, EventError)


# --- flows of one's own ---------------------------------------------------------------------------


def test_a_flow_of_ones_own_sends_on_as_often_as_it_likes():
    graph = Graph("g")
    graph.to(Twice, name="t").to("storey.Reduce", name="r", initial_value=0, fn=lambda n, _: n + 1)
    graph.run([1, 2, 3])
    assert graph.nodes["r"].object.result == 6


def test_an_event_that_a_flow_held_back_is_answered_itself():
    graph = Graph("g")
    graph.to(InPairs, name="p").to(name="last", handler="(event)").respond()
    assert responses(graph.run([1, 2, 3])) == [1, 2, None]


def test_a_flow_may_send_to_some_steps_only():
    class ToMinus(mlrun.Flow):
        async def _do(self, event):
            outlets = [outlet for outlet in self._outlets if outlet.name == "minus"]
            await self._do_downstream(event, outlets=outlets)

    assert forked(ToMinus).test(body=5) == ("-", 5)


def test_a_class_may_wrap_what_it_inherits():
    class Wrapped(Even):
        async def _do(self, event):
            event.body += 1
            await super()._do(event)

    assert responses(one(class_name=Wrapped).run([1, 2, 3])) == [2, None, 4]


def test_a_body_that_a_flow_changes_later_went_on_as_it_was():
    class Growing(mlrun.Flow):
        async def _do(self, event):
            for number in range(2):
                event.body.append(number)
                await self._do_downstream(event)

    graph = Graph("g")
    graph.to(Growing, name="g").to("storey.Reduce", name="r", initial_value=[],
                                   fn=lambda all, body: [*all, body])  # fmt: skip
    graph.run([[]])
    assert graph.nodes["r"].object.result == [[0], [0, 1]]


# --- choices --------------------------------------------------------------------------------------


def test_a_plain_class_chooses_by_its_answer():
    class Doubling:
        def do(self, x):
            return x * 2

        def select_outlets(self, x):
            return ["plus"] if x > 10 else None

    graph = forked(Doubling)
    assert graph.test(body=6) == ("+", 12)
    assert graph.test(body=1) == ("+", 2)  # To both, of which the first answers.


def test_the_last_step_answers_unless_it_sends_an_event_away():
    class Last:
        def do(self, x):
            return x

        def select_outlets(self, x):
            return ["there"] if x else None

    run = one(class_name=Last).run([0, 1])
    assert run.frame["status"].tolist() == [200, 400]
    assert "no step follows it" in run.frame["error"].tolist()[1]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["pluss"], "did you mean 'plus'.*'plus', 'minus'"),
        (["plus", "plus"], "a step twice"),
        (None, "it gave None"),
        ("plus", "letter by letter"),
        (5, "not iterable"),
        ([["plus"]], "no step that follows"),
    ],
)
def test_a_wrong_choice_fails_for_its_event_and_says_why(names, words):
    class Wrong(mlrun.Choice):
        def select_outlets(self, event):
            return names if event else ["plus"]

    graph = forked(Wrong)
    assert graph.run([0, 1, 0]).frame["status"].tolist() == [200, 400, 200]
    with pytest.raises(EventError, match=words):
        graph.test(body=1)


def test_a_wrong_choice_is_handled_where_failures_are():
    graph = Graph("g")
    graph.to("ChoiceByField", name="choice", field_name="go")
    graph["choice"].error_handler(name="caught", handler="('caught', event)")
    graph["choice"].to(name="a", handler="('a')").respond()
    assert graph.test(body={"go": "a"}) == "a"
    assert graph.test(body={"go": "b"}) == ("caught", {"go": "b"})


def test_an_event_that_is_sent_nowhere_says_so():
    with pytest.raises(EventError, match="'choice': filtered"):
        forked(Sign).test(body=0)


def test_the_choice_stands_in_the_trace():
    graph = forked("ChoiceByField", field_name="go")
    run = graph.run([{"go": "minus"}, {"go": ["plus", "minus"]}, {"x": 1}])
    routes = [run.trace(position=p).set_index("step")["route"]["choice"] for p in range(3)]
    assert routes == ["minus", "plus, minus", None]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"x": 1}, 500),
        ({"go": None}, 400),
        ({"go": 3}, 400),
        ({"go": []}, 500),
        ({"go": ""}, 400),
        (5, 400),
    ],
)
def test_a_field_that_names_no_step_has_the_status_of_mlrun(body, status):
    graph = forked("ChoiceByField", field_name="go")
    assert graph.test(body=body, get_body=False).status_code == status


# --- queues and what gathers ----------------------------------------------------------------------


def test_a_queue_lets_events_through_or_keeps_them():
    graph = Graph("g")
    graph.to(name="a", handler="(event + 1)").to("$queue", name="q", path="")
    graph["q"].to(name="b", handler="(event * 2)", function="child").respond()
    assert graph.test(body=1) == 4 and graph["q"].items == []

    end = Graph("g")
    end.to(">>", name="q", path="")
    event = {"a": [1]}
    end.run([event])
    event["a"].append(2)
    assert end["q"].items == [{"a": [1]}]


def test_events_are_put_together_by_key():
    graph = one(class_name="storey.Batch", max_events=2, full_event=False, key_field="k")
    a, b = {"k": "a"}, {"k": "b"}
    assert responses(graph.run([a, b, b, a])) == [None, None, [b, b], [a, a]]


def test_a_window_lets_its_first_event_on_or_its_last():
    graph = one(class_name="storey.SampleWindow", window_size=2)
    assert responses(graph.run([1, 2, 3, 4])) == [1, None, 3, None]
    last = one(
        class_name="storey.SampleWindow", window_size=2, emit_period=mlrun.EmitPeriod.LAST
    )  # fmt: skip
    assert responses(last.run([1, 2, 3, 4])) == [None, 2, None, 4]


def test_nothing_follows_a_reduction():
    graph = one(class_name="storey.Reduce", initial_value=0, fn=max)
    with pytest.raises(GraphError, match="nothing comes of a Reduce"):
        graph.test(body=1)


def test_what_waits_is_tried_again_as_often_as_is_said():
    tries = []

    def flaky(x):
        tries.append(x)
        if len(tries) < 3:
            raise ValueError("not yet")
        return x

    step = {"class_name": "storey.ConcurrentExecution", "event_processor": flaky}
    assert one(**step, retries=2, backoff_factor=0).test(body=7) == 7
    tries.clear()
    with pytest.raises(EventError, match="not yet"):
        one(**step, retries=1, backoff_factor=0).test(body=7)
