"""The names of all nodes of a graph: given, taken from variables, and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from .errors import GraphError, listed
from .flow import Flow, as_flow
from .naming import variable_of
from .nodes import Node, walk
from .outputs import RESERVED
from .routers.jump import Jump
from .steps.unbound import Unbound


def bound_flow(root: Any, namespaces: Sequence[Mapping[str, Any]]) -> Flow:
    """Make the flow of a graph: every node in it has a name, and no two have the same path.

    Parameters
    ----------
    root : step, model, router, flow, or a list of such
    namespaces : sequence of mapping
        A node without a name is called as the variable of these that it is in.

    Raises
    ------
    GraphError
        If a name cannot be, or stands twice.
    """
    flow = as_flow(root)
    # A flow of its own, so that naming its steps here does not rename them elsewhere.
    flow = Flow(flow.steps, flow.wires)
    _bind(flow, namespaces)
    _check_names(flow)
    return flow


def _bind(node: Node, namespaces: Sequence[Mapping[str, Any]]) -> None:
    """Name every node that has no name after the variable that holds it."""
    inside = node.steps if isinstance(node, Flow) else tuple(node.children.values())
    for child in inside:
        if child.name is None:
            child.name = variable_of(child, *namespaces)
        _bind(child, namespaces)
    if isinstance(node, Flow):
        node.bind()
    for name in node.children:
        if not isinstance(name, str) or not name or "." in name:
            raise GraphError(f"a name must be a text without a dot, got {name!r}", node=node.name)


def _check_names(root: Flow) -> None:
    seen: dict[str, Node] = {}
    for path, node in walk(root):
        name = path.rpartition(".")[2]
        if name in RESERVED:
            raise GraphError(
                f"{name!r} is a column of every run; call the node otherwise", node=path
            )
        around = seen.get(path.rpartition(".")[0])
        if name == "route" and around is not None and around.chooses:
            raise GraphError("'route' is the column of the routes chosen; rename it", node=path)
        if path in seen:
            raise GraphError("this path stands for two nodes; rename one", node=path)
        seen[path] = node
    for path, node in seen.items():
        if isinstance(node, Jump) and seen.get(node.leads_to(path)) is not node.target:
            raise GraphError(
                f"it leads to {node.path!r}, which is no part of this graph; take the whole graph",
                node=path,
            )


def unbound_in(nodes: Mapping[str, Node]) -> list[str]:
    """The services that nothing is bound to, each once."""
    return list(dict.fromkeys(n.service for n in nodes.values() if isinstance(n, Unbound)))


def refuse_unbound(services: Sequence[str], graph: str) -> None:
    """Refuse to run with services that nothing is bound to, all in one error."""
    if services:
        what = "service" if len(services) == 1 else "services"
        raise GraphError(
            f"nothing is bound to the {what} {listed(services)}; bind with "
            f"--bind {services[0]}=VARIABLE or services={{...}}",
            graph=graph,
        )


def told(flow: Node) -> str:
    """A graph in one line: ``scale >> vote[forest, logistic]``."""
    wires, entries = [w for w in flow.edges if w not in flow.edge_labels], flow.entries
    reached = {after for _, after in wires}
    handlers = [
        name
        for name in flow.children
        if entries is not None and name not in reached and name not in entries
    ]
    parts = {name: child for name, child in flow.children.items() if name not in handlers}
    follow = wires == list(pairwise(parts))
    text = (" >> " if follow else ", ").join(_part(n, c) for n, c in parts.items())
    return f"{text} (on error: {', '.join(handlers)})" if handlers else text


def _part(name: str, node: Node) -> str:
    if not node.children:
        return name
    inside = (
        told(node)
        if isinstance(node, Flow)
        else ", ".join(_part(n, c) for n, c in node.children.items())
    )
    return f"{name}[{inside}]"
