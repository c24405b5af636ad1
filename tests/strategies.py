"""Random graphs: what the laws of design.md are held for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import note
from hypothesis import strategies as st

from graph_magics import (
    Ensemble,
    Graph,
    ParallelRun,
    Sequence,
    Splitter,
    Switch,
    VotingEnsemble,
)
from graph_magics.flow import join

from .strategies_steps import (
    BAD,
    NUMBERS,
    PROBABLE,
    digest,
    fitted,
    leaves,
    models,
    per_event,
    per_table,
    rows_of,
)

# --- routers --------------------------------------------------------------------------------


def _several(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Give routes: most often more than one, and at times of one kind, which are joined again."""
    alike = st.sampled_from(["flat", "identity", "number", "one_sample"]).flatmap(
        lambda kind: st.builds(per_event, st.just(kind), NUMBERS, BAD)
    )
    tables = st.sampled_from(["assigned", "whole", "array", "wide"]).flatmap(
        lambda kind: st.builds(per_table, st.just(kind), NUMBERS, BAD)
    )
    sizes = {"min_size": 2, "max_size": 3}
    several = st.lists(inner, **sizes)
    return st.one_of(
        several,
        several,
        st.lists(inner, min_size=1, max_size=1),
        st.lists(alike, **sizes),
        st.lists(tables, **sizes),
    )


def _named(routes: list[Any]) -> dict[str, Any]:
    return {f"r{place}": route for place, route in enumerate(routes)}


def _condition(salt: int) -> Callable[[Any], Any]:
    return lambda event: [digest(event, salt) % 2, None, "", "yes"][digest(event, salt) // 16 % 4]


def _table_condition(salt: int) -> Callable[[Any], Any]:
    def odd(frame: pd.DataFrame) -> Any:
        return np.array([digest(row, salt) % 2 == 1 for row in rows_of(frame)])

    return odd


CONDITIONS = [
    *("a > 2", "b < 1", "s == 'u'", "f", "a > 1 and b != 0.5", "c in ['k', 'l']"),
    *("t > '2024-01-02'", *map(_condition, range(3)), *map(_table_condition, range(2))),
]


@st.composite
def switches(draw: Any, inner: st.SearchStrategy[Any]) -> Switch:
    routes = _named(draw(_several(inner)))
    names = list(routes)
    if len(names) > 1 and draw(st.booleans()):
        names.pop()  # The last takes the rest.
    conditions = {name: draw(st.sampled_from(CONDITIONS)) for name in names}
    return Switch(**routes, conditions=conditions)


@st.composite
def splitters(draw: Any, inner: st.SearchStrategy[Any]) -> Splitter:
    routes = _named(draw(_several(inner)))
    weights = {name: draw(st.sampled_from([1, 2, 0.5])) for name in routes}
    return Splitter(**routes, weights=weights)


def _merger(body: Any, results: dict[str, Any]) -> Any:
    """Change everything, answer with something of it."""
    number = digest([body, results])
    for value in (body, *results.values()):
        if isinstance(value, (dict, list)):
            value.clear()
    results.clear()
    return {"merged": number % 11} if number % 3 else number % 11


@st.composite
def parallel_runs(draw: Any, inner: st.SearchStrategy[Any]) -> ParallelRun:
    routes = _named(draw(_several(inner)))
    how = draw(st.sampled_from([{}, {"extend_event": True}, {"merger": _merger}]))
    return ParallelRun(**routes, **how)


@st.composite
def votes(draw: Any, inner: st.SearchStrategy[Any]) -> VotingEnsemble:
    vote_type = draw(st.sampled_from(["classification", "regression", "soft", None]))
    if vote_type == "soft":
        routes = [fitted()[name] for name in draw(st.lists(PROBABLE, min_size=1, max_size=3))]
    elif vote_type is None:
        # It goes by the type of the answers, so they may not hang on the type of the events.
        kinds = st.sampled_from(["number", "label", "mixed", "outputs"])
        safe = st.builds(per_event, kinds, NUMBERS, BAD)
        routes = draw(st.lists(st.one_of(safe, safe, models()), min_size=1, max_size=3))
    else:
        routes = draw(_several(inner))
    named = _named(routes)
    weighted = draw(st.booleans())
    weights = {name: draw(st.sampled_from([1, 2, 3])) for name in named} if weighted else None
    return VotingEnsemble(**named, vote_type=vote_type, weights=weights)


@st.composite
def flows(draw: Any, inner: st.SearchStrategy[Any]) -> Any:
    flow = draw(inner)
    for _ in range(draw(st.integers(1, 2))):
        if draw(st.booleans()):
            flow = join(flow, draw(st.lists(inner, min_size=2, max_size=2)))
        flow = join(flow, draw(inner))
    return flow


def nodes(depth: int, random: bool, leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Give nodes of at most some depth; with ``random``, Splitters among them."""
    if depth == 0:
        return leaf
    inner = nodes(depth - 1, random, leaf)
    routers = [
        switches(inner),
        parallel_runs(inner),
        votes(inner),
        flows(inner),
        _several(inner).map(lambda r: Ensemble(**_named(r))),
        _several(inner).map(lambda r: Sequence(**_named(r))),
    ]
    return st.one_of(leaf, *routers, *([splitters(inner)] * 2 if random else []))


@st.composite
def graphs(
    draw: Any, *, random: bool = True, depth: int = 2, leaf: st.SearchStrategy[Any] | None = None
) -> Graph:
    """Give graphs; those without ``random`` draw nothing, whatever the seed."""
    leaf = leaves() if leaf is None else leaf
    root = draw(nodes(depth, random, leaf))
    if draw(st.booleans()):
        root = join(root, draw(nodes(depth - 1, random, leaf)))
    if draw(st.booleans()):
        root = Graph("inner", root, namespace={})
    graph = Graph("random", root, namespace={})
    for path, node in graph.nodes.items():
        note(f"{path}: {node.kind} {node.title} {getattr(node, 'conditions', '')}")
    return graph
