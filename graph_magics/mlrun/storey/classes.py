"""storey's steps, as MLRun's users pass and subclass them: `Flow`, `Map`, `Filter`, ...

What they do with the events of a batch is in `elements`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import Any, ClassVar

from ...copying import fresh
from ...errors import GraphError, a
from ..events import copied
from .dtypes import _termination_obj
from .outlets import check

#: What a user's own ``_do`` sends on while it runs: body, event, and the steps it is for.
SENT_ON: ContextVar[list[tuple[Any, Any, Any]] | None] = ContextVar("what is sent on", default=None)
#: Whether an async ``do`` said that its event is to be filtered.
IS_FILTERED: ContextVar[bool] = ContextVar("the event is filtered", default=False)


class Flow:
    """What all of storey's steps are: a step of one's own overrides ``_do`` (MLRun 1.12).

    Parameters
    ----------
    context : GraphContext, optional
    name, input_path, result_path : str, optional
    full_event : bool, optional
        Whether it gets the event with its path, id and headers, not only the body.

    Examples
    --------
    >>> from graph_magics import Graph, mlrun
    >>> class Twice(mlrun.Flow):
    ...     async def _do(self, event):
    ...         await self._do_downstream(event)
    ...         await self._do_downstream(event)
    >>> graph = Graph("g")
    >>> last = graph.to("Twice").to(name="plus", handler="(event + 1)").respond()
    >>> graph.test(body=5)
    6
    """

    #: The module and the class of the node that runs it.
    run_by: ClassVar[str] = "storey.elements.StoreyNode"
    name: str = ""
    context: Any = None
    logger: Any = None
    verbose: Any = False
    _full_event: bool | None = None
    _input_path: str | None = None
    _result_path: str | None = None

    def __init__(
        self,
        recovery_step: Any = None,
        termination_result_fn: Any = None,
        context: Any = None,
        max_iterations: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.context = context
        self.verbose = context and getattr(context, "verbose", False)
        self.logger = getattr(context, "logger", None)
        self.name = kwargs.get("name") or type(self).__name__
        self._kwargs = kwargs
        self._full_event = kwargs.get("full_event")
        self._input_path = kwargs.get("input_path")
        self._result_path = kwargs.get("result_path")
        self._outlets: list[Any] = []

    def _init(self) -> None:
        """Get ready, before the first event."""

    async def _do(self, event: Any) -> Any:
        raise NotImplementedError(f"the class {type(self).__name__} has no _do")

    async def _do_downstream(
        self, event: Any, outlets: Any = None, select_outlets: bool = True
    ) -> None:
        """Send an event on: to all steps that follow, or to some."""
        if event is _termination_obj:
            return
        sent = SENT_ON.get()
        if sent is None:
            raise GraphError("_do_downstream is called by _do, while the step runs")
        names = None if outlets is None else [getattr(outlet, "name", outlet) for outlet in outlets]
        if not names and select_outlets:
            names = self.select_outlets(event.body) or None
        known = [outlet.name for outlet in self._outlets]
        way = None if names is None else check(names, known)
        # Whatever is done to it after is not for those who have it already.
        sent.append((fresh(event.body), copied(event), way))

    def select_outlets(self, event: Any) -> Any:
        """Override it to send an event on to some of the next steps only: give their names.

        None, and no name at all, stand for all steps.
        """
        return None

    def _get_event_or_body(self, event: Any) -> Any:
        from ..fields import extracted

        return event if self._full_event else extracted(self._input_path, event.body)

    def _user_fn_output_to_event(self, event: Any, result: Any) -> Any:
        from ..fields import updated

        if self._full_event:
            return result
        twin = copied(event)
        twin.body = updated(self._result_path, twin.body, result)
        return twin


class MapClass(Flow):
    """A class with ``do``, in which ``self.filter()`` drops the event (MLRun 1.12).

    Examples
    --------
    >>> from graph_magics import Graph, mlrun
    >>> class Even(mlrun.MapClass):
    ...     def do(self, event):
    ...         if event % 2:
    ...             self.filter()
    ...         return event
    >>> graph = Graph("g")
    >>> step = graph.to("Even", name="even").respond()
    >>> graph.run([1, 2]).frame["status"].tolist()
    [400, 200]
    """

    run_by: ClassVar[str] = "storey.mapping_nodes.MapClassNode"

    _filter = False

    def __init__(self, long_running: bool | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if long_running and inspect.iscoroutinefunction(self.do):
            raise GraphError("long_running=True is for a do that is not async")

    async def _do(self, event: Any) -> None:
        IS_FILTERED.set(False)
        answer = self.do(self._get_event_or_body(event))
        answer = await answer if inspect.isawaitable(answer) else answer
        if not IS_FILTERED.get():
            await self._do_downstream(self._user_fn_output_to_event(event, answer))

    def filter(self) -> None:
        """Drop the event that ``do`` was given. The sync engine answers it all the same."""
        self._filter = True
        IS_FILTERED.set(True)

    def do(self, event: Any) -> Any:
        """Answer an event: this is what a subclass writes."""
        raise NotImplementedError(f"the class {type(self).__name__} has no do")


class Rename(Flow):
    """Renames fields of a body (MLRun 1.12).

    Parameters
    ----------
    mapping : dict
        Old name to new name.
    """

    run_by: ClassVar[str] = "storey.elements.ChangeNode"

    def __init__(self, mapping: Mapping[Any, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(mapping, Mapping):
            raise GraphError(f"mapping is a dict of old names and new ones, got {a(mapping)}")
        self.mapping = mapping

    def _change(self, body: Any) -> Any:
        for old, new in self.mapping.items():
            if old in body:
                body[new] = body.pop(old)
        return body

    _changed = _change


class DropColumns(Flow):
    """Takes fields of a body away (MLRun 1.12).

    Parameters
    ----------
    columns : str or list of str
    """

    run_by: ClassVar[str] = "storey.elements.ChangeNode"

    def __init__(self, columns: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._columns = list(columns) if isinstance(columns, (list, tuple)) else [columns]

    def _change(self, body: Any) -> Any:
        for column in self._columns:
            body.pop(column, None)
        return body

    def _changed(self, table: Any) -> Any:
        return table[[name for name in table.columns if name not in self._columns]]


class ReifyMetadata(Flow):
    """Writes what is known of an event into its body (MLRun 1.12).

    Parameters
    ----------
    mapping : dict or list of str
        Attributes of the event, such as ``id`` or ``path``, and the fields they go to.

    Examples
    --------
    >>> from graph_magics import Graph
    >>> graph = Graph("g")
    >>> step = graph.to("storey.flow.ReifyMetadata", name="r", mapping=["path"]).respond()
    >>> graph.test("/x", {"a": 1})
    {'a': 1, 'path': '/x'}
    """

    run_by: ClassVar[str] = "storey.elements.ReifyNode"

    def __init__(self, mapping: Iterable[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mapping = mapping
        pairs = mapping.items() if isinstance(mapping, Mapping) else [(n, n) for n in mapping]
        self._pairs = list(pairs)

    def _change(self, event: Any) -> Any:
        for attribute, field in self._pairs:
            event.body[field] = getattr(event, attribute)
        return event.body
