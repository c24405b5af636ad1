"""`BaseModelRouter`, `ModelRouter` and `ParallelRun`, as MLRun's users subclass them (1.12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

from ...errors import GraphError, a, listed, near, one_line
from .paths import Models, Refused, read_json

#: How many seconds a ``data_url`` may take.
_PATIENCE = 30.0
_EXECUTORS = ("thread", "process", "array")


class BaseModelRouter:
    """What all routers have: paths, hooks around the routes, and the routes (MLRun 1.12).

    Subclasses override `preprocess`, `postprocess`, `parse_event`, `get_metadata` or
    `_handle_event`; a route is run with ``self.routes[name].run(event)``.

    Parameters
    ----------
    context : GraphContext, optional
    name : str, optional
        The step's.
    routes : mapping, optional
        Route by name; given when the graph starts.
    protocol : str, optional
        ``v2`` if absent; ``v1`` looks for ``instances`` and asks for no ``inputs``.
    url_prefix, health_prefix : str, optional
        Of the paths that it answers; ``/v2/models`` and ``/v2/health`` if absent.
    input_path, result_path : str, optional
        Where in the body the request stands, and where the answer is written.
    **kwargs
        Kept as ``self.kwargs``.
    """

    run_by: ClassVar[str] = "routing.nodes.RouterNode"

    _node: Any = None

    def __init__(
        self,
        context: Any = None,
        name: str | None = None,
        routes: Mapping[str, Any] | None = None,
        protocol: str | None = None,
        url_prefix: str | None = None,
        health_prefix: str | None = None,
        input_path: str | None = None,
        result_path: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.name = name
        self.context = context
        self.routes: Any = routes
        self.protocol = protocol or "v2"
        self.url_prefix = url_prefix or f"/{self.protocol}/models"
        self.health_prefix = health_prefix or f"/{self.protocol}/health"
        self.inputs_key = "instances" if self.protocol == "v1" else "inputs"
        self._input_path = input_path
        self._result_path = result_path
        self.kwargs = kwargs

    def post_init(self, mode: str = "sync", **kwargs: Any) -> None:
        """Do what is to be done once, before the first event."""

    def parse_event(self, event: Any) -> Any:
        """Give the body of a request that has one, as an object.

        Raises
        ------
        ValueError
            If it is neither JSON nor an image.
        """
        body = event.body
        try:
            if not isinstance(body, dict):
                body = read_json(body)
            if "data_url" not in body:
                return body
            return {self.inputs_key: [BytesIO(_downloaded(body["data_url"]))]}
        except Exception as error:
            kind = getattr(event, "content_type", "") or ""
            if kind.startswith("image/") and isinstance(event.body, bytes):
                return {self.inputs_key: [BytesIO(event.body)]}
            raise Refused(f"Unrecognized request format: {one_line(error)}") from error

    def get_metadata(self) -> dict[str, Any]:
        """Give what ``GET /`` answers."""
        return {"name": type(self).__name__, "version": "v2", "extensions": []}

    def preprocess(self, event: Any) -> Any:
        """Change or replace the event before it is looked at."""
        return event

    def postprocess(self, event: Any) -> Any:
        """Change or replace the event with the answer."""
        return event

    def do_event(self, event: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer an event: all that the router does."""
        return self._served().answered(event)

    def _handle_event(self, event: Any) -> Any:
        return event

    def _served(self) -> Any:
        if self._node is None:
            raise GraphError(
                f"the {type(self).__name__} is not part of a graph yet; add it with add_step or "
                "as the graph's class_name"
            )
        return self._node


class ModelRouter(BaseModelRouter):
    """Send each event to the model that its path or its body names (MLRun 1.12).

    ``<prefix>/<model>[/versions/<version>][/<operation>]``; or the fields ``model`` and
    ``operation`` of the body. Without any, it is the first route.

    Examples
    --------
    >>> from graph_magics import Graph
    >>> graph = Graph("g", topology="router")
    >>> route = graph.add_route("double", handler="({'y': 2 * event['x']})")
    >>> route = graph.add_route("half", handler="({'y': event['x'] / 2})")
    >>> graph.test("/v2/models/half/infer", {"x": 8}), graph.test("/", {"x": 8})
    ({'y': 4.0}, {'y': 16})
    """

    run_by: ClassVar[str] = "routing.models.ModelRouterNode"

    def _handle_event(self, event: Any) -> Any:
        return self._served().handled(event)

    def _resolve_route(self, body: Any, urlpath: str | None) -> tuple[str, Any, Any]:
        """Give name, route and operation; no route for the list of all."""
        name, operation = Models(self.url_prefix, self.routes).resolved(body, urlpath)
        return name, self.routes[name] if name else None, operation


class ParallelRun(BaseModelRouter):
    """Send each event to all routes, and merge what they answer (MLRun 1.12).

    Of fields that several routes answer, the last declared route's counts. Subclasses override
    `merger`.

    Parameters
    ----------
    extend_event : bool, optional
        Whether the answer begins with the fields of the event itself.
    executor_type : {"thread", "process", "array"}
        Whether routes run on a thread each, in a process each, or one after the other. Where
        nothing is said, as is quicker: see `VotingEnsemble` of ``graph_magics``. What routes
        remember in a process stays there.
    **kwargs
        As in `BaseModelRouter`.

    Examples
    --------
    >>> from graph_magics import Graph
    >>> graph = Graph("g", topology="router", class_name="ParallelRun", extend_event=True)
    >>> route = graph.add_route("double", handler="({'d': 2 * event['x']})")
    >>> route = graph.add_route("half", handler="({'h': event['x'] / 2})")
    >>> graph.test(body={"x": 4})
    {'x': 4, 'd': 8, 'h': 2.0}
    """

    run_by: ClassVar[str] = "routing.parallel.ParallelRunNode"

    def __init__(
        self,
        context: Any = None,
        name: str | None = None,
        routes: Mapping[str, Any] | None = None,
        protocol: str | None = None,
        url_prefix: str | None = None,
        health_prefix: str | None = None,
        extend_event: bool | None = None,
        executor_type: str = "thread",
        **kwargs: Any,
    ) -> None:
        super().__init__(context, name, routes, protocol, url_prefix, health_prefix, **kwargs)
        self.name = name or "ParallelRun"
        self.extend_event = extend_event
        self.executor_type = one_of(str(executor_type), _EXECUTORS, "executor_type")

    def merger(self, body: Any, results: dict[str, Any]) -> Any:
        """Put the answers of all routes together.

        Parameters
        ----------
        body : dict
            Empty, or with ``extend_event`` the event's; may be changed.
        results : dict
            Route to answer, in the order declared.

        Returns
        -------
        The answer; None for ``body`` as it is now.
        """
        for name, result in results.items():
            merge_into(body, result, f"the route {name!r}")
        return body

    def _parallel_run(self, event: Any) -> dict[str, Any]:
        """Give route to answer."""
        return self._served().results(event)

    def _apply_logic(self, results: dict[str, Any], event: Any = None) -> Any:
        if not self.extend_event:
            event.body = {}
        merged = self.merger(event.body, results)
        if merged is not None:
            event.body = merged
        return event.body


def merge_into(body: Any, result: Any, whose: str) -> None:
    """Put the fields of a route's answer into a body."""
    try:
        body.update(result)
    except (TypeError, ValueError, AttributeError):
        said = a(body) if not isinstance(body, dict) else a(result)
        whose = whose if isinstance(body, dict) else "the event"
        raise Refused(
            f"{whose} gave {said}, not an object whose fields can be merged; let it answer a dict"
        ) from None


def one_of(value: str, known: Sequence[str], what: str) -> str:
    """Give a value that is one of those known."""
    if value not in known:
        raise GraphError(
            f"{what} must be one of {listed(known)}, got {value!r}{near(str(value), known)}"
        )
    return value


def _downloaded(url: str) -> bytes:
    """The bytes at an HTTP address, or in a file."""
    if not url.startswith(("http://", "https://")):
        return Path(url.removeprefix("file://")).read_bytes()
    import httpx

    answer = httpx.get(url, timeout=_PATIENCE, follow_redirects=True)
    return answer.raise_for_status().content
