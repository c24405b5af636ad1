"""Every recorded answer of KServe's router, through the public API and over HTTP."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from graph_magics import Graph, GraphError, gojson

from .router_cases import Answer, Case, cases
from .services import Services, played

CASES = cases()
# Timeouts of the router are whole seconds. What must end before or after one waits no longer
# than that takes.
WAITS = {
    "timeout/client-1-slow-2": 1.3,
    "timeout/client-1-slow-2-soft": 1.3,
    "timeout/client-1-ensemble": 1.3,
    "timeout/client-1-switch": 1.3,
    "timeout/client-1-splitter": 1.3,
    "timeout/client-3-slow-2": 0.1,
    "timeout/client-0-means-none": 0.1,
    "timeout/client-absent": 0.1,
    "timeout/per-call-not-per-graph": 0.4,
    "timeout/server-read-1-slow-2": 1.1,
}


def named(chosen: list[Case]) -> Any:
    return pytest.mark.parametrize("case", chosen, ids=lambda case: case.name)


@pytest.fixture(scope="module")
def server() -> Iterator[Services]:
    with Services() as services:
        yield services


@pytest.fixture
def services(server: Services, case: Case, monkeypatch: pytest.MonkeyPatch) -> Services:
    """Play the services of the case, in its environment."""
    monkeypatch.delenv("PROPAGATE_HEADERS", raising=False)
    if case.propagate is not None:
        monkeypatch.setenv("PROPAGATE_HEADERS", case.propagate)
    server.load(hurried(case))
    return server


def hurried(case: Case) -> dict[str, Any]:
    """The services of a case, none of which waits longer than it must."""
    seconds = WAITS.get(case.name)
    return {
        name: service
        if seconds is None or "seconds" not in service
        else {**service, "seconds": seconds}
        for name, service in case.services.items()
    }


def asked(graph: Graph, case: Case) -> Any:
    return graph.test(
        case.path, body=case.body, method=case.method, headers=case.headers, get_body=False
    )


@named([case for case in CASES if case.survives and case.repeat is None])
def test_answers_as_the_router(case: Case, services: Services) -> None:
    graph = Graph.from_kserve(services.live(case.spec))
    response = asked(graph, case)
    given = Answer(response.status_code, response.content_type, services.norm(response.body))
    assert given in case.answers
    assert in_order(services.calls, case) == in_order(case.calls, case)


@named([case for case in CASES if not case.starts])
def test_refuses_what_the_router_refuses(case: Case, services: Services) -> None:
    with pytest.raises(GraphError):
        Graph.from_kserve(services.live(case.spec))


@named([case for case in CASES if case.starts and not case.survives])
def test_says_what_is_wrong_where_the_router_dies(case: Case, services: Services) -> None:
    try:
        graph = Graph.from_kserve(services.live(case.spec))
    except GraphError as error:
        assert str(error)
        return
    response = asked(graph, case)
    assert response.status_code == 500
    assert json.loads(response.body)["cause"]


@named([case for case in CASES if case.repeat is not None])
def test_splits_as_the_weights_say(case: Case, services: Services) -> None:
    graph = Graph.from_kserve(services.live(case.spec))
    run = graph.run([case.body] * case.repeat)
    shares, statuses = expected_shares(case)
    by_service = Counter(call["service"] for call in services.calls)
    by_status = Counter(run.frame["status"].tolist())
    assert set(by_service) <= set(shares)
    assert set(by_status) <= set(statuses)
    for name, share in shares.items():
        assert is_likely(by_service[name], case.repeat, share), (name, by_service)
    for status, share in statuses.items():
        assert is_likely(by_status[status], case.repeat, share), (status, by_status)


@named(
    [
        case
        for case in CASES
        if case.deterministic
        and case.survives
        and not {"cycle", "slow"} & {service["kind"] for service in case.services.values()}
    ]
)
def test_a_batch_gives_what_its_requests_give_one_by_one(case: Case, services: Services) -> None:
    graph = Graph.from_kserve(services.live(case.spec))
    bodies = [case.body] * 3 + [b'{"instances":[7],"predictions":[{"state":["other"]}]}']
    frame = graph.run(bodies).frame
    assert len(frame) == len(bodies)
    rows = zip(frame["status"], frame["response"], frame["error"], strict=True)
    for body, row in zip(bodies, rows, strict=True):
        response = graph.test("/", body=body, get_body=False)
        assert is_told(row, Answer(response.status_code, response.content_type, response.body))


def is_told(row: tuple[int, Any, Any], answer: Answer) -> bool:
    """Tell whether a row of a run says what was answered."""
    status, response, error = row
    if answer.cause is not None:
        return status == answer.status and str(error).endswith(f": {answer.cause}")
    try:
        expected = (
            json.loads(answer.body, parse_int=float) if gojson.valid(answer.body) else answer.body
        )
    except RecursionError:  # deeper than Python reads
        expected = answer.body
    if expected is None:
        return status == answer.status and pd.isna(response)
    # A merged response has float64s, of which Go writes those without a fraction as integers.
    is_same = response == expected or gojson.encode(response) == gojson.encode(expected)
    return status == answer.status and is_same


def in_order(calls: list[dict[str, Any]], case: Case) -> list[dict[str, Any]]:
    """The calls as far as they were recorded; sorted, where their order is not fixed."""
    keys = {"service", "method", "body", "headers", *(key for c in case.calls for key in c)}
    told = [{key: call.get(key) for key in keys} for call in calls]
    return told if case.calls_in_order else sorted(told, key=repr)


def expected_shares(case: Case) -> tuple[dict[str, float], dict[int, float]]:
    """How often each service is called, and each status given, by the weights of the root."""
    shares: dict[str, float] = {}
    statuses: Counter[int] = Counter()
    end = 0
    for step in case.root["steps"]:
        name = step["serviceUrl"].rsplit("/", 1)[1]
        start, end = end, min(100, end + step["weight"])
        shares[name] = (end - start) / 100
        statuses[played(case.services[name], case.body).status] += end - start
    statuses[500] += 100 - end
    return shares, {status: hundredths / 100 for status, hundredths in statuses.items()}


def is_likely(count: int, of: int, share: float) -> bool:
    """Tell whether a count lies within five standard deviations of its mean."""
    return abs(count - of * share) <= 5 * math.sqrt(of * share * (1 - share))


def test_all_cases_are_read() -> None:
    assert len(CASES) == 469
    assert sum(not case.starts for case in CASES) == 13
    assert sum(case.starts and not case.survives for case in CASES) == 6
    assert sum(case.repeat is not None for case in CASES) == 10
