"""Python's parts in MLRun's terms: what each is made of, and the steps of their flow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ...errors import a
from ...flow import Flow
from ...limits import CONCURRENCY
from ...mlrun.face import ServedGraph
from ...nodes import Node
from ...routers import Ensemble, ParallelRun, Sequence, Splitter, Switch, VotingEnsemble
from ...routers.base import OPTIONS
from ...steps import Model, Remote, Step
from ..kserve.terms import Names
from .made import Made
from .needs import Needs
from .paths import theirs

_SERVERS = {
    "sklearn": "mlrun.frameworks.sklearn.SKLearnModelServer",
    "xgboost": "mlrun.frameworks.xgboost.XGBoostModelServer",
    "lightgbm": "mlrun.frameworks.lgbm.LGBMModelServer",
}
_A_CLASS = "declare the graph by MLRun's calls, with a class of mlrun"
_INSTEAD: Mapping[type[Node], str] = {
    Splitter: f"MLRun draws no routes by weight; {_A_CLASS}.Choice whose select_outlets draws",
    Switch: f"MLRun has no conditions on routes; {_A_CLASS}.Choice whose select_outlets decides",
    Ensemble: "MLRun has no Ensemble of KServe's; a ParallelRun of functions that answer objects "
    "is the nearest",
    ServedGraph: "MLRun has no graphs in graphs; write this one by itself, with its to_mlrun",
    Sequence: "MLRun has no conditions, data and dependencies of steps; write a >> b, or let one "
    "function do it",
}


@dataclass(frozen=True)
class Placed:
    """A part and its place in MLRun's flow.

    Parameters
    ----------
    name : str
    part : Node
    where : str
        Its path in the graph that it comes from.
    after : list of str
        The steps that it follows.
    """

    name: str
    part: Node
    where: str
    after: list[str]


def placed(root: Flow, needs: Needs) -> tuple[list[Placed], str]:
    """Give the steps of a flow, those of flows inside it among them, and which one answers."""
    steps: list[Placed] = []
    ends = _place(root, "", [], steps, Names(), needs)
    if len(ends) > 1:
        needs.note(
            f"the answer is that of {ends[0]!r}; in MLRun an event that fails in another branch "
            "may have it all the same"
        )
    if any(len(step.after) > 1 for step in steps) or _branches(steps):
        needs.note(
            "branches are handed the same object in MLRun: let functions answer new objects, and "
            "leave the one that they are given as it is"
        )
    return steps, ends[0]


def _branches(steps: list[Placed]) -> bool:
    before = [name for step in steps for name in step.after or [""]]
    return len(set(before)) < len(before)


def _place(
    flow: Node, path: str, after: list[str], steps: list[Placed], names: Names, needs: Needs
) -> list[str]:
    """Place the steps of a flow behind others, and give those that nothing follows."""
    chain = list(flow.children)
    wires = flow.edges if isinstance(flow, Flow) else list(pairwise(chain))
    last: dict[str, list[str]] = {}
    for name in _in_order(chain, wires):
        node, here = flow.children[name], f"{path}.{name}" if path else name
        before = [end for source, target in wires if target == name for end in last[source]]
        behind = before or after
        if isinstance(node, Flow) or (isinstance(node, Sequence) and _is_plain(node)):
            # What several of its ends answer is one answer to those around it: the first.
            last[name] = _place(node, here, behind, steps, names, needs)[:1]
        else:
            steps.append(Placed(names.of(here), node, here, behind))
            last[name] = [steps[-1].name]
    sources = {source for source, _ in wires}
    return [end for name in chain if name not in sources for end in last[name]]


def _in_order(names: list[str], wires: Any) -> Iterator[str]:
    """The steps, none before one that it follows; else in the order declared."""
    waiting, done = list(names), set[str]()
    while waiting:
        name = next(n for n in waiting if all(a in done for a, b in wires if b == n))
        waiting.remove(name)
        done.add(name)
        yield name


def _is_plain(sequence: Sequence) -> bool:
    said = (sequence._said(name, option) for name in sequence.children for option in OPTIONS)
    return not sequence.strict and not sequence.conditions and not any(said)


def made_of_node(node: Node, where: str, needs: Needs) -> Made:
    """Say what a part is made of; what MLRun has no word for is refused."""
    match node:
        case Step():
            if node.batch:
                needs.refuse(where, "MLRun's steps get one event at a time; write the function for "
                             "one event, without batch=True")  # fmt: skip
                return Made()
            return Made(handler=needs.function(node.function, where))
        case Model():
            return made_of_model(node.model, node.method, where, needs)
        case Remote():
            return _of_remote(node, where, needs)
        case VotingEnsemble():
            return _of_vote(node, where, needs)
        case ParallelRun():
            return _of_parallel(node, where, needs)
    nothing = f"MLRun has nothing like a {node.kind}; let a function do it"
    needs.refuse(where, _INSTEAD.get(type(node), nothing))
    return Made()


def made_of_model(model: Any, method: str, where: str, needs: Needs) -> Made:
    """Say which of MLRun's servers serves a model; the path of its file is to be filled in."""
    kinds = {kind.__module__.partition(".")[0] for kind in type(model).__mro__}
    server = next((path for kind, path in _SERVERS.items() if kind in kinds), None)
    if server is None:
        needs.refuse(
            where,
            f"MLRun has no server for {a(model)}; {_A_CLASS}.V2ModelServer that loads it, and "
            "whose predict calls it",
        )
        return Made()
    if method != "predict":
        needs.refuse(
            where,
            f"MLRun's server for {a(model)} calls predict, not {method}; {_A_CLASS}.V2ModelServer "
            f"whose predict calls {method}",
        )
        return Made()
    path = needs.model(model, server, where)
    needs.note(
        'a model gets {"inputs": [[...], ...]} in MLRun, and answers {"outputs": [...]}: the steps '
        "around it have to give and to take that"
    )
    return Made(server, arguments={"model_path": path})


def _of_remote(remote: Remote, where: str, needs: Needs) -> Made:
    # MLRun sends a request six times again, where nothing is said.
    arguments: dict[str, Any] = {"url": remote.url, "method": "POST", "retries": remote.retries}
    if remote.retries:
        arguments["backoff_factor"] = remote.backoff_factor
    if remote.timeout is not None:
        arguments["timeout"] = remote.timeout
    if remote.concurrency != CONCURRENCY:
        arguments["max_in_flight"] = remote.concurrency
    if remote.propagate_headers:
        needs.leave_out("propagate_headers=", where)
    needs.note(f"{where!r}: a response with a status of 400 or more is an error in MLRun")
    return Made("$remote", arguments=arguments)


def _of_vote(vote: VotingEnsemble, where: str, needs: Needs) -> Made:
    if vote.vote_type == "soft":
        needs.refuse(
            where,
            "MLRun has no soft vote; let the models vote with their labels, or "
            f"{_A_CLASS}.VotingEnsemble whose logic does it",
        )
        return Made()
    arguments: dict[str, Any] = {}
    if vote.vote_type is None:
        needs.note(
            f"{where!r}: without a vote_type MLRun decides by the first event, for all that follow"
        )
    else:
        arguments["vote_type"] = vote.vote_type
    if len(set(vote._counts)) > 1:
        is_whole = abs(sum(vote._counts) - 1) < 1e-9
        counts = dict(zip(vote.children, vote._counts, strict=True))
        arguments["weights"] = counts if is_whole else dict(vote.weights)
    for name, node in vote.children.items():
        _check_voter(node, f"{where}.{name}", vote, needs)
    arguments["executor_type"] = vote.executor_type or "array"
    if vote.vote_type != "regression":
        needs.note(f"{where!r}: labels are whole numbers from 0 on in MLRun's votes")
    return Made(theirs("VotingEnsemble"), None, arguments, True, vote.children)


def _check_voter(node: Node, where: str, vote: VotingEnsemble, needs: Needs) -> None:
    if isinstance(node, (Flow, Sequence)):
        needs.refuse(where, "a route is one step in MLRun; let one function or class do its work")
    elif isinstance(node, (VotingEnsemble, ParallelRun)):
        needs.refuse(where, "a router cannot be a route of a vote in MLRun, which refuses the path "
                     "that it is sent; put its routes into the vote")  # fmt: skip
    elif isinstance(node, Step):
        needs.note(
            f'{where!r}: in MLRun it gets {{"inputs": [...]}} and has to answer {{"outputs": '
            "[...]}, one for each"
        )
    elif isinstance(node, Model) and vote.vote_type == "classification":
        labels = node.classes
        if labels is not None and not _are_counts(labels):
            needs.refuse(
                where,
                "MLRun's votes take whole numbers from 0 on as labels, and this model answers "
                f"{labels[0]!s:.30}; fit it on labels of scikit-learn's LabelEncoder",
            )


def _are_counts(labels: np.ndarray) -> bool:
    if labels.dtype.kind not in "buif":
        return False
    return bool((labels >= 0).all() and (labels == labels.astype(int)).all())


def _of_parallel(parallel: ParallelRun, where: str, needs: Needs) -> Made:
    if parallel.merger is not None:
        needs.refuse(
            where,
            "MLRun's ParallelRun merges by a method; "
            f"{_A_CLASS}.ParallelRun whose merger(body, results) does it",
        )
    for name, node in parallel.children.items():
        here = f"{where}.{name}"
        if isinstance(node, (Flow, Sequence)):
            needs.refuse(here, "a route is one step in MLRun; let one function do its work")
        elif isinstance(node, (Model, VotingEnsemble)):
            needs.refuse(
                here,
                'in MLRun all models answer the same fields, such as "outputs", of which the last '
                "counts; put a VotingEnsemble in place of the ParallelRun, or functions in place "
                "of the models",
            )
    arguments: dict[str, Any] = {"extend_event": True} if parallel.extend_event else {}
    if parallel.extend_event:
        needs.note(f"{where!r}: MLRun adds a field background_task_state to the answer")
    arguments["executor_type"] = parallel.executor_type or "array"
    needs.note(
        f"{where!r}: its routes are handed the same object in MLRun, and have to answer objects"
    )
    return Made(theirs("ParallelRun"), None, arguments, True, parallel.children)
