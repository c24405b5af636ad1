"""The recorded answers of KServe's router, with Python functions in place of its services."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from graph_magics import Graph, Response, gojson

from .router_cases import Answer, Case, cases
from .services import played

FUNCTIONS = {"static", "echo", "echo_wrapped", "scale", "nonjson", "cycle"}
# What Python objects cannot say: bytes that are no UTF-8 within JSON, and the number 1e400.
BYTES_ONLY = {"switch/input-bad-utf8", "ensemble/reencode-numbers"}


def is_playable(case: Case) -> bool:
    """Tell whether functions can do what the services of a case do."""
    return (
        case.survives
        and case.repeat is None
        and case.name not in BYTES_ONLY
        and {service["kind"] for service in case.services.values()} <= FUNCTIONS
        and all(url.lower().startswith("http://svc/") for url in urls(case))
    )


def urls(case: Case) -> Iterator[str]:
    """The URLs of the services in a graph."""
    nodes = (json.loads(case.spec) or {}).get("nodes") or {}
    for node in nodes.values():
        for step in node.get("steps") or []:
            if step and step.get("serviceUrl"):
                yield step["serviceUrl"]


CASES = [case for case in cases() if is_playable(case)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_functions_are_asked_as_services_are(case: Case) -> None:
    asked: Counter[str] = Counter()
    services = {url: function(case.services, url.split("/")[3], asked) for url in urls(case)}
    graph = Graph.from_kserve(case.spec, services=services)
    response = graph.test(case.path, body=case.body, method=case.method, get_body=False)
    assert any(is_same(response, answer) for answer in case.answers), response
    assert asked == Counter(call["service"] for call in case.calls)


def function(services: dict[str, Any], name: str, asked: Counter[str]) -> Callable[[Any], Any]:
    """A service as a function of the body, parsed if it is JSON."""
    turns = count()

    def answer(body: Any) -> Any:
        asked[name] += 1
        request = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = played(services[name], request, next(turns))
        if services[name]["kind"] == "echo":
            return Response(told.status, body)
        parsed = json.loads(told.body) if gojson.valid(told.body) else told.body
        return parsed if told.status == 200 else Response(told.status, parsed)

    return answer


def is_same(response: Response, answer: Answer) -> bool:
    """Tell whether an answer is the same text, or the same JSON."""
    if response.status_code != answer.status:
        return False
    if not gojson.valid(answer.body):
        return response.body == answer.body
    return json.loads(response.body) == json.loads(answer.body)


def test_most_cases_can_be_played() -> None:
    assert len(CASES) == 394
