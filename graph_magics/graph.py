"""`Graph`: declaration, validation and everything that can be asked of a graph."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from .bodies import objects
from .engine import Events, execute, take_events
from .errors import EventError, GraphError, near, one_line
from .flow import Flow, as_flow
from .formats.python import run_body
from .naming import caller, variable_of
from .nodes import Node, accepts, walk
from .outputs import RESERVED
from .routers import Splitter, Switch
from .run import Run

if TYPE_CHECKING:
    from .picture import Drawing, Renderer

_ONE = pd.RangeIndex(1)


@dataclass(frozen=True)
class Response:
    """An answer as HTTP has it.

    Parameters
    ----------
    status_code : int
        200 answered, 400 the event is not what a step takes, 404 no route, 500 a step failed.
    body : bytes
        JSON.
    content_type : str
    """

    status_code: int
    body: bytes
    content_type: str = "application/json"


class Graph:
    """Steps and routers that events are run through.

    Parameters
    ----------
    name : str
    root : step, model, router, flow, or a list of such
        Whatever may stand where a step is expected; ``a >> [b, c] >> d`` is a flow.
    namespace : mapping, optional
        Where the names of nodes are looked up: a node is called as the variable that it is in.
        The caller's variables, if absent.

    Raises
    ------
    GraphError
        If something in it cannot be: a name that stands twice, a cycle, a thing that is no step.

    Examples
    --------
    >>> from graph_magics import Graph, Step, VotingEnsemble
    >>> double = Step(lambda event: 2 * event["x"])
    >>> vote = VotingEnsemble(low=lambda x: x - 1.0, high=lambda x: x + 2.0)
    >>> graph = Graph("demo", double >> vote)
    >>> graph
    Graph 'demo': double >> vote[low, high]
    >>> graph.test({"x": 5})
    10.5
    >>> graph.run([{"x": 1}, {"x": 2}]).frame["vote"].tolist()
    [2.5, 4.5]
    >>> graph["vote"]["low"] is graph.vote.low
    True
    """

    def __init__(self, name: str, root: Any, *, namespace: Mapping[str, Any] | None = None) -> None:
        if not isinstance(name, str) or not name:
            raise GraphError(f"a graph needs a name, a text; got {name!r}")
        self.name = name
        try:
            #: The flow of the graph's steps.
            self.root: Flow = _flow(root)
            if namespace is None:
                frame = caller()
                namespaces: list[Mapping[str, Any]] = [frame.f_locals, frame.f_globals]
            else:
                namespaces = [namespace]
            _bind(self.root, namespaces)
            _check_names(self.root)
        except GraphError as error:
            raise error.at(graph=name) from None

    @classmethod
    def from_cell(
        cls, name: str, body: str, namespace: Mapping[str, Any], *, first_line: int = 1
    ) -> Graph:
        """Declare a graph by the Python body of a ``%%graph`` cell.

        Parameters
        ----------
        name : str
        body : str
            Python; the names of this package need no import.
        namespace : mapping
            The notebook's variables: in reach of the body, and not changed by it.
        first_line : int
            The number of the body's first line in the cell, for messages.

        Raises
        ------
        GraphError
            With the line of the cell that is wrong.

        Examples
        --------
        >>> Graph.from_cell("g", "size = Step(measure)", {"measure": len})
        Graph 'g': size
        """
        try:
            flow, assigned = run_body(name, body, namespace, first_line=first_line)
        except GraphError as error:
            raise error.at(graph=name) from error.__cause__
        rest = {key: value for key, value in namespace.items() if key not in assigned}
        return cls(name, flow, namespace={**assigned, **rest})

    @property
    def nodes(self) -> Mapping[str, Node]:
        """Every node by its dotted path, parents first."""
        return dict(walk(self.root))

    def run(
        self,
        events: Any,
        *,
        seed: int = 0,
        on_error: Literal["keep", "raise"] = "keep",
        chunk_size: int | None = None,
    ) -> Run:
        """Run a batch of events through the graph.

        Parameters
        ----------
        events : DataFrame, Series, ndarray, list of JSON bodies, or one JSON body (a dict)
            A row, item or body for each event. Never changed.
        seed : int
            Of the draws of Splitters; the same seed draws the same.
        on_error : {"keep", "raise"}
            Whether an event that fails keeps its error in its row, or stops the run.
        chunk_size : int, optional
            How many events to hand on at once, to bound memory; it changes no answer.

        Returns
        -------
        Run

        Raises
        ------
        GraphError
            If the events are none of the above.
        EventError
            With ``on_error="raise"``, for the first event that failed.

        Examples
        --------
        >>> from graph_magics import Graph
        >>> Graph("g", abs).run([3, -4]).frame["response"].tolist()
        [3, 4]
        """
        if on_error not in ("keep", "raise"):
            raise GraphError(f'on_error must be "keep" or "raise", got {on_error!r}')
        if not _is_whole(seed):
            raise GraphError(f"seed must be a whole number, got {seed!r}")
        if chunk_size is not None and (not _is_whole(chunk_size) or chunk_size < 1):
            raise GraphError(f"chunk_size must be a whole number from 1 on, got {chunk_size!r}")
        try:
            taken = take_events(events)
        except GraphError as error:
            raise error.at(graph=self.name) from None
        stop = on_error == "raise"
        outcome = execute(
            self.root, taken, seed=int(seed), chunk_size=chunk_size, stop_on_failure=stop
        )
        if stop:
            self._raise_first(outcome.answers[-1].failures, taken.index)
        return Run(self.name, self.root, taken, outcome, seed=int(seed))

    def test(
        self,
        path: Any = "/",
        body: Any = None,
        *,
        seed: int = 0,
        event_id: str | None = None,
        get_body: bool = True,
    ) -> Any:
        """Run one event, as a request to the served graph would.

        Parameters
        ----------
        path : str
            Of the request; may be left out: ``test(body)``.
        body : JSON body, or a row of a table as a Series or a one-row DataFrame
        seed : int
            Of the draws of Splitters.
        event_id : str, optional
            The request's id, which answers to ``{"inputs": ...}`` repeat.
        get_body : bool
            True: give the answer's body, and raise what fails. False: give a `Response`.

        Raises
        ------
        EventError
            If a step fails; the step's own exception is the cause.
        """
        if not isinstance(path, str) or not path.startswith("/"):
            path, body = "/", path if body is None else body
        if isinstance(body, pd.DataFrame) and len(body) != 1:
            raise GraphError(f"test takes one event, got {len(body)}; use run", graph=self.name)
        if isinstance(body, pd.Series):
            body = body.to_dict()
        events = take_events(body) if isinstance(body, pd.DataFrame) else Events([body], _ONE)
        outcome = execute(self.root, events, seed=seed, event_id=event_id, stop_on_failure=True)
        (answer,) = outcome.answers
        if get_body:
            self._raise_first(answer.failures, None)
            return objects(answer.bodies)[0] if len(answer) else None
        if answer.failures:
            failure = answer.failures[0]
            told = {"error": f"{failure.node}: {one_line(failure.error)}"}
            return Response(failure.status, _json(told))
        try:
            return Response(200, _json(objects(answer.bodies)[0]))
        except (TypeError, ValueError) as error:
            return Response(500, _json({"error": f"the answer is no JSON: {error}"}))

    def draw(self, path: str | Path | None = None, *, renderer: Renderer | None = None) -> Drawing:
        """Draw the graph.

        Parameters
        ----------
        path : str or Path, optional
            Where to write it, as ``.svg``, ``.png`` or ``.pdf``; the latter two need the
            ``dot`` program of Graphviz.
        renderer : {"wasm", "dot"}, optional
            What draws: Graphviz inside Python, or the ``dot`` program.

        Returns
        -------
        Drawing
            Shows itself in a notebook.
        """
        from .picture import Drawing

        drawing = Drawing(self.name, self.root, renderer=renderer)
        if path is not None:
            drawing.save(path)
        return drawing

    def __getitem__(self, name: str) -> Node:
        try:
            return self.root[name]
        except GraphError as error:
            raise error.at(graph=self.name) from None

    def __getattr__(self, name: str) -> Node:
        if not name.startswith("_") and name != "root" and name in self.root.children:
            return self.root.children[name]
        known = self.root.children if "root" in self.__dict__ else ()
        raise AttributeError(
            f"graph {self.__dict__.get('name')!r} has no {name!r}{near(name, known)}"
        )

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.root.children]

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.root.children)

    def __repr__(self) -> str:
        return f"Graph {self.name!r}: {_told(self.root)}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "image/svg+xml": self.draw().svg}

    def _raise_first(self, failures: Mapping[int, Any], index: pd.Index | None) -> None:
        if not failures:
            return
        position = min(failures)
        failure = failures[position]
        event = "" if index is None else f"event {index[[position]].tolist()[0]!r}: "
        place = f" ({failure.place})" if failure.place else ""
        raise EventError(
            f"{event}{one_line(failure.error)}{place}", graph=self.name, node=failure.node
        ) from failure.error


def _is_whole(number: Any) -> bool:
    return isinstance(number, (int, np.integer)) and not isinstance(number, bool)


def _flow(root: Any) -> Flow:
    flow = as_flow(root)
    # A flow of its own, so that naming its steps here does not rename them elsewhere.
    return Flow(flow.steps, flow.wires)


def _bind(node: Node, namespaces: list[Mapping[str, Any]]) -> None:
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
        if name == "route" and isinstance(seen.get(path.rpartition(".")[0]), (Splitter, Switch)):
            raise GraphError("'route' is the column of the routes chosen; rename it", node=path)
        if path in seen:
            raise GraphError("this path stands for two nodes; rename one", node=path)
        seen[path] = node


def _told(flow: Node) -> str:
    """A graph in one line: ``scale >> vote[forest, logistic]``."""
    names = list(flow.children)
    follow = list(flow.edges) == list(pairwise(names))
    return (" >> " if follow else ", ").join(_part(n, c) for n, c in flow.children.items())


def _part(name: str, node: Node) -> str:
    if not node.children:
        return name
    inside = (
        _told(node)
        if isinstance(node, Flow)
        else ", ".join(_part(n, c) for n, c in node.children.items())
    )
    return f"{name}[{inside}]"


def _json(body: Any) -> bytes:
    return json.dumps(body, default=_plain, ensure_ascii=False).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    return str(value)


@accepts(lambda thing: isinstance(thing, Graph))
def _graph(thing: Graph) -> Node:
    inner = Flow(thing.root.steps, thing.root.wires, name=thing.name)
    inner.bind()
    return inner
