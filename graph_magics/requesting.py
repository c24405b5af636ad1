"""`Requests`: one event through a graph, as a request to the served graph would."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from .binding import refuse_unbound
from .blame import raise_first
from .engine import execute
from .errors import GraphError
from .exchanges import KSERVE, Asked
from .mlrun.answers import NoJSON
from .running import Runnable
from .serving import headers_of
from .wire import Response

if TYPE_CHECKING:
    _Base = Runnable
else:
    _Base = object


class Requests(_Base):
    """How a graph is asked for one answer; a part of `Graph`."""

    #: The seeds of tests that are given none.
    _tests: Iterator[int]

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
