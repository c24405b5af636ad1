"""Declarations to nodes: which class of node runs what was declared."""

from __future__ import annotations

import inspect
import sys
from importlib import import_module
from typing import Any

from ..errors import GraphError
from ..flow import Flow
from ..nodes import Node, as_node
from .declaring import QueueStep, RootFlowStep, RootRouterStep, RouterStep, TaskStep
from .declaring.names import is_router
from .flow import ServedFlow
from .lookup import THEIRS, Namespace, class_of
from .tasks import TaskNode


def built(declared: RootFlowStep | RootRouterStep, namespace: Namespace) -> ServedFlow | Flow:
    """Make the nodes of everything declared; no object of the user's is made yet.

    Raises
    ------
    GraphError
        If a class or a function is not there, or the steps cannot follow each other so.
    """
    if isinstance(declared, RootRouterStep):
        return Flow([node_of(declared, namespace)])
    if not declared.steps:
        raise GraphError("it has no steps; write graph.add_step(...) or graph.to(...)")
    nodes = {}
    for name, step in declared.steps.items():
        try:
            nodes[name] = node_of(step, namespace)
        except GraphError as error:
            raise error.at(node=name) from error.__cause__
    return ServedFlow(declared, nodes)


def node_of(step: Any, namespace: Namespace) -> Node:
    """Make the node of one declared step, routes included."""
    if isinstance(step, QueueStep):
        from .queues import QueueNode

        return QueueNode(step)
    if isinstance(step, RouterStep):
        return _router(step, namespace)
    if step.class_name is None:
        return TaskNode(step, None)
    made_of = class_of("RemoteStep" if step.class_name == "$remote" else step.class_name, namespace)
    if isinstance(made_of, Node):
        return _named(made_of, step)
    if inspect.isroutine(made_of):
        step.handler = made_of
        return TaskNode(step, None)
    node = _served_by(made_of)
    if node is not None:
        return node(step, made_of)
    if not _is_step(made_of) and not inspect.isclass(made_of):
        return _named(as_node(made_of), step)  # A fitted model, such as scikit-learn's.
    return TaskNode(step, made_of)


def _router(step: RouterStep, namespace: Namespace) -> Node:
    made_of = class_of(step.class_name or "ModelRouter", namespace)
    path = getattr(made_of, "run_by", None)
    if path is None and is_router(made_of):
        path = "routing.foreign.ForeignRouterNode"
    if not step.routes:
        raise GraphError("a router needs at least one route: add_route(...)", node=step.name)
    routes: dict[str, Node] = {}
    for name, route in step.routes.items():
        try:
            routes[name] = node_of(route, namespace)
        except GraphError as error:
            raise error.at(node=name).within(step.name or "") from error.__cause__
    if path is None:
        raise GraphError(
            f"{getattr(made_of, '__name__', made_of)!s} is no router; "
            "make it a subclass of ModelRouter, ParallelRun or VotingEnsemble",
            node=step.name,
        )
    return _found(path)(step, made_of, routes)


def _served_by(made_of: Any) -> Any:
    """The class of node that runs a class of ours, or one made from MLRun's of the same name."""
    path = getattr(made_of, "run_by", None)
    if path is None:
        ours = sys.modules[__package__]
        kind = made_of if inspect.isclass(made_of) else type(made_of)
        for base in kind.__mro__:
            if base.__module__.partition(".")[0] in THEIRS and base.__name__ in ours.__all__:
                path = getattr(getattr(ours, base.__name__), "run_by", None)
                break
    return None if path is None else _found(path)


def _found(path: str) -> Any:
    """A class of node, by its path in this package: the classes that users know are below it."""
    module, _, name = path.rpartition(".")
    return getattr(import_module(f"{__package__}.{module}"), name)


def _named(node: Node, step: TaskStep) -> Node:
    node.name = step.name
    return node


def _is_step(thing: Any) -> bool:
    """Whether an object is called by MLRun's names, and not as a model of another library."""
    return any(hasattr(thing, name) for name in ("do", "do_event"))
