"""`V2ModelServer`: the class that users' models are made of (MLRun 1.12)."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from time import time_ns
from typing import TYPE_CHECKING, Any, ClassVar

from ...copying import fresh
from ...errors import GraphError, a, listed, near, one_line
from ...nodes import BadEvent
from ..events import Response
from ..fields import extracted, updated

if TYPE_CHECKING:
    from .files import ModelSpec

#: The operations that predict.
PREDICTS = frozenset({"infer", "predict", "infer_dict", "predict_dict"})


class V2ModelServer:
    """A model in a graph, as a step or as a route of a router (MLRun 1.12).

    A subclass writes ``load`` and ``predict``, and may write the other hooks: ``preprocess``,
    ``validate``, ``postprocess``, ``explain``, and ``op_xx(event)`` for operations of its own.

    The rows of a batch of events are predicted with one call of ``predict``. That is only done
    with a model that answers row by row; which it does is found out on the first batch, by
    predicting some of its events alone, too.

    Parameters
    ----------
    context : GraphContext, optional
        Given by the graph.
    name : str, optional
        Given by the graph: the name of the step or the route; with a version ``name:version``.
    model_path : str, optional
        Where the model's file is: a file or a folder here, or a URL that fsspec knows.
    model : object, optional
        The model itself; then nothing is loaded.
    protocol : str, optional
        ``v2``; of any other the requests are not validated.
    input_path, result_path : str, optional
        Where in the body the request is read and the response is written, such as ``data.b``.
    shard_by_endpoint : bool, optional
        Kept for the export.
    **kwargs
        What `get_param` finds. ``allow_pickle`` and ``trusted`` say which model files may be
        loaded, ``batch`` that the model answers row by row, or that it does not.

    Attributes
    ----------
    batch : bool or None
        Whether the rows of several events may be given to ``predict`` together; found out if
        None.
    ready : bool
        Whether the model is loaded.
    error : str or Exception
        What went wrong when it was loaded.
    model_spec : ModelSpec or None
        What stood in ``model_spec.yaml`` beside the model's file.

    Examples
    --------
    >>> class Doubler(V2ModelServer):
    ...     def load(self):
    ...         self.factor = self.get_param("factor", 2)
    ...
    ...     def predict(self, request):
    ...         return [self.factor * value for value in request["inputs"]]
    >>> from graph_magics import Graph
    >>> graph = Graph("doubling", engine="sync")
    >>> step = graph.to(class_name="Doubler", name="m1", factor=3)
    >>> graph.test(body={"inputs": [3, 4]}, event_id="e1")["outputs"]
    [9, 12]
    """

    run_by: ClassVar[str] = "models.nodes.ServerNode"

    batch: ClassVar[bool | None] = None

    def __init__(
        self,
        context: Any = None,
        name: str | None = None,
        model_path: Any = None,
        model: Any = None,
        protocol: str | None = None,
        input_path: str | None = None,
        result_path: str | None = None,
        shard_by_endpoint: bool | None = None,
        **kwargs: Any,
    ) -> None:
        self.name = name
        self.context = context
        self.error: Any = ""
        self.protocol = protocol or "v2"
        self.model_path = model_path
        self.model_spec: ModelSpec | None = None
        self._input_path = input_path
        self._result_path = result_path
        self._kwargs = kwargs
        self._params = kwargs
        self.metrics: dict[str, Any] = {}
        self.labels: dict[str, Any] = {}
        self.model = model
        self.ready = model is not None
        self.model_endpoint_uid = kwargs.get("model_endpoint_uid")
        self.shard_by_endpoint = shard_by_endpoint
        self.output_schema = kwargs.get("outputs", [])

    def post_init(self, mode: str = "sync", **kwargs: Any) -> None:
        """Load the model; with the mode ``async`` in a thread, while the graph starts.

        Raises
        ------
        GraphError
            What `load` raised, unless it runs in a thread; then it is kept as ``error``.
        """
        if self.ready:
            return
        if mode == "async":
            threading.Thread(target=self._load_aside, name=f"load {self.name}", daemon=True).start()
            return
        try:
            self.load()
        except Exception as error:
            self.error = error
            if isinstance(error, GraphError):
                raise
            raise GraphError(f"load failed: {one_line(error)}") from error
        self._loaded()

    def _load_aside(self) -> None:
        try:
            self.load()
        except Exception as error:
            self.error = error
            if self.context is not None:
                self.context.logger.error(f"model {self.name}: load failed: {one_line(error)}")
        else:
            self._loaded()

    def _loaded(self) -> None:
        self.ready = True
        if self.model_spec is not None and not self.output_schema:
            self.output_schema = [feature.name for feature in self.model_spec.outputs]

    def get_param(self, key: str, default: Any = None) -> Any:
        """Give a parameter of the model, else of the function, ``graph.spec.parameters``.

        >>> V2ModelServer(k=7).get_param("k"), V2ModelServer().get_param("k", 1)
        (7, 1)
        """
        if key in self._params:
            return self._params[key]
        return default if self.context is None else self.context.get_param(key, default)

    def set_metric(self, name: str, value: Any) -> None:
        """Keep a value under a name in ``metrics``."""
        self.metrics[name] = value

    def get_model(self, suffix: str = "") -> tuple[str | None, dict[str, Any] | None]:
        """Give the local path of the model's file, and what else there is beside it.

        Parameters
        ----------
        suffix : str
            Which file it is, if ``model_path`` is a folder; ``.pkl`` if absent.

        Returns
        -------
        path : str or None
            None without a ``model_path``.
        extra : dict of str to ExtraFile, or None

        Raises
        ------
        GraphError
            If there is no such file, or it is a pickle and those are not allowed.
        """
        if not self.model_path:
            return None, None
        from .files import fetched

        found = fetched(self.model_path, suffix, owner=self, allow_pickle=self._allows_pickle())
        return self._kept(found)

    def _kept(self, found: Any) -> tuple[str, dict[str, Any]]:
        self.model_spec = found.spec
        if found.spec is not None:
            # What may be loaded is said by the user, not by what is loaded.
            given = found.spec.parameters.items()
            self._params.update({k: v for k, v in given if k not in ("allow_pickle", "trusted")})
        return found.path, found.extra

    def _allows_pickle(self) -> bool:
        from .files import SETTINGS

        return self.get_param("allow_pickle", SETTINGS.allow_pickle) is True

    def load(self) -> None:
        """Load the model of ``model_path`` into ``model``; a subclass may load it otherwise.

        A skops file is loaded if all its types are trusted, by skops or with ``trusted=[...]``;
        a pickle or joblib file only with ``allow_pickle=True``.

        Raises
        ------
        GraphError
            If there is nothing to load, or it is not to be loaded.
        """
        if self.model is not None:
            return
        if not self.model_path:
            raise GraphError(
                f"{type(self).__name__} has no model: write load(self) in the class, or give "
                "model_path= or model="
            )
        from .files import fetched, loaded

        allow_pickle = self._allows_pickle()
        found = fetched(self.model_path, owner=self, allow_pickle=allow_pickle, prefer_skops=True)
        path, _ = self._kept(found)
        trusted = self.get_param("trusted")
        self.model = loaded(path, trusted, allow_pickle=allow_pickle, url=found.url)

    def preprocess(self, request: Any, operation: str) -> Any:
        """Change a body before it is validated; gives the request."""
        return request

    def validate(self, request: Any, operation: str) -> Any:
        """Check a request; gives it.

        Raises
        ------
        BadEvent
            If the protocol is ``v2`` and the request has no list of ``inputs``.
        """
        if self.protocol != "v2":
            return request
        if not isinstance(request, (dict, Mapping)):
            raise BadEvent(
                f'a request must be an object with "inputs", such as {{"inputs": [[1.0, 2.0]]}}; '
                f"got {a(request)}"
            )
        if "inputs" not in request:
            has = f"it has {listed(request)}" if request else "it is empty"
            raise BadEvent(
                f'the request has no "inputs", such as {{"inputs": [[1.0, 2.0]]}}; {has}'
            )
        if not isinstance(request["inputs"], list):
            raise BadEvent(f'the "inputs" of a request must be a list, got {a(request["inputs"])}')
        return request

    def predict(self, request: dict[str, Any]) -> Any:
        """Give an output for each of the request's inputs; a subclass writes it."""
        raise NotImplementedError(f"write predict(self, request) in {type(self).__name__}")

    def explain(self, request: dict[str, Any]) -> Any:
        """Explain the request's inputs; a subclass may write it."""
        raise NotImplementedError(f"write explain(self, request) in {type(self).__name__}")

    def postprocess(self, response: dict[str, Any]) -> dict[str, Any]:
        """Change a response before it is answered; gives the response."""
        return response

    def logged_results(
        self, request: dict[str, Any], response: dict[str, Any], op: str
    ) -> tuple[list[Any] | None, list[Any] | None]:
        """Say what of inputs and outputs is tracked; in a cluster only."""
        return None, None

    def do_event(self, event: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer one event: its operation is its path, else what its body says, else ``infer``.

        The answer is put into the event, which is given back. Of an event that asks with GET
        how the model is, and for no operation on data, ``terminated`` is set.

        Raises
        ------
        BadEvent
            If there is no such operation.

        Examples
        --------
        >>> from graph_magics.mlrun import Event
        >>> server = V2ModelServer(name="m1", model="any")
        >>> server.do_event(Event(path="/ready", method="GET", id="e1")).body.body
        b'Model m1 is ready (event_id = e1)'
        """
        original = event.body
        body = extracted(self._input_path, original) if self._input_path else original
        op, event_id = (event.path or "").strip("/"), event.id
        if isinstance(body, dict) and body:
            op = op or body.get("operation")
            event_id = body.get("id", event_id)
            if op is None and event.method == "GET":
                raise BadEvent("a GET with a body asks for no operation; send it with POST")
        if not op:
            op = "" if event.method == "GET" else "infer"
        if not isinstance(op, str):
            raise BadEvent(f'the "operation" of a body must be a text, got {a(op)}')
        if op in PREDICTS:
            started = stamp()
            request = self._prepared(body, op)
            response = self._response(self.predict(request), event_id, started)
        elif op == "explain":
            request = self._prepared(body, op)
            response = {"id": event_id, "model_name": self.name, "outputs": self.explain(request)}
            response = self.postprocess(response)
        elif op == "ready" and event.method == "GET":
            event.terminated = True
            event.body = self._readiness(event_id)
            return event
        elif not op:
            event.terminated = True
            response = self._metadata()
        else:
            response = self._operation(op)(event)
        event.body = written(self._result_path, original, response)
        return event

    def _prepared(self, body: Any, op: str) -> Any:
        """The request that a body becomes."""
        if not self.ready:
            raise self._not_ready()
        if op in ("infer_dict", "predict_dict"):
            body = self._inputs_to_list(body)
        return self.validate(self.preprocess(body, op), op)

    def _response(self, outputs: Any, event_id: Any, started: str) -> Any:
        response = {
            "id": event_id,
            "model_name": self._model_name,
            "outputs": outputs,
            "timestamp": started,
        }
        if self.model_endpoint_uid:
            response["model_endpoint_uid"] = self.model_endpoint_uid
        return self.postprocess(response)

    @property
    def _model_name(self) -> str:
        """The name without the version."""
        return (self.name or "").partition(":")[0]

    def _not_ready(self) -> GraphError:
        why = f": load failed: {one_line(self.error)}" if self.error else " yet"
        return GraphError(f"the model {self.name!r} is not ready{why}")

    def _readiness(self, event_id: Any) -> Any:
        made = Response if self.context is None else self.context.Response
        if not self.ready:
            return made(status_code=408, body=b"model not ready")
        text = f"Model {self.name} is ready (event_id = {event_id})"
        return made(status_code=200, body=text.encode())

    def _metadata(self) -> dict[str, Any]:
        spec = self.model_spec
        return {
            "name": self._model_name,
            "model_endpoint_uid": self.model_endpoint_uid or "",
            "inputs": [] if spec is None else spec.inputs.to_dict(),
            "outputs": [] if spec is None else spec.outputs.to_dict(),
        }

    def _operation(self, op: str) -> Any:
        found = getattr(self, f"op_{op}", None)
        if found is not None:
            return found
        own = [name.removeprefix("op_") for name in dir(self) if name.startswith("op_")]
        known = [*sorted(PREDICTS), "explain", *own]
        raise BadEvent(
            f"the model {self.name!r} has no operation {op!r}{near(op, known) or '.'} "
            f"It has {listed(known, most=12)}"
        )

    def _inputs_to_list(self, request: Any) -> Any:
        """Inputs that are objects, as lists in the order of the model's features."""
        order = self._input_names()
        if order is None:
            raise BadEvent(
                "infer_dict and predict_dict need to know the order of the model's features: from "
                "the model_spec.yaml beside its file, or a model that was fitted on a table"
            )
        inputs = request.get("inputs") if isinstance(request, dict) else None
        rows = [inputs] if isinstance(inputs, dict) else inputs
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise BadEvent(
                f'infer_dict and predict_dict take "inputs" that are objects, got {a(inputs)}'
            )
        for row in rows:
            missing = [name for name in order if name not in row]
            if missing:
                raise BadEvent(f"the inputs lack {listed(missing)}{near(missing[0], row)}")
        lists = [[row[name] for name in order] for row in rows]
        request["inputs"] = lists[0] if isinstance(inputs, dict) else lists
        return request

    def _input_names(self) -> list[str] | None:
        if self.model_spec is not None and self.model_spec.inputs:
            return [feature.name for feature in self.model_spec.inputs]
        names = getattr(self.model, "feature_names_in_", None)
        return None if names is None else list(names)


def stamp() -> str:
    """The time now, as the text that a response says as its ``timestamp``."""
    seconds, nanoseconds = divmod(time_ns(), 1_000_000_000)
    return f"{_second(seconds)}.{nanoseconds // 1_000:06d}+00:00"


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def written(path: str | None, body: Any, response: Any) -> Any:
    """A response, written into its event's body if there is a path for it.

    >>> written("y", {"x": 5}, 10), written("y", {}, 10)
    ({'x': 5, 'y': 10}, 10)
    """
    if not path or not body:
        return response
    # Into a copy: the response may hold the body itself.
    return updated(path, fresh(body), response)
