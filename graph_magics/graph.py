"""`Graph`: declaration, validation and everything that can be asked of a graph."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from .binding import bound_flow, refuse_unbound, told, unbound_in
from .blame import raise_first
from .engine import Done, Events, Interrupts, Outcome, execute, first_of
from .engine.sources import source_of
from .errors import GraphError, a, near
from .exchanges import KSERVE, PLAIN, Asked, Exchange, MLRunExchange
from .flow import Flow
from .formats.python import run_body
from .mlrun.answers import NoJSON
from .mlrun.face import Declarations, Served, ServedGraph
from .mlrun.lookup import Namespace
from .naming import caller
from .nodes import Node, accepts, walk
from .run import Run, RunInterrupted
from .serving import headers_of
from .wire import Response

if TYPE_CHECKING:
    from .formats.kserve.building import Services
    from .picture import Drawing, Renderer


class Graph(Declarations):
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

    def run(
        self,
        events: Any,
        *,
        seed: int = 0,
        on_error: Literal["keep", "raise"] = "keep",
        chunk_size: int | None = None,
        engine: Literal["local", "dask"] = "local",
        progress: bool | None = None,
        into: Any = None,
        columns: Sequence[str] | None = None,
        resume: bool = False,
        overwrite: bool = False,
    ) -> Any:
        """Run a batch of events through the graph.

        Parameters
        ----------
        events : DataFrame, Series, ndarray, list of JSON bodies, one JSON body (a dict), or path
            A row, item or body for each event. Never changed. With a manifest, a body may be
            bytes, and a row of a table is sent as ``{"instances": [{column: value}]}``.

            A path, glob or URL that fsspec knows, or a list of such, is of JSON Lines
            (``.jsonl``, ``.ndjson``) or CSV, which may be compressed (``.gz``, ``.bz2``,
            ``.xz``, ``.zst``), or of Parquet; a folder, of the Parquet files in it. An
            iterator gives frames, arrays, lists of bodies, or single bodies.
        seed : int
            Of the draws of Splitters; the same seed draws the same.
        on_error : {"keep", "raise"}
            Whether an event that fails keeps its error in its row, or stops the run.
        chunk_size : int, optional
            How many events to hand on at once, to bound memory; it changes no answer. With
            ``into``, 65,536 rows of a table or 8,192 JSON bodies if absent.
        engine : {"local", "dask"}
            Where it runs: here, or by Dask's scheduler or current client, as with a Dask
            DataFrame as events. None changes an answer.
        progress : bool, optional
            Whether a bar shows how far it is; if absent, after half a second. It counts chunks
            that are done, so a run of a single chunk has none.
        into : str or path, optional
            Where to write what comes out, chunk by chunk: only one chunk is in memory at a
            time. ``"out/"`` is a folder of Parquet files, one for each chunk; or one file, that
            ends in ``.parquet``, ``.jsonl``, ``.jsonl.gz``, ``.csv`` or ``.csv.gz``. It is
            there when all is done; until then ``out.unfinished`` holds the finished chunks. A
            cell that is a list or an object is JSON text in Parquet and CSV; so is a column
            whose values have no type in common. The index is written where it is not just the
            event's number.
        columns : sequence of str, optional
            The columns of the frame that are kept; ``"vote"`` stands for ``"vote.benign"``, too.
        resume : bool
            With ``into``: go on after the last finished chunk of a run that was broken off. It
            must be the same run: events, seed, columns, chunk size and graph; the models in it
            are not compared. What comes out is the same to the last byte. Refused for a graph
            with classes of MLRun's that may remember the events before.
        overwrite : bool
            With ``into``: replace what is there.

        Returns
        -------
        Run
            Of Dask's engine a `DaskRun`, whose ``frame`` is lazy. With ``into`` a
            `StreamedRun`, whose ``frame`` reads the output back.

        Raises
        ------
        GraphError
            If the events are none of the above.
        EventError
            With ``on_error="raise"``, for the first event that failed.
        RunInterrupted
            If it is stopped, as by the notebook's button; what is done by then is its ``run``.

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
        if engine not in ("local", "dask"):
            raise GraphError(f'engine must be "local" or "dask", got {engine!r}')
        if into is None and (resume or overwrite):
            raise GraphError("resume and overwrite are of an output: say into='out/'")
        if isinstance(columns, str):
            raise GraphError(f"columns must be a list of names, got the text {columns!r}")
        if engine == "dask" or hasattr(type(events), "__dask_graph__"):
            if into is not None or columns is not None:
                raise GraphError(
                    "into and columns are not for Dask, whose frame is lazy: "
                    "run.frame[columns].to_parquet(into)"
                )
            from .distributed import run_on_dask

            run: Any = run_on_dask(
                self, events, seed=int(seed), on_error=on_error, chunk_size=chunk_size
            )
            return run
        stop = on_error == "raise"
        try:
            source = source_of(events)
            if into is not None:
                from .streaming import stream

                return stream(
                    self, source, into, seed=int(seed), chunk_size=chunk_size, columns=columns,
                    stop=stop, resume=resume, overwrite=overwrite, progress=progress,
                )  # fmt: skip
            taken = source.whole()
        except GraphError as error:
            raise error.at(graph=self.name) from error.__cause__
        made = self._run(taken, int(seed), chunk_size=chunk_size, stop=stop, progress=progress)
        made.keep(columns)
        return made

    def _run(
        self,
        events: Events,
        seed: int,
        *,
        first: int = 0,
        memory: dict[Any, Any] | None = None,
        chunk_size: int | None = None,
        stop: bool = False,
        progress: bool | None = False,
    ) -> Run:
        """Run events, which may be a part of a run: from its event number ``first`` on."""
        refuse_unbound(self._unbound, self.name)
        exchange, root = self._exchange, self._started()
        taken = exchange.taken(events)

        def run_of(events: Events, outcome: Outcome) -> Run:
            outcome.answers[:] = map(exchange.settled, outcome.answers)
            return Run(self.name, root, events, outcome, seed=seed, as_sent=exchange.as_sent)

        done = Done()
        try:
            with Interrupts() as interrupts:
                outcome = execute(
                    root, taken, seed=seed, chunk_size=chunk_size, stop_on_failure=stop,
                    first=first, memory=memory, progress=progress, done=done,
                    interrupts=interrupts,
                )  # fmt: skip
                run = run_of(taken, outcome)
        except KeyboardInterrupt:
            run = run_of(first_of(taken, len(done)), done.outcome())
            run.complete = False
            raise RunInterrupted(run, len(taken)) from None
        if stop:
            raise_first(outcome, self.nodes, graph=self.name, index=taken.index)
        return run

    def test(
        self,
        path: Any = "/",
        body: Any = None,
        method: str | None = None,
        headers: Any = None,
        *,
        seed: int | None = None,
        event_id: str | None = None,
        get_body: bool = True,
        content_type: str | None = None,
    ) -> Any:
        """Run one event, as a request to the served graph would.

        A graph of a KServe manifest answers as KServe's router does, to the last byte; also
        to ``/readyz``.

        Parameters
        ----------
        path : str
            Of the request; may be left out: ``test(body)``.
        body : JSON body, bytes, or a row of a table as a Series or a one-row DataFrame
            Bytes are the request as it is sent; with a manifest, so is a text.
        method : str, optional
            Of the request. Only graphs declared by MLRun's calls look at it; without one a
            request to them is a POST if it has a body, else a GET (MLRun 1.12).
        headers : mapping or pairs, optional
            Of the request: name to value, or to a list of values.
        seed : int, optional
            Of the draws of Splitters. If absent, each test draws anew, the first one of a
            graph as with 0.
        event_id : str, optional
            The request's id, which answers to ``{"inputs": ...}`` repeat.
        get_body : bool
            True: give the answer's body, and raise what fails. False: give a `Response`.
        content_type : str, optional
            Of the request, for graphs declared by MLRun's calls: ``image/png`` keeps the bytes.

        Raises
        ------
        EventError
            If a step fails, or the answer's status is no success; a step's own exception is
            the cause.
        GraphError
            If the request cannot be, or services are not bound.
        """
        exchange = self._exchange
        if not exchange.is_path(path, body):
            path, body = "/", path if body is None else body
        if exchange is KSERVE and path.partition("?")[0] == "/readyz":
            return None if get_body else Response(200, b"", None)
        refuse_unbound(self._unbound, self.name)
        try:
            if isinstance(body, pd.DataFrame) and len(body) != 1:
                raise GraphError(f"test takes one event, got {len(body)}; use run")
            pairs = headers_of(headers) if headers is not None else ()
            asked = Asked(path, body, method, pairs, event_id, content_type)
            events, request = exchange.asked(asked)
        except NoJSON as error:
            if get_body:
                raise error.at(graph=self.name) from None
            return Response(400, error.message.encode(), "text/plain")
        except GraphError as error:
            raise error.at(graph=self.name) from None
        outcome = execute(
            self._started(),
            events,
            seed=next(self._tests) if seed is None else seed,
            event_id=event_id,
            headers=pairs,
            stop_on_failure=True,
            request=request,
        )
        given = outcome.answers[0]
        answer = outcome.answers[0] = exchange.settled(given)
        if not get_body:
            return exchange.response(answer, given)
        if answer.failures or answer.status is not None:
            raise_first(outcome, self.nodes, graph=self.name)
        return answer.events()[0] if len(answer) else None

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

    def to_kserve(self, path: str | Path | None = None) -> str:
        """Write the graph as a KServe InferenceGraph that a cluster takes.

        A graph of a manifest is written as it was read, fields unknown to KServe included. Of
        a graph of Python parts, each model and function is a service, which the comments at
        the top of the manifest list.

        Parameters
        ----------
        path : str or Path, optional
            A file to write the text to.

        Returns
        -------
        str
            YAML.

        Raises
        ------
        GraphError
            If KServe cannot express a part of it, or a cluster would refuse it: which, and why.

        Examples
        --------
        >>> from graph_magics import Ensemble, Graph
        >>> print(Graph("both", Ensemble(up=abs, down=round)).to_kserve())
        # Services that must exist beside it:
        ...
        apiVersion: serving.kserve.io/v1alpha1
        kind: InferenceGraph
        ...
        """
        from .formats.kserve.export import export

        if self._served is not None:
            raise GraphError(
                "it was declared by MLRun's calls, and to_mlrun() writes it as such",
                graph=self.name,
            )
        try:
            text = export(self.name, self.root, self.manifest).text
        except GraphError as error:
            raise error.at(graph=self.name) from None
        return self._written(text, path)

    def to_mlrun(self, path: str | Path | None = None) -> str:
        """Write the graph as Python that declares the same in MLRun 1.12.

        What was declared by MLRun's calls is written as such calls again. Of Python's parts,
        functions become handlers and models MLRun's model servers. Comments at the top say
        what the code of the function must have, which models must be saved, and in what
        MLRun answers otherwise.

        Parameters
        ----------
        path : str or Path, optional
            A file to write the text to.

        Returns
        -------
        str
            Python.

        Raises
        ------
        GraphError
            If MLRun has no word for a part of it: which, why, and what to write instead.

        Examples
        --------
        >>> from graph_magics import Graph
        >>> graph = Graph("sizes")
        >>> step = graph.to(name="size", handler="(len(event))").respond()
        >>> print(graph.to_mlrun())
        # The graph 'sizes' for MLRun 1.12.
        import mlrun
        <BLANKLINE>
        fn = mlrun.new_function("sizes", kind="serving")
        graph = fn.set_topology("flow", engine="async")
        graph.add_step(name="size", handler="(len(event))").respond()
        <BLANKLINE>
        """
        from .formats.mlrun.export import export

        if self.manifest is not None:
            raise GraphError(
                "it was made of a manifest, which MLRun has no words for; write it with to_kserve, "
                "or declare the graph by MLRun's calls",
                graph=self.name,
            )
        return self._written(export(self.name, self._root, self._served).text, path)

    def _written(self, text: str, path: str | Path | None) -> str:
        if path is not None:
            try:
                Path(path).expanduser().write_text(text, encoding="utf-8")
            except OSError as error:
                raise GraphError(
                    f"{str(path)!r} cannot be written: {error.strerror or error}", graph=self.name
                ) from None
        return text

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


def _is_whole(number: Any) -> bool:
    return isinstance(number, (int, np.integer)) and not isinstance(number, bool)


@accepts(lambda thing: isinstance(thing, Graph))
def _graph(thing: Graph) -> Node:
    if thing._served is not None:
        return ServedGraph(thing.name, thing._served)
    inner = Flow(thing.root.steps, thing.root.wires, name=thing.name)
    inner.bind()
    return inner
