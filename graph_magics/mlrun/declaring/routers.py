"""Declared routers with their routes, in a flow or as the whole graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from ...errors import GraphError, a
from .names import check_name, is_router, item_of, name_for, remove, take_paths
from .steps import TaskStep


class RouterStep(TaskStep):
    """A declared router with its routes (MLRun 1.12).

    Examples
    --------
    >>> router = RouterStep("mlrun.serving.VotingEnsemble", name="vote")
    >>> route = router.add_route("m1", class_name="ClassifierModel")
    >>> list(router.routes)
    ['m1']
    """

    kind = "router"

    def __init__(
        self,
        class_name: Any = None,
        class_args: Mapping[str, Any] | None = None,
        handler: Any = None,
        routes: Mapping[str, Any] | None = None,
        name: str | None = None,
        function: str | None = None,
        input_path: str | None = None,
        result_path: str | None = None,
    ) -> None:
        super().__init__(
            class_name, class_args, handler, name=name_for(name, class_name or "router"),
            function=function, input_path=input_path, result_path=result_path,
        )  # fmt: skip
        self.routes: dict[str, TaskStep] = {}
        for key, route in (routes or {}).items():
            self.add_route(key, route)

    def add_route(
        self,
        key: str,
        route: Any = None,
        class_name: Any = None,
        handler: Any = None,
        function: str | None = None,
        creation_strategy: Any = None,
        **class_args: Any,
    ) -> Any:
        """Add a route, or put another in the place of one of the same name (MLRun 1.12).

        Parameters
        ----------
        key : str
            Its name; of a model with versions ``name:version``.
        route : TaskStep or RouterStep, optional
            The route itself, instead of what follows.
        class_name, handler, function, **class_args
            As in `to`.
        creation_strategy : optional
            Of a model endpoint in a cluster; kept for the export.

        Returns
        -------
        TaskStep or RouterStep
            The route.

        Raises
        ------
        GraphError
            If it says neither what the route is nor how it is made.
        """
        check_name(key, "route")
        if route is None and class_name is None and handler is None:
            raise GraphError(
                f"the route {key!r} needs a model or a step: class_name=, handler= or route=",
                node=self.name,
            )
        if route is None:
            paths = {path: class_args.pop(path, None) for path in ("input_path", "result_path")}
            route = route_of(class_name, handler, key, class_args, **paths)
        elif not isinstance(route, TaskStep):
            if class_args or class_name is not None or handler is not None:
                raise GraphError(
                    f"the route {key!r} is given twice: {a(route)} as route=, and by what follows; "
                    "write class_name=...",
                    node=self.name,
                )
            route = TaskStep(route)
        route.name = key
        route.function = function or route.function
        route.creation_strategy = creation_strategy or route.creation_strategy
        route._parent = self
        self.routes[key] = route
        self._changed()
        return route

    def clear_children(self, routes: Sequence[str] | None = None) -> None:
        """Take routes away; all, if none is named."""
        remove(self.routes, routes, "route", self.name)
        self._changed()

    def __getitem__(self, name: str) -> Any:
        return item_of(self.routes, name, "route", self.name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.routes)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.routes)


class RootRouterStep(RouterStep):
    """A declared router that is the whole graph: the topology ``router`` (MLRun 1.12)."""

    def __init__(self, class_name: Any = None, class_args: Mapping[str, Any] | None = None) -> None:
        self.version = 0
        self.engine = "sync"
        args = dict(class_args or {})
        routes: Mapping[str, TaskStep] = {}
        if isinstance(class_name, RouterStep):
            given, class_name = class_name, class_name.class_name
            args, routes = dict(given.class_args), given.routes
            args |= {key: getattr(given, key) for key in ("name", "input_path", "result_path")}
        #: As given: a router that is given none is called after its class in answers.
        self.given_name = args.pop("name", None)
        paths = {path: args.pop(path, None) for path in ("input_path", "result_path")}
        name = self.given_name or name_for(None, class_name or "router")
        super().__init__(checked_router(class_name), args, routes=routes, name=name, **paths)
        take_paths(self, class_name)

    def _changed(self) -> None:
        self.version += 1

    def error_handler(self, *args: Any, **kwargs: Any) -> Self:
        """Refuse: MLRun has no error handlers in this topology."""
        raise GraphError('error handlers need the topology "flow"')


def checked_router(class_name: Any) -> Any:
    """Give what stands for a router; an object or class that is none is refused at once."""
    if class_name is None or isinstance(class_name, str) or is_router(class_name):
        return class_name
    raise GraphError(f"the topology router needs a router, got {a(class_name)}")


def route_of(
    class_name: Any, handler: Any, key: str, class_args: Mapping[str, Any], **paths: Any
) -> TaskStep:
    """Make the declaration of a route."""
    is_marked = isinstance(class_name, str) and class_name.startswith("*")
    if is_marked or is_router(class_name):
        kind = (class_name[1:] or None) if is_marked else class_name
        return RouterStep(kind, class_args, handler, name=key, **paths)
    return TaskStep(class_name, class_args, handler, name=key, **paths)
