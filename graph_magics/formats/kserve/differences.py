"""In what a written manifest answers otherwise than the graph of Python parts that it is of."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping

from ...errors import listed
from ...flow import Flow
from ...nodes import Node
from ...routers import Router, Switch
from ...routers.kserve import KServeRouter
from ...steps import Remote


def of_rounding(path: str, shares: Mapping[str, float], weights: Mapping[str, int]) -> str:
    """Weights that are not quite the shares."""
    told = (f"{name} {100 * shares[name]:.4g} % to {weights[name]}" for name in weights)
    return f"node {path!r}: weights are rounded: {', '.join(told)}"


def of_ensembles(names: Collection[str]) -> Iterator[str]:
    """What KServe's Ensemble makes of answers; ``names`` are those of the manifest."""
    if names:
        yield (
            f"all steps of {listed(names)} must answer JSON objects, or null: KServe's Ensemble "
            "takes no others, sorts their keys, and rounds whole numbers beyond 2**53"
        )


def of_ends(around: Node, route: str, node: Node, inner: Node, path: str) -> Iterator[str]:
    """How events end in a router.

    Parameters
    ----------
    around : Node
        The router or flow of which the node is a route or step.
    node, inner : Node
        What stands there, and without the flows around it.
    path : str
        The node's.
    """
    takes_statuses = isinstance(around, KServeRouter) and (
        around.strict or around._said(route, "dependency") is not None
    )
    if takes_statuses and _has_pythons_manners(inner):
        yield (
            f"node {path!r}: what a service inside it answers without success goes on as it is in "
            "a cluster; in Python it is an error"
        )
    is_500_anyway = takes_statuses and isinstance(node, KServeRouter)
    if isinstance(inner, Switch) and not _takes_all(inner) and not is_500_anyway:
        yield (
            f"node {path!r}: where none of its conditions holds, a cluster answers with 500, not "
            "404, for it is not the root"
        )


def whole_timeout(remotes: Mapping[str, Remote]) -> int | None:
    """The one timeout of all services that are called by their URL, if it is whole seconds."""
    seconds = {remote.timeout for remote in remotes.values()}
    alone = next(iter(seconds)) if len(seconds) == 1 else None
    is_whole = alone is not None and math.isfinite(alone) and alone == int(alone)
    return int(alone) if is_whole and alone is not None else None


def of_remotes(remotes: Mapping[str, Remote], services: Collection[str]) -> Iterator[str]:
    """What of remote steps, by path, a manifest does not hold."""
    timeout = whole_timeout(remotes)
    if timeout is not None and services:
        yield (
            f"the timeout of {timeout} s is for every service here, not for {listed(remotes)} alone"
        )
    if timeout is None and any(remote.timeout is not None for remote in remotes.values()):
        told = ", ".join(
            f"{path} {'none' if remote.timeout is None else f'{remote.timeout:g} s'}"
            for path, remote in remotes.items()
        )
        yield (
            f"timeouts are left out ({told}): a manifest has one for all services, in whole seconds"
        )
    if again := [path for path, remote in remotes.items() if remote.retries]:
        yield f"the retries of {listed(again)} are left out: KServe's router sends a request once"
    sending = [path for path, remote in remotes.items() if remote.propagate_headers]
    if sending:
        yield (
            f"the headers that {listed(sending)} is sent along are no part of a manifest: a "
            "cluster has them in KServe's own configuration (router.headers.propagate)"
        )


def _has_pythons_manners(node: Node) -> bool:
    """Whether a failure inside a node is an error to those around it, and no response."""
    if isinstance(node, Flow):
        return len(node.children) > 1
    return isinstance(node, Router) and not (isinstance(node, KServeRouter) and node.strict)


def _takes_all(switch: Switch) -> bool:
    """Whether a Switch has a route for every event."""
    routes = list(switch.children)
    condition = switch.conditions.get(routes[-1]) if routes else "none at all"
    return condition is None or getattr(condition, "path", condition) == "@this"
