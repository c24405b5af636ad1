"""How the steps of a declared flow follow each other, and what cannot be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import GraphError
from ..nodes import Node
from .declaring import ErrorStep, RootFlowStep


def followers_of(declared: RootFlowStep) -> dict[str, list[str]]:
    """The steps after each, in the order in which they were declared to follow."""
    followers: dict[str, list[str]] = {name: [] for name in declared.steps}
    before: dict[str, list[str]] = {name: list(s.after) for name, s in declared.steps.items()}
    for name, step in declared.steps.items():
        for later in getattr(step, "before", ()):
            if later not in declared.steps:
                raise GraphError(f"before={later!r} is no step of the graph", node=name)
            before[later].append(name)
    for name, earlier in before.items():
        for other in earlier:
            if other not in followers:
                raise GraphError(
                    f"it follows {other!r}, which is no step of the graph any more", node=name
                )
            if name not in followers[other]:
                followers[other].append(name)
    return followers


def starts_of(declared: RootFlowStep, followers: Mapping[str, Sequence[str]]) -> list[str]:
    """Give the steps that events come in at."""
    handlers = {s.on_error for s in [declared, *declared.steps.values()]}
    followed = {name for names in followers.values() for name in names}
    return [name for name in declared.steps if name not in followed and name not in handlers]


def responder_of(declared: RootFlowStep, followers: Mapping[str, Sequence[str]]) -> str | None:
    """Give the step whose answer is the graph's; None if nothing waits for one (MLRun 1.12)."""
    responders = [
        name
        for name, step in declared.steps.items()
        if getattr(step, "responder", False) and not isinstance(step, ErrorStep)
    ]
    if len(responders) > 1:
        raise GraphError(f"two steps respond, {responders[0]!r} and {responders[1]!r}; one may")
    if responders and followers[responders[0]]:
        return None  # As MLRun has it: the step that responds is the last.
    return responders[0] if responders else None


def check_no_cycle(followers: Mapping[str, Sequence[str]]) -> None:
    """Refuse steps that follow each other in a circle."""
    done: set[str] = set()
    for start in followers:
        path: list[str] = []
        waiting = [(start, False)]
        while waiting:
            name, is_left = waiting.pop()
            if is_left:
                path.pop()
                done.add(name)
            elif name in path:
                told = " >> ".join([*path[path.index(name) :], name])
                raise GraphError(f"the steps run in a cycle: {told}")
            elif name not in done:
                path.append(name)
                waiting.append((name, True))
                waiting.extend((follower, False) for follower in followers[name])


def check_sync(
    starts: Sequence[str], followers: Mapping[str, Sequence[str]], nodes: Mapping[str, Node]
) -> None:
    """Refuse what the sync engine has not: branches, several starts, storey's function steps."""
    hint = 'the sync engine runs one step after the other; write engine="async"'
    if len(starts) > 1:
        raise GraphError(f"the events come in at {starts[0]!r} and {starts[1]!r}: {hint}")
    times: dict[str, int] = {}
    for name, some in followers.items():
        if len(some) > 1:
            raise GraphError(f"{some[0]!r} and {some[1]!r} follow it: {hint}", node=name)
        for follower in some:
            times[follower] = times.get(follower, 0) + 1
            if times[follower] > 1:
                raise GraphError(f"it follows several steps: {hint}", node=follower)
    for name, node in nodes.items():
        if getattr(node, "needs_async", False):
            raise GraphError('it runs with the async engine only; write engine="async"', node=name)
