"""`Graph`: declaration, validation and everything that can be asked of a graph."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .binding import bound_flow, told, unbound_in
from .dispatch import Runs
from .errors import GraphError, a, near
from .exchanges import KSERVE, PLAIN, Exchange, MLRunExchange
from .exporting import Exports
from .flow import Flow
from .formats.python import run_body
from .mlrun.face import Declarations, Served, ServedGraph
from .mlrun.lookup import Namespace
from .naming import caller
from .nodes import Node, accepts, walk
from .requesting import Requests
from .turnable import Turnable

if TYPE_CHECKING:
    from .drawing.picture import Drawing, Renderer
    from .formats.kserve.building import Services


class Graph(Runs, Requests, Turnable, Exports, Declarations):
    """Steps and routers that events are run through.

    Parameters
    ----------
    name : str
    root : step, model, router, flow, or a list of such; optional
        Whatever may stand where a step is expected; ``a >> [b, c] >> d`` is a flow. If absent,
        the graph is declared by MLRun's calls: ``graph.add_step(...)``, ``graph.add_route(...)``.
    topology : {"flow", "router"}
        Of a graph declared by MLRun's calls.
    engine : {"async", "sync"}, optional
        Of a flow so declared; as MLRun's engines differ in an answer, so does this one.
    class_name, **router
        Of a router so declared: its class, and what that is made with.
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

    def __init__(
        self,
        name: str,
        root: Any = None,
        *,
        topology: Literal["flow", "router"] = "flow",
        engine: Literal["async", "sync"] | None = None,
        namespace: Mapping[str, Any] | None = None,
        class_name: Any = None,
        **router: Any,
    ) -> None:
        if not isinstance(name, str) or not name:
            raise GraphError(f"a graph needs a name, a text; got {name!r}")
        self.name = name
        #: The manifest that it was made of, as plain data; None for a graph made in Python.
        self.manifest: Mapping[str, Any] | None = None
        self._warnings: list[str] = []
        self._services: Services | None = None
        self._built: tuple[Services, Mapping[str, str]] | None = None
        self._tests = itertools.count()
        self._served: Served | None = None
        self._root: Flow | None = None
        try:
            if namespace is None:
                frame = caller()
                namespaces: list[Mapping[str, Any]] = [frame.f_locals, frame.f_globals]
            else:
                namespaces = [namespace]
            if root is None:
                found = Namespace(*namespaces)
                self._served = Served(topology, engine, found, class_name, router)
                return
            if topology != "flow" or engine or class_name is not None or router:
                raise GraphError(
                    "topology, engine and a router's options are of graphs declared by MLRun's "
                    "calls; leave root out"
                )
            self._root = bound_flow(root, namespaces)
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
            Python; the names of this package need no import. Or MLRun's calls on ``graph``, as
            ``graph.add_step(...)``, which may follow ``graph = fn.set_topology(...)``.
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
        >>> Graph.from_cell("g", "graph.to(name='size', handler='measure')", {"measure": len})
        Graph 'g': size
        """
        declared = cls(name, namespace=namespace)
        bound = {"graph": declared, **({} if "fn" in namespace else {"fn": declared})}
        try:
            done = run_body(name, body, namespace, first_line=first_line, bound=bound)
            rest = {key: value for key, value in namespace.items() if key not in done.assigned}
            if declared.is_declared:
                done.refuse_nodes()
                declared.look_up_in(done.assigned, namespace)
                return declared
            flow = done.flow()
        except GraphError as error:
            raise error.at(graph=name) from error.__cause__
        return cls(name, flow, namespace={**done.assigned, **rest})

    @classmethod
    def from_kserve(
        cls,
        manifest: Any,
        services: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        namespace: Mapping[str, Any] | None = None,
        propagate_headers: str | None = None,
    ) -> Graph:
        """Take a KServe InferenceGraph, to be answered as KServe's own router would.

        Parameters
        ----------
        manifest : str, bytes, path, mapping or Graph
            YAML or JSON text, a file's path, or a dict. A bare spec, without ``apiVersion``
            and ``kind``, is taken as the router itself takes it; a whole manifest as a
            cluster does, whose reasons are given where it would refuse it. Or a graph that
            was made of a manifest, to be made anew with other services in place of some.
        services : mapping, optional
            ``serviceName`` or ``serviceUrl`` (or a step's name, or a URL's host) to whatever
            may stand where a step is expected, such as a model, a function of a request's
            body, or a URL. A ``serviceUrl`` that is not bound is called over HTTP.
        name : str, optional
            Of the graph; the manifest's if absent.
        namespace : mapping, optional
            Where a ``serviceName`` that is not bound is looked up: ``sklearn-iris`` as
            ``sklearn_iris``.
        propagate_headers : str, optional
            Which headers of a request services get: regular expressions with commas between
            them. The environment's ``PROPAGATE_HEADERS`` if absent, as with the router.

        Raises
        ------
        GraphError
            If it is no manifest, or one that a cluster or the router would not take.

        Examples
        --------
        >>> spec = {"nodes": {"root": {"routerType": "Sequence", "steps": [
        ...     {"serviceName": "double"}, {"serviceName": "double", "data": "$response"}]}}}
        >>> twice = Graph.from_kserve(spec, {"double": lambda body: {"x": 2 * body["x"]}})
        >>> twice.test(body={"x": 3})
        {'x': 12}
        >>> twice.test(body=b'{"x": 3}', get_body=False).body
        b'{"x":12}'
        >>> Graph.from_kserve(twice, {"double": lambda body: {"x": 0}}).test(body={"x": 3})
        {'x': 0}
        """
        from .formats.kserve.building import Services, build
        from .formats.kserve.manifests import read as read_manifest

        if services is not None and not isinstance(services, Mapping):
            raise GraphError(
                f"services must be a dict of a service's name to what answers, got {a(services)}"
            )
        found = Services(services or {}, namespace or {}, propagate_headers)
        if isinstance(manifest, Graph):
            if manifest._services is None:
                raise GraphError("it was made of Python parts, not of a manifest").at(
                    graph=manifest.name
                )
            found, name = found.over(manifest._services), name or manifest.name
            manifest = manifest.manifest
        elif propagate_headers is None:
            found = replace(found, propagate_headers=os.environ.get("PROPAGATE_HEADERS"))
        try:
            document = read_manifest(manifest)
            built = build(document, found)
        except GraphError as error:
            raise error.at(graph=name) from None
        graph = cls(name or built.name, built.root, namespace={})
        graph.manifest, graph._warnings = built.document, built.warnings
        graph._services = found
        # As the services are now: the notebook's variables may become others.
        graph._built = (found.needed_by(built.document), built.nodes)
        return graph

    @property
    def root(self) -> Any:
        """The flow of the graph's steps.

        Raises
        ------
        GraphError
            If what MLRun's calls declared cannot be.
        """
        if self._root is not None:
            return self._root
        return self._made(lambda: self._declared().root)

    @property
    def warnings(self) -> list[str]:
        """What a user should know of the manifest or of the declaration, a line each."""
        if self._served is None:
            return self._warnings
        return self._made(lambda: self._declared().warnings)

    @functools.cached_property
    def _unbound(self) -> list[str]:
        return unbound_in(self.nodes) if self._served is None else []

    @property
    def nodes(self) -> Mapping[str, Node]:
        """Every node by its dotted path, parents first."""
        return dict(walk(self.root))

    @property
    def _exchange(self) -> Exchange:
        """How it takes requests and answers."""
        if self._served is not None:
            return MLRunExchange(self._served.spec)
        return PLAIN if self.manifest is None else KSERVE

    def _started(self) -> Any:
        """The root, with the objects of MLRun's declarations made."""
        served = self._served
        if served is None:
            return self._root
        return served.started or self._made(lambda: served.start(self.name))

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
        from .drawing.picture import Drawing

        drawing = Drawing(self.name, self.root, renderer=renderer)
        if path is not None:
            drawing.save(path)
        return drawing

    def __getstate__(self) -> dict[str, Any]:
        """What goes to another process: of a notebook's variables only those that it names."""
        state = {k: v for k, v in self.__dict__.items() if k not in ("_tests", "_unbound")}
        if self._services is not None:
            state["_services"] = self._services.needed_by(self.manifest)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _tests=itertools.count())

    def __getitem__(self, name: str) -> Any:
        try:
            return (self._root or self._declared().declared)[name]
        except GraphError as error:
            raise error.at(graph=self.name) from None

    def __getattr__(self, name: str) -> Node:
        known = {} if name.startswith("_") else self._parts()
        if name in known:
            return known[name]
        raise AttributeError(
            f"graph {self.__dict__.get('name')!r} has no {name!r}{near(name, known)}"
        )

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._ipython_key_completions_()]

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._parts())

    def _parts(self) -> Mapping[str, Any]:
        """The nodes of its flow, or the steps that MLRun's calls declared; by name."""
        # While it is being copied it has neither.
        root, served = self.__dict__.get("_root"), self.__dict__.get("_served")
        if root is not None:
            return root.children
        return {} if served is None else {name: served.declared[name] for name in served.declared}

    def __repr__(self) -> str:
        try:
            return f"Graph {self.name!r}: {told(self.root)}"
        except GraphError as error:  # What is declared so far cannot be run.
            return f"Graph {self.name!r}: {error.message}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "image/svg+xml": self.draw().svg}


@accepts(lambda thing: isinstance(thing, Graph))
def _graph(thing: Graph) -> Node:
    if thing._served is not None:
        return ServedGraph(thing.name, thing._served)
    inner = Flow(thing.root.steps, thing.root.wires, name=thing.name)
    inner.bind()
    return inner
