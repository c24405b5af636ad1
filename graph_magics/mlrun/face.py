"""`Declarations`: MLRun's calls on a `Graph`, and when its nodes and objects are made."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..batch import Batch
from ..context import Context
from ..errors import GraphError, a, listed
from ..nodes import Node
from .answers import unwrapped
from .base import ServedNode
from .declaring import RootFlowStep, RootRouterStep, RouterStep
from .events import GraphContext
from .flow import ServedFlow
from .lookup import Namespace, function_of


@dataclass
class FunctionSpec:
    """What MLRun keeps of a function besides its graph: ``graph.spec`` (MLRun 1.12).

    Parameters
    ----------
    parameters : dict
        What `V2ModelServer.get_param` finds where a model has no such parameter.
    default_content_type : str
        Of requests that say none; ``application/json`` refuses what is no JSON.
    load_mode : {"sync", "async"}
        Whether the graph waits for its models to be loaded.
    graph_initializer : callable or str, optional
        Called once before the first event, with an object whose ``context`` the steps get.
    """

    parameters: dict[str, Any] = field(default_factory=dict)
    default_content_type: str = ""
    load_mode: str = "sync"
    graph_initializer: Any = None


class Served:
    """A graph declared by MLRun's calls: its declaration, its nodes and its objects.

    Nodes are made anew when something was declared since; their objects live as long.
    """

    def __init__(
        self,
        topology: str,
        engine: str | None,
        namespace: Namespace,
        class_name: Any = None,
        class_args: Mapping[str, Any] | None = None,
    ) -> None:
        self.namespace = namespace
        self.spec = FunctionSpec()
        self.declared: RootFlowStep | RootRouterStep
        if topology == "flow":
            if class_name is not None or class_args:
                unknown = listed(class_args or ["class_name"])
                raise GraphError(f"the topology flow takes no {unknown}; give them to its steps")
            self.declared = RootFlowStep(engine)
        elif topology == "router":
            if engine not in (None, "sync", "async"):
                raise GraphError(f'engine must be "sync" or "async", got {engine!r}')
            self.declared = RootRouterStep(class_name, class_args)
        else:
            raise GraphError(f'topology must be "router" or "flow", got {topology!r}')
        self._version = -1
        self._root: Node | None = None
        self._is_started = False

    @property
    def is_declared(self) -> bool:
        """Whether anything is: a step, a route, or the topology of a router."""
        return bool(self.declared.version) or isinstance(self.declared, RootRouterStep)

    @property
    def started(self) -> Any:
        """The nodes, if all their objects are made; else None."""
        is_so = self._is_started and self._version == self.declared.version
        return self._root if is_so else None

    @property
    def root(self) -> Any:
        """The nodes of what is declared now."""
        from .building import built

        if self._version != self.declared.version:
            self._root = built(self.declared, self.namespace)
            self._version = self.declared.version
            self._is_started = False
        return self._root

    @property
    def warnings(self) -> list[str]:
        """What may surprise in what is declared now, a line each."""
        root = self.root
        return root.warnings if isinstance(root, ServedFlow) else []

    def start(self, name: str) -> Any:
        """Make the objects, if that is not done, and give the nodes."""
        if self.started is not None:
            return self.started
        root = self.root
        server = GraphContext(self.spec.parameters, root=self.declared, name=name)
        if self.spec.graph_initializer is not None:
            function_of(self.spec.graph_initializer, self.namespace)(server)
        if isinstance(root, ServedFlow):
            root.start(server, self.namespace, self.spec.load_mode)
        else:
            for node in root.children.values():
                if isinstance(node, ServedNode):
                    node.start(server, self.namespace, self.spec.load_mode)
        self._is_started = True
        return root

    def __getstate__(self) -> dict[str, Any]:
        """What another process makes the nodes and their objects of anew."""
        needed = self.namespace.only([self.declared, self.spec])
        made = {"_version": -1, "_root": None, "_is_started": False}
        return {**self.__dict__, "namespace": needed, **made}


class ServedGraph(Node):
    """A graph declared by MLRun's calls, as a step of another graph."""

    kind = "Flow"

    def __init__(self, name: str, served: Served) -> None:
        self.name = name
        self.served = served

    @property
    def children(self) -> Mapping[str, Node]:
        """Its steps."""
        return self.served.root.children

    @property
    def edges(self) -> Sequence[tuple[str, str]]:
        """Who follows whom."""
        return self.served.root.edges

    @property
    def edge_labels(self) -> Mapping[tuple[str, str], str]:
        """Where failures go."""
        return self.served.root.edge_labels

    @property
    def entries(self) -> Collection[str] | None:
        """The steps that events come in at."""
        return self.served.root.entries

    @property
    def dead_ends(self) -> Collection[str]:
        """The steps whose answer goes nowhere."""
        return self.served.root.dead_ends

    def run(self, batch: Batch, context: Context) -> Batch:
        """Answer every event as the graph by itself would."""
        return unwrapped(self.served.start(self.name or "").run(batch, context))


class Declarations:
    """The calls by which MLRun's users declare a graph; a part of `Graph`."""

    name: str
    _served: Served | None

    @property
    def spec(self) -> FunctionSpec:
        """The function's parameters and modes, of a graph declared by MLRun's calls."""
        return self._declared().spec

    def set_topology(
        self,
        topology: str = "flow",
        class_name: Any = None,
        engine: str | None = None,
        exist_ok: bool = False,
        **class_args: Any,
    ) -> Any:
        """Choose the topology of a graph that has no steps yet, and give the graph (MLRun 1.12).

        Parameters
        ----------
        topology : {"flow", "router"}
        class_name : str, type or router, optional
            Of the router.
        engine : {"async", "sync"}, optional
            Of a flow.
        exist_ok : bool
            Whether steps declared before are thrown away.
        **class_args
            What the router is made with.

        Raises
        ------
        GraphError
            If there is no such topology, or the graph has steps.
        """
        served = self._declared()
        if served.declared.version and not exist_ok:
            raise GraphError("it has steps already; write set_topology(..., exist_ok=True)").at(
                graph=self.name
            )
        spec = served.spec
        self._served = self._made(
            lambda: Served(topology, engine, served.namespace, class_name, class_args)
        )
        self._declared().spec = spec
        return self

    def add_step(self, *args: Any, **kwargs: Any) -> Any:
        """Add a step to the flow; see `graph_magics.mlrun.declaring.RootFlowStep.add_step`.

        Examples
        --------
        >>> from graph_magics import Graph
        >>> graph = Graph("g", engine="sync")
        >>> first = graph.add_step(name="double", handler="(event * 2)")
        >>> last = graph.add_step(name="next", handler="(event + 1)", after="double").respond()
        >>> graph.test(body=5)
        11
        """
        return self._made(lambda: self._flow("add_step").add_step(*args, **kwargs))

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """Add a step that events come in at; see `graph_magics.mlrun.TaskStep.to`."""
        return self._made(lambda: self._flow("to").to(*args, **kwargs))

    def set_flow(self, steps: Sequence[Any], force: bool = False) -> Any:
        """Declare all steps of the flow, one after the other."""
        return self._made(lambda: self._flow("set_flow").set_flow(steps, force))

    def error_handler(self, *args: Any, **kwargs: Any) -> Any:
        """Declare what is done with an event that fails in any step without such a handler."""
        self._made(lambda: self._declared().declared.error_handler(*args, **kwargs))
        return self

    def clear_children(self, names: Sequence[str] | None = None) -> None:
        """Take steps or routes away; all, if none is named."""
        self._made(lambda: self._declared().declared.clear_children(names))

    def add_route(self, *args: Any, **kwargs: Any) -> Any:
        """Add a route to the router; see `graph_magics.mlrun.RouterStep.add_route`."""
        return self._made(lambda: self._router("add_route").add_route(*args, **kwargs))

    def add_model(
        self,
        key: str,
        model_path: Any = None,
        class_name: Any = None,
        model_url: str | None = None,
        handler: Any = None,
        router_step: str | None = None,
        child_function: str | None = None,
        creation_strategy: Any = None,
        **class_args: Any,
    ) -> Any:
        """Add a model to the router, or to the one router of a flow (MLRun 1.12).

        Parameters
        ----------
        key : str
            Its name.
        model_path : str, optional
            Where its file is.
        class_name : str or type, optional
            Of the model's class.
        router_step : str, optional
            The router's name, if a flow has several.
        **class_args
            What the class is made with.

        Raises
        ------
        GraphError
            If there is no router, or several and none is named.
        """
        if model_path is not None:
            class_args["model_path"] = model_path
        if model_url is not None:
            class_name, class_args["url"] = class_name or "$remote", model_url
        return self._made(
            lambda: self._router("add_model", router_step).add_route(
                key, class_name=class_name, handler=handler, function=child_function,
                creation_strategy=creation_strategy, **class_args,
            )
        )  # fmt: skip

    @property
    def is_declared(self) -> bool:
        """Whether something was declared by MLRun's calls."""
        return self._served is not None and self._served.is_declared

    def look_up_in(self, *variables: Mapping[str, Any]) -> None:
        """Look names up in these variables instead of those that the graph was made with."""
        self._declared().namespace = Namespace(*variables)

    def _declared(self) -> Served:
        if self._served is None:
            raise GraphError(
                "it was made of Python nodes or of a manifest; MLRun's calls are for a graph that "
                'is declared by them: Graph("name")',
                graph=self.name,
            )
        return self._served

    def _flow(self, call: str) -> RootFlowStep:
        declared = self._declared().declared
        if isinstance(declared, RootFlowStep):
            return declared
        raise GraphError(f'{call} needs the topology "flow"; a router takes add_route')

    def _router(self, call: str, name: str | None = None) -> RouterStep:
        declared = self._declared().declared
        if isinstance(declared, RouterStep):
            return declared
        routers = {k: s for k, s in declared.steps.items() if isinstance(s, RouterStep)}
        if name is not None:
            step = declared[name]
            if not isinstance(step, RouterStep):
                raise GraphError(f"{call}: {name!r} is {a(step)}, no router")
            return step
        if len(routers) == 1:
            return next(iter(routers.values()))
        if not routers:
            raise GraphError(f'{call} needs a router: graph.add_step("*", name=...)')
        raise GraphError(f"{call}: name the router with router_step=, one of {listed(routers)}")

    def _made(self, call: Any) -> Any:
        try:
            return call()
        except GraphError as error:
            raise error.at(graph=self.name) from error.__cause__
