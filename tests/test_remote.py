"""`Remote`: what bounds its requests, and which of them are sent again."""

from __future__ import annotations

import json
import threading

import pytest

from graph_magics import Graph, GraphError, Remote

from .models import has_words

EVENTS = [{"number": number} for number in range(30)]


def flaky(server, times: int, status: int = 503):
    """Let the server fail each event so often before it answers."""
    seen: dict[str, int] = {}
    lock = threading.Lock()

    def answer(request):
        event = json.dumps(request["body"])
        with lock:
            seen[event] = seen.get(event, 0) + 1
            is_well = seen[event] > times
        return (200, request["body"]) if is_well else (status, {"error": "busy"})

    server.answer = answer
    return seen


def test_a_request_is_sent_once_where_nothing_is_said(server):
    seen = flaky(server, 1)
    run = Graph("g", Remote(server.url)).run(EVENTS)
    assert set(seen.values()) == {1}
    assert run.frame["status"].tolist() == [503] * len(EVENTS)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_service_that_fails_at_first_is_asked_again(server, status):
    seen = flaky(server, 2, status)
    run = Graph("g", Remote(server.url, retries=2, backoff_factor=0.001)).run(EVENTS)
    assert run.frame["status"].tolist() == [200] * len(EVENTS)
    assert run.frame["response"].tolist() == EVENTS, "in the order of the events"
    assert set(seen.values()) == {3}


def test_retries_end_and_the_last_answer_stands(server):
    seen = flaky(server, 5)
    run = Graph("g", Remote(server.url, retries=2, backoff_factor=0.001)).run(EVENTS[:3])
    assert run.frame["status"].tolist() == [503] * 3
    assert set(seen.values()) == {3}


def test_what_the_service_refuses_is_not_sent_again(server):
    seen = flaky(server, 1, 404)
    Graph("g", Remote(server.url, retries=3, backoff_factor=0.001)).run(EVENTS[:3])
    assert set(seen.values()) == {1}


def test_a_service_that_is_nowhere_is_tried_again_and_told(nowhere):
    remote = Remote(nowhere, retries=1, backoff_factor=0.001)
    (told,) = Graph("g", remote).run(EVENTS[:1]).frame["error"]
    assert has_words(told, ["refused"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"retries": -1}, ["retries", "whole number", "-1"]),
        ({"retries": 1.5}, ["retries", "1.5"]),
        ({"retries": True}, ["retries", "True"]),
        ({"concurrency": 0}, ["concurrency", "from 1 on"]),
        ({"concurrency": float("inf")}, ["concurrency", "inf"]),
        ({"timeout": 0}, ["timeout", "above 0"]),
        ({"timeout": "5"}, ["timeout", "'5'"]),
        ({"backoff_factor": -1}, ["backoff_factor", "above 0"]),
    ],
)
def test_a_bound_that_cannot_be_is_refused(options, words):
    with pytest.raises(GraphError) as refused:
        Remote("http://x", **options)
    assert has_words(str(refused.value), words)


def test_retries_are_written_to_mlrun_and_told_to_be_left_out_of_a_manifest():
    graph = Graph("g", Remote("http://x/y", retries=3, name="r"))
    assert has_words(str(graph.to_mlrun()), ["retries=3", "backoff_factor=0.1"])
    assert has_words(graph.to_kserve(), ["retries", "'r'", "once"])
