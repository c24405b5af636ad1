"""`ServerNode`: a `V2ModelServer` over batches of events (MLRun 1.12)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ...batch import Batch
from ...bodies import Mixed, Samples, has_objects, is_json, many_objects, objects
from ...context import Context
from ...copying import copies, fresh
from ...failures import Failure
from ..calling import told
from ..declaring import TaskStep
from ..events import Event, GraphContext, copied, events_of, failure_of, ids_of, requests_in
from ..fields import extracted, updated
from ..lookup import Namespace
from ..storey.outlets import selected
from ..tasks import TaskNode
from .rows import RowLists
from .servers import PREDICTS, V2ModelServer, stamp
from .stacking import Stack, Stacker

_PLAIN = Event()
#: The operations whose requests are put together.
_STACKED = frozenset({"infer", "predict"})


class ServerNode(TaskNode):
    """A model: its rows are predicted together where that is the same as event by event.

    A row of a table is a request of one row.

    Parameters
    ----------
    step : TaskStep
    made_of : type or V2ModelServer
    """

    kind = "Model"
    predicts = True
    answers_outputs = True

    def __init__(self, step: TaskStep, made_of: Any) -> None:
        super().__init__(step, made_of)
        #: Whether events are answered as `V2ModelServer` does it, not by code of the user's.
        self._is_ours = False
        self._prepares = self._finishes = False
        self._stacker: Stacker

    @property
    def is_stateful(self) -> bool:
        """Whether its events must come one by one: models are taken not to remember them."""
        return self.step.handler is not None or not _inherits(self.made_of, "do_event")

    def start(self, server: GraphContext, namespace: Namespace, mode: str = "sync") -> None:
        """Make the model's object, and load the model."""
        super().start(server, namespace, mode)
        model = self.object
        self._is_ours = self.step.handler is None and _inherits(model, "do_event")
        self._prepares = not (_inherits(model, "preprocess") and _inherits(model, "validate"))
        self._finishes = not _inherits(model, "postprocess")
        by_rows = [model._params.get("batch"), getattr(model, "batch", None)]
        said = next((said for said in by_rows if isinstance(said, bool)), None)
        self._stacker = Stacker(model.predict, said, changes_show=bool(model._result_path))

    def run(self, batch: Batch, context: Context) -> Batch:
        """Answer every event; one whose request is none, or fails, fails alone."""
        if isinstance(batch.bodies, Mixed):
            return batch.apart(lambda some: self.run(some, context))
        if not self._is_ours:
            if self.step.handler is None:
                batch = batch.answer(self._bodies(batch))
            return super().run(batch, context)
        if len(batch.positions) == 1:
            answer = self._alone(batch, context)
        else:
            answer = self._by_request(batch, context)
        if self._select is None or not len(answer):
            return answer
        return selected(
            answer, answer.events(), self._select, context, self.outlets, received=batch
        )

    def _alone(self, batch: Batch, context: Context) -> Batch:
        """Answer one event, as quickly as may be."""
        body = self._bodies(batch)[0]
        head = None if batch.heads is None else batch.heads[0]
        event = copied(head or context.request or _PLAIN)
        event.body = fresh(body)
        if event.id is None:
            event.id = str(batch.positions[0] + context.setup.first)
        is_predicted = not self.object._input_path and _is_predicted(event, body)
        if not is_predicted:
            event.headers = dict(event.headers)  # An operation may write to them.
        try:
            self.object.do_event(event)
        except Exception as error:
            return batch.fail_all(failure_of(context, error))
        answer = batch.answer([event.body])
        if is_predicted:
            return answer
        answer.heads = np.empty(1, dtype=object)
        answer.heads[0] = event
        return answer

    def _by_request(self, batch: Batch, context: Context) -> Batch:
        """Answer events request by request: most have the same path and method."""
        if batch.heads is None:
            return self._alike(context.request or _PLAIN, batch, context)
        parts = list(requests_in(batch, context))
        if len(parts) == 1:
            return self._alike(parts[0][0], batch, context)
        return batch.merge(
            [(rows, self._alike(head, batch.select(rows), context)) for head, rows in parts]
        )

    def _alike(self, request: Event, batch: Batch, context: Context) -> Batch:
        """Answer the events of one path and method."""
        op = (request.path or "").strip("/")
        if op not in _STACKED and (op or request.method == "GET"):
            return self._each_whole(batch, context)
        if not self.object.ready:
            return self._each_whole(batch, context)
        bodies = self._bodies(batch)
        given, errors = self._given(bodies)
        odd = [] if op else _kept(batch, "odd", bodies is given, lambda: _with_operation(given))
        if not odd:
            return self._predicted(batch, bodies, given, errors, op or "infer", context)
        own = np.zeros(len(bodies), dtype=bool)
        own[odd] = True
        alone, rest = np.flatnonzero(own), np.flatnonzero(~own)
        parts = [(alone, self._each_whole(batch.select(alone), context))]
        if len(rest):
            parts.append((rest, self._alike(request, batch.select(rest), context)))
        return batch.merge(parts)

    def _each_whole(self, batch: Batch, context: Context) -> Batch:
        """Answer each event by itself, with whatever its operation changes of it."""
        failures: dict[int, Failure] = {}
        events = events_of(batch, copies(self._bodies(batch)), context)
        answers, rows = self._called_for(events, None, failures, context)
        return told(batch, answers, rows, failures, context, step=self)

    def _each_predicted(self, batch: Batch, context: Context) -> Batch:
        """Answer each event by itself with its prediction."""
        failures: dict[int, Failure] = {}
        events = events_of(batch, copies(self._bodies(batch)), context)
        answers, _ = self._called_for(events, None, failures, context)
        return batch.fail(failures, [event.body for event in answers])

    def _predicted(
        self,
        batch: Batch,
        bodies: list[Any],
        given: list[Any],
        errors: dict[int, Exception],
        op: str,
        context: Context,
    ) -> Batch:
        """Predict for all events; with one call, if the model answers row by row."""
        model, stacker = self.object, self._stacker
        has_hooks = self._prepares or self._finishes
        # Where the result is written into the body, what is done to the request is seen in it.
        shows = bool(model._result_path)
        if (has_hooks or shows) and stacker.by_rows is False:
            return self._each_predicted(batch, context)
        if shows:
            bodies = copies(bodies)
            given, errors = self._given(bodies)
        # Hooks may leave something in the model for each other, or for predict: an event's own.
        before = dict(vars(model)) if has_hooks else {}
        started = stamp()
        requests = given
        if self._prepares:
            requests = self._requests(given, errors, op)
            if self._remembers(before):
                return self._each_predicted(batch, context)

        def own(row: int) -> Any:
            if row in errors:
                raise errors[row]
            return requests[row] if self._prepares else model.validate(requests[row], op)

        def alone(row: int) -> Any:
            return fresh(own(row))

        is_shared = requests is given is bodies and not shows
        lists = _kept(batch, "rows", is_shared, lambda: RowLists(_rows_in(requests)))
        answers, raised = stacker.answers(lists, alone, own if shows else alone)
        if has_hooks and self._remembers(before):
            return self._each_predicted(batch, context)
        if shows and stacker.by_rows is False:
            return self._each_predicted(batch, context)
        asked_with = (context.request or _PLAIN).id
        ids = _kept(batch, ("ids", asked_with), is_shared, lambda: _ids(given, batch, context))
        if isinstance(answers, Stack):
            if not (self._finishes or shows or model.model_endpoint_uid):
                return batch.answer(_samples(answers, ids, started, model._model_name))
            answers = list(answers.parts())
        failures = {row: failure_of(context, error) for row, error in raised.items()}
        return self._finished(batch, bodies, answers, ids, started, failures, context)

    def _finished(
        self,
        batch: Batch,
        bodies: list[Any],
        answers: list[Any],
        ids: list[Any],
        started: str,
        failures: dict[int, Failure],
        context: Context,
    ) -> Batch:
        """Make responses of outputs; a hook that raises fails its event only."""
        model, responses = self.object, []
        with many_objects(len(answers)):
            for row, outputs in enumerate(answers):
                if row in failures:
                    continue
                try:
                    response = model._response(outputs, ids[row], started)
                    if model._result_path and bodies[row]:
                        response = updated(model._result_path, bodies[row], response)
                    responses.append(response)
                except Exception as error:
                    failures[row] = failure_of(context, error)
        return batch.fail(failures, responses)

    def _bodies(self, batch: Batch) -> list[Any]:
        """The body of each event: of a row of a table, a request for it."""
        source = batch.bodies
        if is_json(source) or self.object._input_path:
            return batch.events()
        if "inputs" in getattr(source, "columns", ()):
            return batch.events()
        bodies = batch.memory.get("requests")
        if bodies is None:
            with many_objects(len(source)):
                rows = _rows_of(source)
                lists = [[row] for row in rows]
                bodies = batch.memory["requests"] = [{"inputs": own} for own in lists]
            _kept(batch, "odd", True, list)
            _kept(batch, "rows", True, lambda: RowLists(lists, are_alike=_is_typed(batch)))
        return bodies

    def _given(self, bodies: list[Any]) -> tuple[list[Any], dict[int, Exception]]:
        """What the model reads of each body; and why it cannot be read."""
        path = self.object._input_path
        if not path:
            return bodies, {}
        given: list[Any] = [None] * len(bodies)
        errors: dict[int, Exception] = {}
        for row, body in enumerate(bodies):
            try:
                given[row] = extracted(path, body)
            except Exception as error:
                errors[row] = error
        return given, errors

    def _requests(self, given: list[Any], errors: dict[int, Exception], op: str) -> list[Any]:
        """What the user's hooks make of each body; what they raise is put to the errors."""
        requests: list[Any] = [None] * len(given)
        for row, body in enumerate(given if self.object._result_path else copies(given)):
            try:
                if row not in errors:
                    requests[row] = self.object._prepared(body, op)
            except Exception as error:
                errors[row] = error
        return requests

    def _remembers(self, before: Mapping[str, Any]) -> bool:
        """Whether the model is another than before; then it is made as it was, and so it stays.

        Its events are answered one after the other from now on.
        """
        now = vars(self.object)
        if len(now) == len(before) and all(now.get(key, self) is before[key] for key in before):
            return False
        for key in now.keys() - before.keys():
            del now[key]
        now.update(before)
        self._stacker.by_rows = False
        return True


def _rows_of(table: Any) -> Iterable[Any]:
    """The values of each row of a table, in a list; the items of a single column."""
    if not isinstance(table, pd.DataFrame):
        return objects(table)
    columns = [table.iloc[:, place].tolist() for place in range(table.shape[1])]
    return map(list, zip(*columns, strict=True)) if columns else [[] for _ in range(len(table))]


def _inherits(model: Any, method: str) -> bool:
    """Whether a model, or a class of models, has a method as `V2ModelServer` wrote it."""
    found = getattr(model, method, None)
    return getattr(found, "__func__", found) is getattr(V2ModelServer, method)


def _is_predicted(event: Event, body: Any) -> bool:
    op = (event.path or "").strip("/")
    if op:
        return op in PREDICTS
    return event.method != "GET" and not (isinstance(body, dict) and "operation" in body)


def _kept(batch: Batch, what: Any, is_shared: bool, make: Callable[[], Any]) -> Any:
    """What is found out of a batch, once for all routes of a router, if it is that of all."""
    if not is_shared:
        return make()
    key = ("model", what)
    found = batch.memory.get(key)
    if found is None:
        found = batch.memory[key] = make()
    return found


def _with_operation(given: list[Any]) -> list[int]:
    """The rows whose bodies say an operation."""
    if set(map(type, given)) == {dict} and not [True for body in given if "operation" in body]:
        return []
    rows = enumerate(given)
    return [row for row, body in rows if isinstance(body, dict) and body.get("operation")]


def _rows_in(requests: list[Any]) -> list[list[Any] | None]:
    """The rows of each request; None for one that is to be asked alone."""
    try:
        lists = [request["inputs"] for request in requests]
    except (TypeError, KeyError, IndexError):
        lists = [r.get("inputs") if type(r) is dict else None for r in requests]
    if set(map(type, requests)) == {dict} and set(map(type, lists)) == {list} and all(lists):
        return lists
    pairs = zip(requests, lists, strict=True)
    return [own if type(r) is dict and type(own) is list and own else None for r, own in pairs]


def _is_typed(batch: Batch) -> bool:
    """Whether the values of each column are of one type, whatever the event."""
    return isinstance(batch.bodies, (pd.DataFrame, np.ndarray)) and not has_objects(batch.bodies)


def _ids(given: list[Any], batch: Batch, context: Context) -> list[Any]:
    """The id of each event: what its body says, else its own."""
    ids: list[Any] = ids_of(batch, context)
    try:
        rows = [row for row, body in enumerate(given) if "id" in body]
    except TypeError:  # Of a body that is a number, perhaps.
        rows = list(range(len(given)))
    for row in rows:
        if isinstance(given[row], dict) and "id" in given[row]:
            ids[row] = given[row]["id"]
    return ids


def _samples(stack: Stack, ids: list[Any], started: str, name: str) -> Samples:
    values, form = stack.columns()
    sizes = np.array(stack.sizes, dtype=np.int64)
    counts = None if (sizes == 1).all() else sizes
    extra = {"model_name": name}
    return Samples(values, counts, "outputs", extra, ids, [started] * len(ids), form)
