"""The laws of design.md, section 2, over random graphs of KServe's routers."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph_magics import (
    Ensemble,
    EventError,
    Graph,
    GraphError,
    Response,
    Route,
    Run,
    Sequence,
    Splitter,
    Step,
    Switch,
    context,
    gjson,
)
from graph_magics.bodies import objects
from graph_magics.engine import execute, take_events
from graph_magics.serving import requests_of, without_crash
from graph_magics.wire import written

from . import strategies_kserve as some
from .strategies_events import frames
from .strategies_steps import canonical, leaves

#: To search for what breaks a law: LAW_EXAMPLES=2000 python -m pytest tests/test_laws_kserve.py
EXAMPLES = int(os.environ.get("LAW_EXAMPLES", "80"))
tried = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
Outcome = tuple[Any, ...]


@pytest.fixture(scope="module", autouse=True)
def short_loops() -> Iterator[None]:
    """Let no event go through many nodes: those that go round are to be quick."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context, "MAX_DEPTH", 24)
        yield


def outcomes(graph: Graph, events: Any, seed: int = 0, chunk_size: int | None = None) -> list[Any]:
    """Give what came of each event: a body with its status, or an error and whose it is."""
    taken = take_events(events)
    if graph.manifest is not None:
        taken = requests_of(taken)
    is_json = isinstance(taken.bodies, list)
    found: dict[int, Outcome] = {}
    for answer in execute(graph.root, taken, seed=seed, chunk_size=chunk_size).answers:
        answer = without_crash(answer)
        codes = np.full(len(answer), 200) if answer.status is None else answer.status
        positions = answer.positions.tolist()
        for position, code, body in zip(positions, codes, objects(answer.bodies), strict=True):
            assert position not in found
            found[position] = ("body", int(code), told(body, exactly=is_json))
        for position, failure in answer.failures.items():
            assert position not in found
            error = failure.error
            message = str(error) if isinstance(error, GraphError) else type(error).__name__
            found[position] = ("error", failure.node, failure.status, message)
    assert sorted(found) == list(range(len(taken)))
    return [found[position] for position in sorted(found)]


def told(body: Any, *, exactly: bool) -> Any:
    """Give a body as something that can be compared: as it is written, where it is JSON."""
    if not exactly:
        return canonical(body)
    try:
        return written(body)
    except (TypeError, ValueError):
        return repr(body)


def one(events: Any, position: int) -> Any:
    """Give a batch of one of these events."""
    if isinstance(events, pd.DataFrame):
        return events.iloc[[position]]
    return events[position : position + 1]


# --- 1: an event is answered as if it were alone ---------------------------------------------


@tried
@given(some.graphs(random=False), some.events())
def test_law_1_the_others_of_a_batch_change_no_answer(graph: Graph, events: Any) -> None:
    together = outcomes(graph, events)
    alone = [outcomes(graph, one(events, position))[0] for position in range(len(together))]
    assert together == alone


@tried
@given(some.graphs(), some.events(), st.integers(0, 3))
def test_law_1_choices_hang_on_the_position_alone(graph: Graph, events: Any, seed: int) -> None:
    assert outcomes(graph, events, seed) == outcomes(graph, events, seed, chunk_size=1)


@tried
@given(some.python_graphs(leaf=st.one_of(some.SERVICES, leaves())), frames(), st.integers(0, 3))
def test_law_1_holds_for_models_and_functions_over_tables(
    graph: Graph, events: pd.DataFrame, seed: int
) -> None:
    assert outcomes(graph, events, seed) == outcomes(graph, events, seed, chunk_size=1)


@tried
@given(some.manifests(random=False), st.one_of(some.bodies(), some.requests()))
def test_law_1_test_answers_as_run_does(graph: Graph, events: Any) -> None:
    run = graph.run(events)
    for position, (event, outcome) in enumerate(zip(events, outcomes(graph, events), strict=True)):
        response = graph.test("/", event, get_body=False)
        assert response.status_code == run.frame["status"][position]
        kind, *rest = outcome
        if kind == "body":
            assert (response.status_code, response.body) == tuple(rest)
        else:
            assert json.loads(response.body)["error"] == "Failed to process request"
        assert_raised_where_it_is_refused(graph, event, response, run.frame["error"][position])


def assert_raised_where_it_is_refused(
    graph: Graph, event: Any, response: Response, error: Any
) -> None:
    try:
        graph.test("/", event)
    except EventError as raised:
        assert not 200 <= response.status_code < 300
        assert error.startswith(f"{raised.node}: {raised.message.partition(' (line')[0]}")
    else:
        assert 200 <= response.status_code < 300


# --- 2: how the events are handed on changes nothing -----------------------------------------


@tried
@given(some.graphs(), some.events(), st.integers(0, 3))
def test_law_2_chunks_change_nothing_in_the_frame(graph: Graph, events: Any, seed: int) -> None:
    whole = graph.run(events, seed=seed)
    for size in (1, 2, 3):
        chunked = graph.run(events, seed=seed, chunk_size=size)
        assert list(whole.frame.columns) == list(chunked.frame.columns)
        for name in whole.frame.columns:
            assert cells(whole, name) == cells(chunked, name)
        assert whole.errors[["step", "status"]].equals(chunked.errors[["step", "status"]])


def cells(run: Run, name: str) -> list[Any]:
    values = run.frame[name].tolist()
    if name == "error":  # Of its text, who failed; the rest is in `outcomes`.
        return [str(value).partition(":")[0] for value in values]
    missing = [value is None or value is pd.NA or value != value for value in map(_scalar, values)]
    return ["missing" if gone else canonical(v) for gone, v in zip(missing, values, strict=True)]


def _scalar(value: Any) -> Any:
    return "" if isinstance(value, (list, dict, tuple, np.ndarray)) else value


# --- 3: nothing is lost ----------------------------------------------------------------------


@tried
@given(some.graphs(), some.events(), st.sampled_from([None, 2]))
def test_law_3_every_event_has_one_row_with_an_answer_or_an_error(
    graph: Graph, events: Any, chunk_size: int | None
) -> None:
    run = graph.run(events, chunk_size=chunk_size)
    status, error = run.frame["status"], run.frame["error"]
    assert len(run.frame) == len(run) == len(events)
    assert ((status >= 200) & (status < 600)).all()
    assert error[(status < 200) | (status >= 300)].notna().all()
    assert len(run.errors) == error.notna().sum()
    assert set(run.errors["step"]) <= set(graph.nodes)
    for position in range(len(events)):
        trace = run.trace(position=position)
        assert set(trace["step"]) <= set(graph.nodes)
        # A Sequence without steps has no status to answer with.
        assert (trace["status"].between(200, 599) | (trace["status"] == 0)).all()
    assert repr(run).startswith(f"Run of {graph.name!r}: ")


# --- 4: order and labels are kept ------------------------------------------------------------


@tried
@given(some.graphs(random=False), some.events(), st.data())
def test_law_4_rows_come_out_in_the_order_they_went_in(
    graph: Graph, events: Any, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(events))))
    if isinstance(events, pd.DataFrame):
        assert graph.run(events).frame.index.identical(events.index)
        moved = outcomes(graph, events.iloc[order])
    else:
        moved = outcomes(graph, [events[place] for place in order])
    assert moved == [outcomes(graph, events)[place] for place in order]


# --- 5: input is never changed ---------------------------------------------------------------


@tried
@given(some.graphs(), some.events(), st.sampled_from([None, 2]))
def test_law_5_events_are_as_they_were(graph: Graph, events: Any, chunk_size: int | None) -> None:
    before = copy.deepcopy(events)
    manifest = copy.deepcopy(graph.manifest)
    run = graph.run(events, chunk_size=chunk_size)
    received = [repr(run.trace(position=place)["received"][0]) for place in range(len(events))]
    for name in run.frame:
        run.frame[name] = None
    assert graph.manifest == manifest
    if isinstance(events, pd.DataFrame):
        pd.testing.assert_frame_equal(events, before)
    else:
        assert repr(events) == repr(before)
        first = [repr(event) for event in before if not isinstance(event, bytes)]
        assert [told for told in received if told in first] == first or graph.manifest is None


# --- what once broke them --------------------------------------------------------------------


@pytest.mark.parametrize("router", [Sequence, Ensemble, Splitter, Switch])
@pytest.mark.parametrize("events", [[1, 0, 2], [0, 1, 2]])
def test_failures_from_before_a_strict_router_stay_what_they_are(router: Any, events: Any) -> None:
    said = {Switch: {"condition": gjson.compile("@this")}, Splitter: {"weight": 100}}
    strict = router(a=Route(lambda e: {"e": e}, **said.get(router, {})), strict=True)
    graph = Graph("g", Step(lambda e: 6 // e, name="s") >> strict)
    together = outcomes(graph, events)
    assert together == [outcomes(graph, [event])[0] for event in events]
    assert [outcome[0] == "error" for outcome in together] == [event == 0 for event in events]


@pytest.mark.parametrize("texts", [[b"", b""], [b"", b"{}"], [b"", {"a": [1]}]])
def test_bytes_that_end_a_strict_sequence_are_no_json_whatever_stands_beside_them(
    texts: list[Any],
) -> None:
    answer = Step(lambda row: texts[row["x"]], name="answer")
    ends = Sequence(answer, Route(abs, condition=gjson.compile("score")), strict=True)
    graph, events = Graph("g", ends), pd.DataFrame({"x": [0, 1]})
    together = outcomes(graph, events)
    assert together == [outcomes(graph, one(events, place))[0] for place in (0, 1)]
    assert together[0] == ("error", "ends", 500, "invalid response")


@pytest.mark.parametrize("others", [[], [2]])
def test_bytes_of_a_response_are_read_whoever_else_is_in_the_batch(others: list[int]) -> None:
    refuse = Step(lambda e: Response(200 if e == 1 else 404, b'{"a": 1}'), name="refuse")
    graph = Graph("g", Sequence(inner=Sequence(refuse)))
    assert outcomes(graph, [1, *others])[0] == ("body", 200, b'{"a":1}')
