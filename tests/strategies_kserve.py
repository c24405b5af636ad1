"""Random graphs of KServe's routers, as manifests and in Python, with services of every sort."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import assume, note
from hypothesis import strategies as st

from graph_magics import (
    Ensemble,
    Graph,
    GraphError,
    ParallelRun,
    Response,
    Route,
    Sequence,
    Splitter,
    Step,
    Switch,
    gjson,
)
from graph_magics.flow import join

from .strategies_events import SIZES, frames
from .strategies_steps import BAD, NUMBERS, digest

# --- services -------------------------------------------------------------------------------


class NotFound(Exception):
    """What a service raises that knows HTTP."""

    status = 404


def _spoiled(body: Any, d: int) -> Any:
    """Change all that is within reach, then answer with it."""
    for value in body.values() if isinstance(body, dict) else ():
        if isinstance(value, (dict, list)):
            value.clear()
    if isinstance(body, (dict, list)):
        body.clear()
    return {"spoiled": d % 5}


def _status(body: Any, d: int) -> Any:
    code = [200, 404, 503, 201, 302, 422, 200, 500][d % 8]
    return Response(code, [{"score": d % 10 / 10}, b'{"score": 0.5, "n": [1]}', b"no JSON"][d % 3])


#: What a service answers, given the request and a number that hangs on all of it.
ANSWERS: dict[str, Callable[[Any, int], Any]] = {
    "object": lambda body, d: {"score": d % 10 / 10, "n": [d % 3], "big": d * 10**12},
    "predictions": lambda body, d: {"predictions": [[d % 5, 0.5], []][d % 4 == 0], "name": "m"},
    "echo": lambda body, d: body,
    "wrapped": lambda body, d: {"n": [1], "body": body},
    "spoiled": _spoiled,
    "status": _status,
    "bytes": lambda body, d: [b'{"score": 0.5}', b"text", b"", b'{"a":1,"a":2}', b"[1]"][d % 5],
    "odd": lambda body, d: [None, [], {}, "text", 1, 2.5, True, [1, {"a": 2}],
                            {"instances": 3, "predictions": [1]}, {"Predictions": [1.0]},
                            {"predictions": np.array([d % 3, 2])}, {"score": np.float64(0.5)},
                            {"n": (1, 2)}][d % 13],
}  # fmt: skip


def service(kind: str, salt: int, bad: int = 0, is_async: bool = False) -> Step:
    """Make a service; with ``bad``, it raises on one request in so many."""

    def answer(body: Any) -> Any:
        number = digest(body, salt)
        if bad and number % bad == 0:
            raise (NotFound if number % 2 else ValueError)(f"bad {number % 100}")
        return ANSWERS[kind](body, number // 16)

    async def waiting(body: Any) -> Any:
        return answer(body)

    step = Step(waiting if is_async else answer)
    step.function.__name__ = f"{kind}_{salt}" + f"_bad{bad}" * bool(bad) + "_async" * is_async
    return step


SERVICES = st.builds(service, st.sampled_from(sorted(ANSWERS)), NUMBERS, BAD, st.booleans())

# --- routers in Python ----------------------------------------------------------------------

PATHS = st.sampled_from(
    [
        *("score", "n.#(>0)", "predictions.#(>1)", "instances.#(a>1)", "@this|[score]|#(<0.6)"),
        *("a", "n.0", "[0]", "error", "instances.0.a", "predictions.#(==0.5)", "spoiled"),
        *["@this"] * 6,  # What is JSON at all.
    ]
)


def _odd(salt: int) -> Callable[[Any], Any]:
    return lambda body: digest(body, salt) % 2 == 1


CONDITIONS = st.one_of(PATHS.map(gjson.compile), NUMBERS.map(_odd))
DATA = st.sampled_from([None, None, "$request", "$response"])
DEPENDENCIES = st.sampled_from([None, "Soft", "Hard"])


def _named(draw: Any, inner: st.SearchStrategy[Any], **options: Any) -> dict[str, Any]:
    """Give routes with options; the first of a Sequence has no response before it."""
    routes = draw(st.lists(inner, min_size=1, max_size=3))
    given = {}
    for place, route in enumerate(routes):
        chosen = {name: draw(values) for name, values in options.items()}
        if place == 0 and "data" in options:
            chosen |= {"data": None, "condition": None}
        given[f"r{place}"] = Route(route, **chosen) if any(chosen.values()) else route
    return given


@st.composite
def sequences(draw: Any, inner: st.SearchStrategy[Any], strict: bool) -> Sequence:
    routes = _named(
        draw,
        inner,
        data=DATA,
        condition=st.one_of(st.none(), CONDITIONS),
        dependency=DEPENDENCIES,
        map_predictions_to_instances=st.booleans(),
    )
    return Sequence(strict=strict, **routes)


@st.composite
def ensembles(draw: Any, inner: st.SearchStrategy[Any], strict: bool) -> Ensemble:
    return Ensemble(strict=strict, **_named(draw, inner, dependency=DEPENDENCIES))


@st.composite
def switches(draw: Any, inner: st.SearchStrategy[Any], strict: bool) -> Switch:
    routes = _named(draw, inner, condition=CONDITIONS)
    if not strict and draw(st.booleans()):
        last = f"r{len(routes) - 1}"
        routes[last] = routes[last].node  # It takes the rest.
    return Switch(strict=strict, **routes)


@st.composite
def splitters(draw: Any, inner: st.SearchStrategy[Any], strict: bool) -> Splitter:
    weights = st.sampled_from([50, 90, 100] if strict else [1, 2, 0.5])
    return Splitter(strict=strict, **_named(draw, inner, weight=weights))


@st.composite
def flows(draw: Any, inner: st.SearchStrategy[Any]) -> Any:
    flow = join(draw(inner), draw(inner))
    return declared("inner", flow) if draw(st.booleans()) else flow


def nodes(
    depth: int, random: bool, leaf: st.SearchStrategy[Any] = SERVICES
) -> st.SearchStrategy[Any]:
    """Give routers, strict or not; with ``random``, Splitters among them."""
    if depth == 0:
        return leaf
    inner = nodes(depth - 1, random, leaf)
    kinds = [sequences, ensembles, switches, *[splitters] * random]
    routers = [kind(inner, strict) for kind in kinds for strict in (False, True)]
    several = st.builds(lambda one, other: ParallelRun(r0=one, r1=other), inner, inner)
    return st.one_of(leaf, *routers, *routers, flows(inner), several)


@st.composite
def python_graphs(
    draw: Any, *, random: bool = True, leaf: st.SearchStrategy[Any] = SERVICES
) -> Graph:
    """Give graphs made in Python."""
    root = draw(nodes(2, random, leaf))
    if draw(st.booleans()):
        root = join(root, draw(nodes(1, random, leaf)))
    return noted(declared("python", root))


def declared(name: str, root: Any) -> Graph:
    """Declare a graph, if it can be: in a flow, two graphs may not have one name."""
    try:
        return Graph(name, root, namespace={})
    except GraphError:
        assume(False)
        raise


# --- manifests ------------------------------------------------------------------------------

_NAMES = ["root", "b", "c", "d"]
_TYPES = ["Sequence", "Sequence", "Ensemble", "Switch"]


@st.composite
def manifests(draw: Any, *, random: bool = True) -> Graph:
    """Give graphs of a spec, some of whose steps jump: to one node from two, or in a circle."""
    names = _NAMES[: draw(st.integers(1, len(_NAMES)))]
    spec: dict[str, Any] = {}
    services = {}
    for place, name in enumerate(names):
        kind = draw(st.sampled_from([*_TYPES, *["Splitter"] * random]))
        steps = []
        for number in range(draw(st.integers(0 if place else 1, 3))):
            step = {"name": f"s{number}"} if draw(st.booleans()) else {}
            later = names[place + 1 :]
            back = names[: place + 1] if kind in ("Sequence", "Splitter") and number else []
            target = draw(st.sampled_from([None, None, *later, *later, *back]))
            if target is None:
                step["serviceName"] = f"{name}-{number}"
                services[f"{name}-{number}"] = draw(SERVICES)
            else:
                step["nodeName"] = target
            condition = draw(st.one_of(st.none(), PATHS))
            if kind == "Switch" or (number and (condition or target in back)):
                step["condition"] = condition or "score"
            data = draw(st.sampled_from([None, "$request", "$response", "$response"]))
            steps.append(
                step
                | ({"data": data} if data else {})
                | ({"dependency": draw(DEPENDENCIES.filter(bool))} if draw(st.booleans()) else {})
                | ({"mapPredictionsToInstances": True} if draw(st.booleans()) else {})
                | ({"weight": draw(st.sampled_from([50, 90, 100]))} if kind == "Splitter" else {})
            )
        if kind == "Switch" and steps and draw(st.booleans()):
            steps[-1]["condition"] = "@this"
        spec[name] = {"routerType": kind, "steps": steps}
    note(f"spec: {json.dumps(spec)}")
    note(f"services: { {name: step.title for name, step in services.items()} }")
    try:
        return Graph.from_kserve({"nodes": spec}, services)
    except GraphError:  # Such as a circle without a way out.
        assume(False)
        raise


def graphs(*, random: bool = True) -> st.SearchStrategy[Graph]:
    """Give graphs of both sorts; those without ``random`` draw nothing, whatever the seed."""
    return st.one_of(python_graphs(random=random), manifests(random=random))


def noted(graph: Graph) -> Graph:
    """Tell Hypothesis what is in a graph."""
    for path, node in graph.nodes.items():
        options = {
            name: {key: value for key, value in vars(route).items() if value and key != "node"}
            for name, route in getattr(node, "_options", {}).items()
        }
        strict = " strict" if getattr(node, "strict", False) else ""
        note(f"{path}: {node.kind}{strict} {node.title} {options or ''}")
    return graph


# --- events ---------------------------------------------------------------------------------

_cells = st.sampled_from([0, 1, 2, 3, 0.5, "u", None, True])
_bodies = st.one_of(
    st.fixed_dictionaries({"a": _cells}, optional={"score": _cells, "n": st.lists(_cells)}),
    st.fixed_dictionaries({"instances": st.lists(st.fixed_dictionaries({"a": _cells}))}),
    st.fixed_dictionaries({"predictions": st.lists(_cells)}, optional={"instances": _cells}),
    st.sampled_from([{}, [], 3, [1, 2], {"predictions": {"a": 1}}]).map(copy.deepcopy),
)
_lines = st.one_of(
    _bodies.map(lambda body: json.dumps(body).encode()),
    st.sampled_from([b"", b"no JSON", b'{"a":1,"a":2}', b' {"score": 1e0}\n', b'"\xff"', b"null"]),
)


def bodies() -> st.SearchStrategy[list[Any]]:
    """Give lists of JSON bodies."""
    return SIZES.flatmap(lambda size: st.lists(_bodies, min_size=size, max_size=size))


def requests() -> st.SearchStrategy[list[bytes]]:
    """Give lists of requests as they are sent, some of which are no JSON."""
    return SIZES.flatmap(lambda size: st.lists(_lines, min_size=size, max_size=size))


def events() -> st.SearchStrategy[Any]:
    """Give batches of events of every sort."""
    return st.one_of(bodies(), bodies(), requests(), frames())
