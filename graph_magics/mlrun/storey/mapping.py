"""storey's steps of a function: `Map`, `Filter`, `FlatMap`, `Extend`, ..."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from ...copying import fresh
from ...errors import GraphError
from .classes import Flow


class _OfFunction(Flow):
    """A step that calls a function."""

    def __init__(
        self,
        fn: Callable[..., Any],
        long_running: bool | None = None,
        pass_context: bool | None = None,
        fn_select_outlets: Callable[[Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._fn = checked_function(fn, "fn")
        self._pass_context = pass_context
        if fn_select_outlets is not None:
            checked_function(fn_select_outlets, "fn_select_outlets")
        self._outlets_selector = fn_select_outlets
        if long_running and inspect.iscoroutinefunction(fn):
            raise GraphError("long_running=True is for functions that are not async")


class Map(_OfFunction):
    """Answers an event with what a function gives (MLRun 1.12).

    Parameters
    ----------
    fn : callable
        In a declaration ``_fn="name"``, or an expression: ``_fn="(event + 1)"``.
    pass_context : bool, optional
        Whether the function is given ``context=`` besides.
    fn_select_outlets : callable, optional
        Gives, for an answer, the names of the steps that it goes on to.
    long_running : bool, optional
        Taken, and without meaning here.
    **kwargs
        As `Flow` takes: full_event, input_path, result_path.

    Examples
    --------
    >>> from graph_magics import Graph
    >>> graph = Graph("g")
    >>> step = graph.to("storey.Map", name="m", _fn="(event * 3)").respond()
    >>> graph.test(body=5)
    15
    """

    run_by: ClassVar[str] = "storey.mapping_nodes.MapNode"

    async def _do(self, event: Any) -> None:
        answer = self._fn(self._get_event_or_body(event))
        answer = await answer if inspect.isawaitable(answer) else answer
        await self._do_downstream(self._user_fn_output_to_event(event, answer))


class Filter(_OfFunction):
    """Lets an event on if a function says so (MLRun 1.12).

    Examples
    --------
    >>> from graph_magics import Graph
    >>> graph = Graph("g")
    >>> step = graph.to("storey.Filter", name="f", _fn="(event > 3)").respond()
    >>> graph.run([5, 1]).frame["error"].tolist()[1]
    "f: filtered: the event did not reach the step that answers, 'f'"
    """

    run_by: ClassVar[str] = "storey.mapping_nodes.FilterNode"


class FlatMap(_OfFunction):
    """Makes several events of one: a function gives their bodies (MLRun 1.12).

    The first that comes to the step that responds is the answer.

    Examples
    --------
    >>> from graph_magics import Graph
    >>> graph = Graph("g")
    >>> step = graph.to("storey.FlatMap", name="f", _fn="([event, event + 1])").respond()
    >>> graph.test(body=5)
    5
    """

    run_by: ClassVar[str] = "storey.mapping_nodes.FlatMapNode"


class Flatten(FlatMap):
    """Makes an event of each item of a body (MLRun 1.12)."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["full_event"] = False
        super().__init__(_itself, **kwargs)


class Extend(_OfFunction):
    """Adds fields to a body: a function gives them as a dict (MLRun 1.12).

    Examples
    --------
    >>> from graph_magics import Graph
    >>> graph = Graph("g")
    >>> step = graph.to("storey.Extend", name="x", _fn='({"b": event["a"] + 1})').respond()
    >>> graph.test(body={"a": 1})
    {'a': 1, 'b': 2}
    """

    run_by: ClassVar[str] = "storey.mapping_nodes.ExtendNode"


class ForEach(_OfFunction):
    """Calls a function for each event, and sends the event on as it was (MLRun 1.12)."""

    run_by: ClassVar[str] = "storey.mapping_nodes.ForEachNode"


class ConcurrentExecution(_OfFunction):
    """As `Map`, for functions that wait: those of a batch do so at the same time (MLRun 1.12).

    Parameters
    ----------
    event_processor : callable
        In a declaration ``_event_processor="name"``.
    concurrency_mechanism : str, optional
        Taken, and without meaning here: what is async runs at the same time.
    max_in_flight : int, optional
        How many events are under way at once; 32 if absent.
    retries : int, optional
        How often an event is tried again; not at all, if absent.
    backoff_factor : float, optional
        Seconds before that, doubled each time; 1 if absent.
    """

    run_by: ClassVar[str] = "storey.mapping_nodes.ConcurrentNode"

    def __init__(
        self,
        event_processor: Callable[..., Any],
        concurrency_mechanism: str | None = None,
        pass_context: bool | None = None,
        max_in_flight: int | None = None,
        retries: int | None = None,
        backoff_factor: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            checked_function(event_processor, "event_processor"),
            pass_context=pass_context,
            **kwargs,
        )
        if max_in_flight is not None and max_in_flight < 1:
            raise GraphError(f"max_in_flight must be 1 or more, got {max_in_flight!r}")
        self.max_in_flight = max_in_flight
        self.retries = retries or 0
        self.backoff_factor = 1 if backoff_factor is None else backoff_factor


class MapWithState(Flow):
    """As `Map`, with a state that goes from event to event (MLRun 1.12).

    Parameters
    ----------
    initial_state
        For the first event; with ``group_by_key`` a dict, by the events' keys.
    fn : callable
        Given the event and the state; gives the answer and the new state.
    group_by_key : bool
        Whether each ``event.key`` has a state of its own.

    Examples
    --------
    >>> from graph_magics import Graph
    >>> graph = Graph("g")
    >>> def total(event, state):
    ...     return state + event, state + event
    >>> step = graph.to("storey.MapWithState", name="t", initial_state=0, _fn="total").respond()
    >>> graph.run([1, 2, 3]).frame["response"].tolist()
    [1, 3, 6]
    """

    run_by: ClassVar[str] = "storey.mapping_nodes.MapWithStateNode"

    def __init__(
        self,
        initial_state: Any,
        fn: Callable[[Any, Any], Any],
        group_by_key: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(initial_state, str) and "://" in initial_state:
            raise GraphError(
                f"the table {initial_state!r} is kept by a cluster; give the state itself"
            )
        self._fn = checked_function(fn, "fn")
        self._state = fresh(initial_state)
        self._group_by_key = group_by_key


class Complete(Map):
    """Answers the request, which is done at the end of each flow here: the event goes on."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(_itself, **{**kwargs, "full_event": False})


def _itself(body: Any) -> Any:
    return body


def checked_function(fn: Any, what: str) -> Any:
    """Give a function; what is none is refused."""
    if callable(fn):
        return fn
    hint = f'; in a declaration its name is given as _{what}="..."' if isinstance(fn, str) else ""
    raise GraphError(f"{what} must be a function, got {fn!r}{hint}")
