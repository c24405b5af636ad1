"""Where KServe's router would crash or never come back, and what in a graph has no effect.

The router runs a graph without looking at it first. What happens to a request is known from
the recorded answers: a Splitter that comes to a step without a weight panics, and so does a
request whose last word is a Sequence without steps, for its answer has no status; nodes that
lead to each other with no way out end with the whole router.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import GraphError

ROOT = "root"

# How a node may end: with a status, which is a success or not; with an error, which the router
# answers at once with 500; or without a status, as a Sequence without steps does. What crashes
# the router or runs for ever does not end.
_SUCCESS, _FAILURE, _ERROR, _NO_STATUS = "success", "failure", "error", "no status"
_Ends = frozenset[str]
_NEVER: _Ends = frozenset()
_STATUS: _Ends = frozenset([_SUCCESS, _FAILURE])
_ANSWERED: _Ends = _STATUS | {_ERROR}


def refuse_dead_end(nodes: Mapping[str, Any]) -> None:
    """Refuse a graph that cannot answer any request.

    Parameters
    ----------
    nodes : mapping
        The nodes of a spec, each of the types that KServe gives its fields.

    Raises
    ------
    GraphError
        Which names the node and the step at fault.

    Notes
    -----
    Ways out of a cycle are a condition, a Switch, for which no condition may hold, and a step
    marked Hard, for its service may fail. A service that cannot be reached does not count.

    Examples
    --------
    >>> refuse_dead_end({"root": {"routerType": "Sequence", "steps": [{"nodeName": "root"}]}})
    Traceback (most recent call last):
        ...
    graph_magics.errors.GraphError: node 'root', step 0: the nodes root -> root call each other
    without a way out; KServe's router would run until it dies
    """
    ends = _all_ends(nodes)
    if ROOT in nodes and not ends[ROOT] & _ANSWERED:
        raise GraphError(_explained(nodes, ends))


def warnings_of(nodes: Mapping[str, Any]) -> list[str]:
    """What a user should know of a graph that runs.

    Returns
    -------
    list of str
        Steps that crash the router if a request comes to them, that go nowhere, or say
        something that has no effect.

    Examples
    --------
    >>> step = {"serviceName": "iris", "data": "$response.predictions"}
    >>> warnings_of({"root": {"routerType": "Sequence", "steps": [step]}})
    ["node 'root', step 0: data '$response.predictions' is taken as $request: only '$response' is
    taken as the previous step's response"]
    """
    ends = _all_ends(nodes)
    return [
        f"node {name!r}{place}: {text}"
        for name in reversed(ends)
        for place, text in _node_warnings(name, nodes, ends)
    ]


def _reached(nodes: Mapping[str, Any]) -> list[str]:
    """The nodes to which a request may come, those they call before them."""
    waiting, seen, found = [(ROOT, False)] if ROOT in nodes else [], set(), []
    while waiting:
        name, done = waiting.pop()
        if done:
            found.append(name)
        elif name not in seen:
            seen.add(name)
            waiting.append((name, True))
            targets = [step.get("nodeName") for step in reversed(_steps(nodes[name]))]
            waiting += [(target, False) for target in targets if target in nodes]
    return found


def _node_warnings(
    name: str, nodes: Mapping[str, Any], ends: Mapping[str, _Ends]
) -> Iterator[tuple[str, str]]:
    kind, steps = nodes[name].get("routerType"), _steps(nodes[name])
    if kind == "Sequence" and not steps:
        yield "", "it has no steps; a request that ends here crashes KServe's router"
    elif ends[name] == _NEVER:
        yield "", "no request that comes here is ever answered by KServe's router"
    drawn = _drawn(steps) if kind == "Splitter" else set()
    for i, step in enumerate(steps):
        place, target = f", step {i}", step.get("nodeName")
        if kind == "Splitter" and step.get("weight") is None and i in drawn:
            yield place, "it has no weight; a request that comes here crashes KServe's router"
        if target and target not in nodes:
            yield place, f"there is no node {target!r}; KServe's router answers 500 here"
        if kind == "Sequence" and i == 0 and step.get("condition"):
            yield place, "a condition on the first step is never met: there is no response yet"
        if kind in ("Ensemble", "Splitter") and step.get("condition"):
            yield place, f"a condition has no effect in a node of type {kind}"
        data = step.get("data")
        if kind == "Sequence" and data and data not in ("$request", "$response"):
            yield (
                place,
                (
                    f"data {data!r} is taken as $request: only '$response' is taken as the "
                    "previous step's response"
                ),
            )


def _steps(node: Mapping[str, Any]) -> list[dict[str, Any]]:
    return node.get("steps") or []


def _all_ends(nodes: Mapping[str, Any]) -> dict[str, _Ends]:
    """How each node that is reached may end: the least solution, which assumes nothing."""
    ends = dict.fromkeys(_reached(nodes), _NEVER)
    changed = True
    while changed:  # once, and once more for each circle: what is called stands first
        changed = False
        for name in ends:
            now = _ends(nodes[name], ends)
            changed |= now != ends[name]
            ends[name] = now
    return ends


def _ends(node: Mapping[str, Any], ends: Mapping[str, _Ends]) -> _Ends:
    steps = _steps(node)
    each = [_step_ends(step, ends) for step in steps]
    match node.get("routerType"):
        case "Sequence":
            return _sequence_ends(steps, each)
        case "Ensemble":
            return _ensemble_ends(steps, each)
        case "Switch":
            return frozenset([_ERROR]).union(*each)  # an error if no condition holds
        case "Splitter":
            return _splitter_ends(steps, each)
    return frozenset([_ERROR])  # "invalid route type"


def _step_ends(step: Mapping[str, Any], ends: Mapping[str, _Ends]) -> _Ends:
    target = step.get("nodeName")
    return ends.get(target, frozenset([_ERROR])) if target else _STATUS


def _sequence_ends(steps: list[dict[str, Any]], each: list[_Ends]) -> _Ends:
    found: set[str] = set()
    last = frozenset([_NO_STATUS])  # of no step at all
    for step, step_ends in zip(steps, each, strict=True):
        if step.get("condition"):
            if _NO_STATUS in last:
                found.add(_ERROR)  # there is no response to look at
            if not last & _STATUS:
                break
            found.add(_SUCCESS)  # where the condition does not hold, whatever came before
        found |= step_ends & {_ERROR}
        last = step_ends - {_ERROR}
        if step.get("dependency") == "Hard":
            found |= last - {_SUCCESS}
            last &= {_SUCCESS}
        if not last:
            break
    else:
        found |= last
    return frozenset(found)


def _ensemble_ends(steps: list[dict[str, Any]], each: list[_Ends]) -> _Ends:
    if _NEVER in each:  # it waits for all its steps
        return _NEVER
    found = set()
    if all(step_ends & _STATUS for step_ends in each):
        found.add(_SUCCESS)
    if any(not step_ends <= _STATUS for step_ends in each):
        found.add(_ERROR)  # no status means no JSON either
    hard = [step.get("dependency") == "Hard" for step in steps]
    if any(_FAILURE in e for e, is_hard in zip(each, hard, strict=True) if is_hard):
        found.add(_FAILURE)
    return frozenset(found)


def _splitter_ends(steps: list[dict[str, Any]], each: list[_Ends]) -> _Ends:
    found: set[str] = set()
    for i in _drawn(steps):
        if i is None:
            found.add(_ERROR)  # "no route was selected by the splitter"
        elif steps[i].get("weight") is not None:
            found |= each[i]
    return frozenset(found)


def _drawn(steps: list[dict[str, Any]]) -> set[int | None]:
    """The steps to which some draw from 0 to 99 leads, and None if one leads past them all.

    A step without a weight is where all draws lead that none before it has taken.
    """
    drawn: set[int | None] = set()
    end = taken = 0
    for i, step in enumerate(steps):
        if taken >= 100:
            return drawn
        weight = step.get("weight")
        if weight is None:
            return drawn | {i}
        end += weight
        if end > taken:
            taken = end
            drawn.add(i)
    return drawn if taken >= 100 else drawn | {None}


def _explained(nodes: Mapping[str, Any], ends: Mapping[str, _Ends]) -> str:
    """Why the root cannot answer: where one comes from there, always by a step at fault."""
    name, place = ROOT, ""
    trail: dict[str, None] = {}
    while name not in trail:
        trail[name] = None
        kind, steps = nodes[name].get("routerType"), _steps(nodes[name])
        if kind == "Sequence" and not steps:
            after = f", and {place} ends with it" if place else ""
            return f"node {name!r}: it has no steps{after}; KServe's router crashes on each request"
        for i, step in enumerate(steps):
            place = f"node {name!r}, step {i}"
            if kind == "Splitter" and step.get("weight") is None and i in _drawn(steps):
                return f"{place}: it has no weight; KServe's router crashes on each request"
            if _at_fault(i, steps, kind, ends):
                name = step["nodeName"]
                break
    names = [*trail]
    circle = " -> ".join([*names[names.index(name) :], name])
    return (
        f"{place}: the nodes {circle} call each other without a way out; "
        "KServe's router would run until it dies"
    )


def _at_fault(i: int, steps: list[dict[str, Any]], kind: Any, ends: Mapping[str, _Ends]) -> bool:
    step_ends = _step_ends(steps[i], ends)
    if kind == "Splitter":
        return not step_ends & _ANSWERED and i in _drawn(steps)
    if kind == "Ensemble":
        return not step_ends
    hard_or_last = steps[i].get("dependency") == "Hard" or i == len(steps) - 1
    return not step_ends or (hard_or_last and not step_ends & _ANSWERED)
