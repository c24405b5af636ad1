"""Requests and responses in bytes, and what a step may answer besides a body: a status."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_magics import EventError, Graph, ParallelRun, Response, Route, Sequence, Step
from graph_magics.wire import Merged, Raw, read, read_all, statuses_of, written

from .models import IRIS, SCALARS, answers, frame_of, mistake, run
from .models import same as alike
from .test_jump import graph_of, node, one, same

DEEP = b"[" * 100_000 + b"]" * 100_000
DOCUMENTS = st.recursive(
    SCALARS.filter(lambda value: value not in (float("inf"), -float("inf"))),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
)


def told(root: Any, events: Any) -> list[tuple[Any, int, bool]]:
    """Give response, status, and whether an error is told, of each event."""
    frame = run(root, events).frame
    columns = [frame["response"], frame["status"], frame["error"].notna()]
    return list(zip(*(column.tolist() for column in columns), strict=True))


# --- reading --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (b'{"a":[1,2.0,"\xc3\xa9",null,true]}', {"a": [1, 2.0, "é", None, True]}),
        (b' \t\r\n{"a":1}\n', {"a": 1}),
        (b"null", None),
        (b'"text"', "text"),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"\xff"', "\ufffd"),
        (b'"\\ud83d"', "\ufffd"),
    ],
)
def test_what_came_as_json_is_read(raw, body):
    assert alike(read(Raw(raw)), body)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"no JSON",
        b"{",
        b"{}{}",
        b"NaN",
        b"[Infinity]",
        b"{'a':1}",
        b"\xef\xbb\xbf{}",
        DEEP,
    ],
)
def test_what_is_no_json_stays_bytes(raw):
    body = read(Raw(raw))
    assert type(body) is bytes
    assert body == raw


@pytest.mark.parametrize("body", [b'{"a":1}', bytearray(b"{}"), '{"a":1}', {"a": b"{}"}, None, 3])
def test_what_did_not_come_over_the_wire_is_not_read(body):
    assert read(body) is body


def test_only_what_is_raw_is_read_and_else_the_very_list_is_given():
    bodies = [{"a": 1}, b"{}", None]
    assert read_all(bodies) is bodies
    assert read_all([*bodies, Raw(b"{}")]) == [*bodies, {}]


@given(DOCUMENTS)
def test_what_is_written_is_read_again(body):
    assert alike(read(Raw(written(body))), json.loads(json.dumps(body)))


# --- writing --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "raw"),
    [
        ({"b": 1.0, "a": "<é>"}, b'{"b":1.0,"a":"<\xc3\xa9>"}'),
        (Merged(b=1.0, a="<é>"), b'{"a":"\\u003c\xc3\xa9\\u003e","b":1}'),
        (Merged(), b"{}"),
        (Merged(b=Merged(d=1, c=2), a=None), b'{"a":null,"b":{"c":2,"d":1}}'),
        (Merged(a={"x": np.float64(0.5), "y": np.arange(2)}), b'{"a":{"x":0.5,"y":[0,1]}}'),
        (Merged(a=(np.int64(1), np.bool_(True))), b'{"a":[1,true]}'),
        ({"a": np.int64(1), "b": np.array([[1.5]])}, b'{"a":1,"b":[[1.5]]}'),
        ({"when": pd.Timestamp("2024-02-29")}, b'{"when":"2024-02-29 00:00:00"}'),
        ({1: 2, None: True}, b'{"1":2,"null":true}'),
        (Raw(b" as it came "), b" as it came "),
        (bytearray(b"\xff"), b"\xff"),
        ("", b'""'),
        (None, b"null"),
    ],
)
def test_a_body_is_written_as_it_goes_over_the_wire(body, raw):
    assert written(body) == raw
    assert type(written(body)) is bytes


def circle() -> list[Any]:
    inside: list[Any] = []
    inside.append(inside)
    return inside


@pytest.mark.parametrize("kind", [dict, Merged])
@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), np.float64("nan"), {(1, 2): 3}, circle()],
    ids=["nan", "infinity", "nan of NumPy", "key", "circle"],
)
def test_what_is_no_json_is_not_written(kind, value):
    with pytest.raises((TypeError, ValueError)):
        written(kind(a=value))


# --- statuses -------------------------------------------------------------------------------


def test_answers_without_responses_are_the_very_list():
    bodies = [1, {"status_code": 404}, None]
    assert statuses_of(bodies) == (bodies, None)
    assert statuses_of(bodies)[0] is bodies
    assert statuses_of([]) == ([], None)


def test_responses_are_taken_apart():
    given = [Response(404, {"a": 1}), "plain", Response(503), Response(201, b"[1]"), Response(200)]
    bodies, status = statuses_of(given)
    assert bodies == [{"a": 1}, "plain", b"", b"[1]", b""]
    assert [type(body) for body in bodies[2:]] == [Raw, Raw, Raw]
    assert status is not None
    assert status.tolist() == [404, 200, 503, 201, 200]
    assert type(given[0]) is Response


@pytest.mark.parametrize("code", [HTTPStatus.NOT_FOUND, np.int64(404), 404])
def test_a_status_may_be_any_whole_number(code):
    assert told(lambda e: Response(code, e), [1]) == [(1, 404, True)]


@pytest.mark.parametrize("code", [0, -1, 99, 1000, 100_000, "404", None, 404.5, True, [404]])
def test_a_status_that_is_none_fails_its_event_alone(code):
    given = told(lambda e: Response(code, e) if e else e, [0, 1, 0])
    assert given[::2] == [(0, 200, False)] * 2
    assert given[1][1:] == (500, True)


@pytest.mark.parametrize(
    "body", [np.array([1, 2]), frame_of(a=[1, 2]), [], None, "", b"", {"a": np.array([1, 2])}]
)
def test_a_refusal_may_have_any_body(body):
    assert [row[1:] for row in told(lambda e: Response(404, body), [1])] == [(404, True)]


@pytest.mark.parametrize("events", [[1], frame_of(x=[1])["x"]], ids=["json", "table"])
def test_bytes_of_a_response_are_read_for_the_next_step(events):
    steps = Sequence(lambda e: Response(200, b'{"a": [1]}'), lambda r: r["a"][0] + 1)
    assert answers(steps, events) == [2]
    assert answers(lambda e: Response(200, b"[1]"), events) == [[1]]


def test_a_function_over_a_table_may_answer_with_responses():
    def whole(frame: pd.DataFrame) -> list[Any]:
        return [Response(404, "no") if x else "yes" for x in frame["x"]]

    given = told(whole, frame_of(x=[0, 1]))
    assert given == [("yes", 200, False), ("no", 404, True)]


def test_async_functions_may_answer_with_responses():
    async def refuse(event: Any) -> Any:
        return Response(404, "no") if event else event

    assert told(refuse, [0, 1]) == [(0, 200, False), ("no", 404, True)]


@pytest.mark.parametrize("chunk_size", [None, 1])
def test_a_refusal_stops_a_run_that_is_to_stop(chunk_size):
    graph = Graph("g", Step(lambda e: e if e else Response(404, "no"), name="refuse"))
    with pytest.raises(EventError, match="event 1: answered with status 404: 'no'"):
        graph.run([1, 0, 2], on_error="raise", chunk_size=chunk_size)


def test_a_refusal_names_the_step_that_refused():
    graph = Graph("g", Step(lambda e: e if e else Response(404, "no"), name="refuse"))
    for ask in (lambda: graph.run([1, 0], on_error="raise"), lambda: graph.test(0)):
        with pytest.raises(EventError) as caught:
            ask()
        assert caught.value.node == "refuse"
    assert graph.run([0]).errors["step"].tolist() == ["refuse"]


def test_what_a_router_itself_raises_is_told_of_that_router():
    merged = ParallelRun(a=lambda e: e)  # No object, whose fields could be merged.
    graph = Graph("g", Sequence(inner=Route(merged, dependency="Soft"), name="outer"))
    assert graph.run([1]).errors["step"].tolist() == ["outer.inner"]


def test_a_status_is_the_answers_whatever_asks():
    graph = Graph("g", lambda e: Response(e, {"a": [e]}))
    run = graph.run([200, 302, 404])
    assert run.frame["status"].tolist() == [200, 302, 404]
    assert run.frame["response"].tolist() == [{"a": [200]}, {"a": [302]}, {"a": [404]}]
    assert run.frame["error"].isna().tolist() == [True, False, False]
    for event in (200, 302, 404):
        expected = Response(event, b'{"a": [%d]}' % event)
        assert graph.test(event, get_body=False) == expected


# --- one request ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"a": (1, np.int64(2))}, {"a": [1, 2]}),
        ('{"a": 1}', {"a": 1}),
        (b'{"a": 1}', {"a": 1}),
        ("no JSON", b"no JSON"),
        (None, b""),
        (pd.Series({"a": 1, "b": "x"}), {"instances": [{"a": 1, "b": "x"}]}),
        (frame_of(a=[1]), {"instances": [{"a": 1}]}),
    ],
)
def test_a_request_is_sent_as_it_would_be_to_the_router(body, sent):
    seen = []
    graph = one(lambda body: seen.append(body) or {"k": 1})
    assert graph.test("/v1/x?y=z", body, "PUT", {"Accept": ["a/b", "c"]}) == {"k": 1}
    assert graph.test(body=body, headers=[("a", "b")]) == {"k": 1}
    assert seen == [sent] * 2


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda graph: graph.test({"a": float("nan")}), ["body", "no JSON"]),
        (lambda graph: graph.test({(1, 2): 3}), ["body", "no JSON", "keys"]),
        (lambda graph: graph.test(IRIS), ["one event", "150", "run"]),
        (lambda graph: graph.test({}, headers="a: b"), ["headers", "a str"]),
        (lambda graph: graph.test({}, headers=["a"]), ["header", "'a'"]),
        (lambda graph: graph.run("events"), ["'events'", ".jsonl", ".csv", ".parquet"]),
    ],
)
def test_what_cannot_be_a_request_is_refused(ask, words):
    mistake(lambda: ask(one(same)), "'graph'", *words)


@pytest.mark.parametrize(
    "answer", [{(1, 2): 3}, {"a": float("nan")}, {"a": 10**5000}], ids=["key", "nan", "number"]
)
@pytest.mark.parametrize("kind", ["Sequence", "Ensemble"])
def test_an_answer_that_cannot_be_written_is_the_routers_error(kind, answer):
    graph = graph_of({"root": node(kind, "only")}, only=lambda body: answer)
    response = graph.test({}, get_body=False)
    assert response.status_code == 500
    assert "no JSON" in json.loads(response.body)["cause"]


def test_readiness_is_asked_of_no_service():
    graph = one(lambda body: 1 // 0)
    assert graph.test("/readyz") is None
    assert graph.test("/readyz?verbose", get_body=False) == Response(200, b"", None)
    assert graph.test("/readyz/x", {}, get_body=False).status_code == 500


def test_a_status_that_is_no_success_is_raised_where_a_body_is_asked_for():
    graph = graph_of(
        {"root": node("Sequence", "same", "refuse")},
        same=same,
        refuse=lambda body: Response(404, body),
    )
    with pytest.raises(EventError, match="answered with status 404") as caught:
        graph.test({})
    assert caught.value.node == "root.refuse"
    assert one(lambda body: Response(204)).test({}, get_body=False) == Response(204, b"", None)
