"""A bare spec is taken as KServe's router takes it: the recorded starts, and Go's own rules."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

from graph_magics.errors import GraphError
from graph_magics.formats.kserve.deadends import refuse_dead_end, warnings_of
from graph_magics.formats.kserve.manifests import check_bare, read

FOLDER = Path(__file__).parent / "conformance" / "kserve"
ROUTER = json.loads((FOLDER / "router_cases.json").read_text())


def text_of(case: dict[str, Any]) -> str:
    return case["graph_raw"] if "graph_raw" in case else json.dumps(case["graph"])


def never_answers(case: dict[str, Any]) -> bool:
    expected = case["expected"]
    return expected.get("router_starts") is False or (
        expected.get("status") is None and "repeat" not in case
    )


DEAD = [case for case in ROUTER if never_answers(case)]
ALIVE = [case for case in ROUTER if not never_answers(case)]


@pytest.mark.parametrize("case", DEAD, ids=[case["name"] for case in DEAD])
def test_what_the_router_did_not_start_with_or_died_of_is_one_clear_line(
    case: dict[str, Any],
) -> None:
    with pytest.raises(GraphError) as caught:
        check_bare(read(text_of(case)))
    message = str(caught.value)
    assert "\n" not in message
    if case["category"] in ("sequence", "splitter", "nested", "loop"):
        assert message.startswith("node '")


def test_every_graph_the_router_answered_with_is_taken() -> None:
    refused = []
    for case in ALIVE:
        try:
            check_bare(read(text_of(case)))
        except GraphError as error:
            refused.append((case["name"], str(error)))
    assert not refused
    assert len(ALIVE) > 440
    assert len(DEAD) >= 19


def spec(**nodes: Any) -> dict[str, Any]:
    return {"nodes": nodes}


def taken(text: str) -> Any:
    return check_bare(read(text))


# --- Go's encoding/json (80,000 random specs were put to Go 1.19.8 as well)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("{}", {"nodes": {}}),
        ("null", {"nodes": {}}),
        ('{"nodes": null}', {"nodes": {}}),
        ('{"nodes": {"root": null}}', spec(root={})),
        ('{"nodes": {"root": {"steps": [null, {}]}}}', spec(root={"steps": [{}, {}]})),
        ('{"NODES": {"root": {"RouterType": "Switch"}}}', spec(root={"routerType": "Switch"})),
        ('{"node\u017f": {"root": {}}}', spec(root={})),
        ('{"Nodes": {"Root": {}}}', spec(Root={})),  # names of nodes are no field names
        ('{"x": {"y": [1]}, "nodes": {}}', {"x": {"y": [1]}, "nodes": {}}),
        (
            '{"nodes": {"a": {"routerType": "x"}, "c": {}}, "nodes": {"b": {}, "a": {}}}',
            spec(a={}, b={}, c={}),
        ),
        (
            '{"nodes": {"root": {"steps": [{"name": "x"}, {}], "steps": [{"data": "z"}]}}}',
            spec(root={"steps": [{"name": "x", "data": "z"}]}),
        ),
        (
            '{"nodes": {"a": {"steps": [{"name":"x","name": null, "weight": 1, "Weight": null}]}}}',
            spec(a={"steps": [{"name": "x"}]}),
        ),
        (
            '{"routerTimeouts": {"serverRead": 1}, "RouterTimeouts": {"serverIdle": 2}}',
            {"routerTimeouts": {"serverRead": 1, "serverIdle": 2}, "nodes": {}},
        ),
        ('{"nodeSelector": {"a": null}}', {"nodeSelector": {"a": ""}, "nodes": {}}),
        (
            '{"resources": {"limits": {"cpu": 0.5, "m": "1Gi"}}}',
            {"resources": {"limits": {"cpu": 0.5, "m": "1Gi"}}, "nodes": {}},
        ),
    ],
)
def test_a_spec_is_taken_as_go_takes_it(text: str, result: dict[str, Any]) -> None:
    assert taken(text) == result


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "a list"),
        ('{"nodes": {"root": []}}', "node 'root' must be an object, not a list"),
        ('{"nodes": {"root": {"steps": [5]}}}', "node 'root', step 0 must be an object, not 5"),
        ('{"nodes": {"root": {"steps": "x"}}}', "node 'root': steps must be a list, not \"x\""),
        ('{"nodes": {"root": {"routerType": 1}}}', "node 'root': routerType must be text, not 1"),
        (
            '{"nodes": {"root": {"steps": [{}, {"weight": 1e2}]}}}',
            "node 'root', step 1: weight must be a whole number of 64 bits, not 100.0",
        ),
        ('{"nodes": {"root": {"steps": [{"weight": true}]}}}', "not true"),
        ('{"nodes": {"root": {"steps": [{"weight": 9223372036854775808}]}}}', "64 bits"),
        ('{"maxReplicas": 2147483648}', "maxReplicas must be a whole number of 32 bits"),
        ('{"nodeSelector": {"a": 1}}', "nodeSelector.a must be text, not 1"),
        ('{"resources": {"limits": {"cpu": "x"}}}', "resources.limits.cpu must be a quantity"),
        ('{"tolerations": [{"effect": 1}]}', "tolerations.0.effect must be text"),
        ('{"affinity": {"podAffinity": 1}}', "affinity.podAffinity must be an object"),
    ],
)
def test_a_value_of_a_wrong_type_keeps_the_router_from_starting(text: str, said: str) -> None:
    with pytest.raises(GraphError) as caught:
        taken(text)
    assert said in str(caught.value)


def test_the_spec_given_is_not_changed() -> None:
    given = {"NODES": {"root": {"steps": [None], "routerType": "Switch"}}}
    before = copy.deepcopy(given)
    check_bare(given)["nodes"]["root"]["steps"].append({})
    assert given == before


# --- where the router crashes or never comes back


def sequence(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"routerType": "Sequence", "steps": [*steps]}


def to(node: str, **fields: Any) -> dict[str, Any]:
    return {"nodeName": node, **fields}


SERVICE = {"serviceUrl": "http://a"}
ENDLESS = sequence(to("loop"))


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        (
            {"root": sequence(to("a")), "a": sequence(SERVICE, to("b")), "b": sequence(to("a"))},
            "node 'b', step 0: the nodes a -> b -> a call each other without a way out",
        ),
        (
            {"root": {"routerType": "Ensemble", "steps": [SERVICE, to("loop")]}, "loop": ENDLESS},
            "node 'loop', step 0: the nodes loop -> loop",
        ),
        (
            {
                "root": {
                    "routerType": "Splitter",
                    "steps": [to("loop", weight=100), to("x", weight=0)],
                },
                "loop": ENDLESS,
            },
            "the nodes loop -> loop",
        ),
        (
            {"root": {"routerType": "Splitter", "steps": [to("x", weight=0), {}]}, "x": sequence()},
            "node 'root', step 1: it has no weight",
        ),
        (
            {"root": sequence(SERVICE, to("e")), "e": sequence()},
            "node 'e': it has no steps, and node 'root', step 1 ends with it",
        ),
    ],
)
def test_a_graph_that_never_answers_is_refused_by_node_and_step(
    nodes: dict[str, Any], said: str
) -> None:
    with pytest.raises(GraphError) as caught:
        refuse_dead_end(nodes)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        (
            {"root": sequence(SERVICE, to("loop", condition="x")), "loop": ENDLESS},
            "node 'loop': no request that comes here is ever answered",
        ),
        (
            {"root": {"routerType": "Switch", "steps": [to("e"), SERVICE]}, "e": sequence()},
            "node 'e': it has no steps; a request that ends here crashes",
        ),
        (
            {"root": {"routerType": "Splitter", "steps": [{**SERVICE, "weight": 99}, SERVICE]}},
            "node 'root', step 1: it has no weight",
        ),
        ({"root": sequence(to("ghost"))}, "node 'root', step 0: there is no node 'ghost'"),
        ({"root": sequence({**SERVICE, "condition": "x"})}, "a condition on the first step"),
        (
            {"root": {"routerType": "Ensemble", "steps": [{**SERVICE, "condition": "x"}]}},
            "a condition has no effect in a node of type Ensemble",
        ),
        ({"root": sequence({**SERVICE, "data": "$response.predictions"})}, "is taken as $request"),
    ],
)
def test_a_graph_that_may_answer_is_taken_with_a_warning(nodes: dict[str, Any], said: str) -> None:
    refuse_dead_end(nodes)
    assert [warning for warning in warnings_of(nodes) if said in warning]


@pytest.mark.parametrize(
    "nodes",
    [
        {"root": sequence(SERVICE, to("root", condition="x", data="$response"))},
        {"root": sequence({**SERVICE, "dependency": "Hard"}, to("root"))},
        {"root": sequence(to("e"), SERVICE), "e": {"routerType": "Ensemble", "steps": []}},
        {"root": {"routerType": "Splitter", "steps": [{**SERVICE, "weight": 100}, SERVICE]}},
        {"root": sequence(SERVICE), "never": sequence(to("never"))},
        {
            "root": sequence(to("e", dependency="Hard"), to("root")),
            "e": {"routerType": "Ensemble", "steps": [{**SERVICE, "dependency": "Hard"}]},
        },
    ],
)
def test_a_way_out_is_seen(nodes: dict[str, Any]) -> None:
    refuse_dead_end(nodes)
    assert warnings_of(nodes) == []


class Dead(Exception):
    """The router crashed, or would run for ever."""


class Failed(Exception):
    """The router answered with an error at once."""


def routed(nodes: dict[str, Any], name: str, draw: random.Random, depth: int = 0) -> int:
    """The status of one request, whatever services and conditions say; 0 is none."""
    if depth > 25:
        raise Dead
    node = nodes.get(name, {})
    steps = node.get("steps") or []

    def call(step: dict[str, Any]) -> int:
        if step.get("nodeName"):
            return routed(nodes, step["nodeName"], draw, depth + 1)
        return draw.choice([200, 200, 503])

    def hard(step: dict[str, Any], status: int) -> bool:
        return step.get("dependency") == "Hard" and status != 200

    kind = node.get("routerType")
    if kind == "Sequence":
        status = 0
        for step in steps:
            if step.get("condition") and not status:
                raise Failed
            if step.get("condition") and draw.random() < 0.5:
                return 200
            status = call(step)
            if hard(step, status):
                return status
        return status
    if kind == "Ensemble":
        statuses, failed = [], False
        for step in steps:
            try:
                statuses.append(call(step))
            except Failed:
                failed = True
        if failed or 0 in statuses:
            raise Failed
        return next((s for s, step in zip(statuses, steps, strict=True) if hard(step, s)), 200)
    if kind == "Switch":
        for step in steps:
            if draw.random() < 0.5:
                return call(step)
    if kind == "Splitter":
        point, end = draw.randrange(100), 0
        for step in steps:
            if step.get("weight") is None:
                raise Dead
            end += step["weight"]
            if point < end:
                return call(step)
    raise Failed


def answers(nodes: dict[str, Any], draw: random.Random) -> bool:
    try:
        return routed(nodes, "root", draw) != 0
    except Failed:
        return True
    except Dead:
        return False


def any_graph(draw: random.Random) -> dict[str, Any]:
    names = ["root", "a", "b"]
    nodes = {}
    for name in names[: draw.randrange(1, 4)]:
        kind = draw.choice(["Sequence"] * 3 + ["Ensemble", "Switch", "Splitter", "Odd"])
        steps = []
        for _ in range(draw.choice([0, 1, 1, 2, 2, 3])):
            step: dict[str, Any] = {}
            if draw.random() < 0.75:
                step["nodeName"] = draw.choice(names)
            if draw.random() < 0.15:
                step["condition"] = "x"
            if draw.random() < 0.2:
                step["dependency"] = draw.choice(["Hard", "Soft"])
            if kind == "Splitter" and draw.random() < 0.85:
                step["weight"] = draw.choice([0, 30, 50, 100])
            steps.append(step)
        nodes[name] = {"routerType": kind, "steps": steps}
    return nodes


@pytest.mark.parametrize("seed", range(10))
def test_a_graph_is_refused_if_and_only_if_no_request_is_answered(seed: int) -> None:
    draw = random.Random(seed)
    refusals = 0
    for _ in range(200):
        nodes = any_graph(draw)
        try:
            refuse_dead_end(nodes)
        except GraphError:
            refusals += 1
            assert not any(answers(nodes, draw) for _ in range(30)), nodes
        else:
            assert any(answers(nodes, draw) for _ in range(400)), nodes
    assert refusals > 20


def test_a_large_graph_is_looked_at_quickly() -> None:
    nodes: dict[str, Any] = {"root": sequence(to("n0"))}
    nodes |= {f"n{i}": sequence(SERVICE, to(f"n{i + 1}")) for i in range(5000)}
    refuse_dead_end(nodes)  # the last one goes to a node that is not there
    nodes["n5000"] = sequence()
    with pytest.raises(GraphError, match="node 'n5000': it has no steps"):
        refuse_dead_end(nodes)
