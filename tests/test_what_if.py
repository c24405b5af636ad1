"""What other weights would have given: the same as a real run with them, and nobody is asked."""

from __future__ import annotations

import os
from typing import Any

import pandas as pd
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from graph_magics import Graph
from graph_magics.routers import weights_in

from . import strategies as some
from . import strategies_events as given_events

EXAMPLES = int(os.environ.get("LAW_EXAMPLES", "150"))
tried = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
    ],
)


@st.composite
def weighed(draw: Any) -> Graph:
    """Give graphs in which at least one router has weights."""
    inner = some.nodes(1, True, some.leaves())
    root = draw(st.one_of(some.votes(inner), some.splitters(inner)))
    for _ in range(draw(st.integers(0, 2))):
        other = draw(inner)
        root = some.join(other, root) if draw(st.booleans()) else some.join(root, other)
    if draw(st.booleans()):
        root = Graph("inner", root, namespace={})
    graph = Graph("random", root, namespace={})
    for path, node in graph.nodes.items():
        note(f"{path}: {node.kind} {node.title} {getattr(node, 'conditions', '')}")
    return graph


def other_weights(draw: Any, graph: Graph) -> tuple[str, dict[str, float]]:
    """Give one of a graph's routers with weights, and others for it."""
    path = draw(st.sampled_from(sorted(weights_in(graph.nodes))))
    routes = graph.nodes[path].children
    weights = {route: draw(st.sampled_from([0, 1, 2, 0.5])) for route in routes}
    assume(any(weights.values()))
    note(f"{path}: {weights}")
    return path, weights


@tried
@given(weighed(), given_events.events(), st.integers(0, 3), st.sampled_from([None, 2]), st.data())
def test_what_if_is_a_real_run_with_these_weights(
    graph: Graph, events: Any, seed: int, chunk_size: int | None, data: st.DataObject
) -> None:
    path, weights = other_weights(data.draw, graph)
    run = graph.run(events, seed=seed, chunk_size=chunk_size)
    before = run.frame.copy()
    given = run.what_if(weights, router=path)
    pd.testing.assert_frame_equal(graph.run(events, seed=seed, chunk_size=chunk_size).frame, before)
    # Only for a real run: nobody may turn weights so.
    graph.nodes[path]._weigh(weights)  # type: ignore[attr-defined]
    real = graph.run(events, seed=seed, chunk_size=chunk_size).frame
    pd.testing.assert_frame_equal(given, real)
    # The run is what it was, though the graph's weights were turned since.
    pd.testing.assert_frame_equal(run.frame, before)
    pd.testing.assert_frame_equal(run.what_if(run._weights[path], router=path), before)
