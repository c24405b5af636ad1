"""`VotingEnsemble`, as MLRun's users subclass it (MLRun 1.12)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any, ClassVar

import numpy as np

from ...errors import a
from .classes import ParallelRun, one_of
from .paths import Ensembles, Refused
from .polls import VOTE_TYPES, Poll, as_list, columns_of


class VotingEnsemble(ParallelRun):
    """Send each event to all models, and let them vote (MLRun 1.12).

    ``<prefix>/<operation>`` asks all of them, ``<prefix>/<model>/<operation>`` one. Subclasses
    override `logic`.

    Parameters
    ----------
    vote_type : {"classification", "regression"}, optional
        The label with the greatest weight behind it (of several the smallest), or the weighted
        mean. If absent, event by event: a regression if any answer is a float.
    weights : mapping of str to float, optional
        Route to weight, scaled to add up to 1; a route that is not named counts 0. All equal if
        absent.
    executor_type : {"thread", "process", "array"}
        As in `ParallelRun`.
    format_response_with_col_name_flag : bool
        Whether the answers of models, and of the ensemble, are ``{column: predictions}``.
    prediction_col_name : str, optional
        That column.
    on_missing : {"fail", "vote"}
        What becomes of an event for which a route fails: it fails, or the others vote.
    **kwargs
        As in `ParallelRun`.

    Examples
    --------
    >>> from graph_magics import Graph
    >>> graph = Graph("g", topology="router", class_name="VotingEnsemble", weights={"a": 3, "b": 1})
    >>> route = graph.add_route("a", handler="({'outputs': [x * 1.0 for x in event['inputs']]})")
    >>> route = graph.add_route("b", handler="({'outputs': [x * 5.0 for x in event['inputs']]})")
    >>> graph.test("/v2/models/infer", {"inputs": [1, 2]}, event_id="e1")
    {'id': 'e1', 'model_name': 'VotingEnsemble', 'outputs': [2.0, 4.0]}
    """

    run_by: ClassVar[str] = "routing.voting.VotingNode"

    _poll: Poll | None = None
    #: Whether `logic` or what it calls, and what takes predictions out, are the user's own.
    _counts_itself = False
    _extracts = False

    def __init__(
        self,
        context: Any = None,
        name: str | None = None,
        routes: Mapping[str, Any] | None = None,
        protocol: str | None = None,
        url_prefix: str | None = None,
        health_prefix: str | None = None,
        vote_type: str | None = None,
        weights: Mapping[str, float] | None = None,
        executor_type: str = "thread",
        format_response_with_col_name_flag: bool = False,
        prediction_col_name: str | None = "prediction",
        shard_by_endpoint: bool | None = None,
        on_missing: str = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            context, name, routes, protocol, url_prefix, health_prefix,
            executor_type=executor_type, **kwargs,
        )  # fmt: skip
        self.name = name or "VotingEnsemble"
        self.vote_type = vote_type if vote_type is None else one_of(
            vote_type, VOTE_TYPES, "vote_type"
        )  # fmt: skip
        self.weights: Any = weights
        self.format_response_with_col_name_flag = format_response_with_col_name_flag
        self.prediction_col_name = prediction_col_name or "prediction"
        self.shard_by_endpoint = shard_by_endpoint
        self.on_missing = one_of(on_missing, ("fail", "vote"), "on_missing")
        self.log_router = True
        self.model_endpoint_uid = kwargs.get("model_endpoint_uid")

    def post_init(self, mode: str = "sync", **kwargs: Any) -> None:
        """Take the weights: now the routes are known."""
        self._update_weights(self.weights)

    def validate(self, request: Any, method: str) -> Any:
        """Refuse a body that is none of the protocol's.

        Raises
        ------
        ValueError
            If it has no list of ``inputs``.
        """
        if self.protocol == "v2" and method != "GET":
            if not isinstance(request, dict) or "inputs" not in request:
                raise Refused('Expected key "inputs" in request body')
            if not isinstance(request["inputs"], list):
                raise Refused('Expected "inputs" to be a list')
        return request

    def logic(self, predictions: Any, weights: Any) -> Any:
        """Vote.

        Parameters
        ----------
        predictions : ndarray, shape (n_samples, n_models)
        weights : ndarray, shape (n_models,)
            Adding up to 1.

        Returns
        -------
        list
            A prediction for each sample.
        """
        rows = predictions.tolist() if isinstance(predictions, np.ndarray) else predictions
        kinds = set(map(type, chain.from_iterable(rows)))
        if (self.vote_type or Poll.deduced(kinds)) == "classification":
            return self._majority_vote([Poll.labels(row) for row in rows], weights)
        return self._mean_vote(rows, weights)

    def extract_results_from_response(self, response: Any) -> Any:
        """Give the predictions that stand in the ``outputs`` of a model's answer."""
        if isinstance(response, (list, np.ndarray)):
            return response
        if isinstance(response, dict) and self.prediction_col_name in response:
            self.format_response_with_col_name_flag = True
            return response[self.prediction_col_name]
        raise Refused(
            f"the prediction_col_name {self.prediction_col_name!r} is not in {a(response)}"
        )

    def _resolve_route(self, body: Any, urlpath: str | None) -> tuple[str, Any, Any]:
        """Give name, route and operation; no route for the ensemble, no name for the list."""
        found = Ensembles(self.url_prefix, self.routes, [self.name or ""])
        name, operation = found.resolved(body, urlpath)
        return name, self.routes.get(name) if operation is not None else None, operation

    def _majority_vote(self, all_predictions: Any, weights: Any) -> list[int]:
        return Poll.majority(columns_of(all_predictions), np.asarray(weights).tolist())

    def _mean_vote(self, all_predictions: Any, weights: Any) -> list[Any]:
        return Poll.mean(columns_of(all_predictions), np.asarray(weights).tolist())

    def _apply_logic(self, results: dict[str, Any], event: Any = None) -> Any:
        """Give the votes on what the routes answered."""
        if self._poll is None:
            self._update_weights(self.weights)
        assert self._poll is not None
        columns = [self._predictions(name, answer) for name, answer in results.items()]
        names = list(results)
        if not self._counts_itself:
            return self._poll.event(names, columns, self.vote_type)
        self._poll.check_sizes(names, columns)
        predictions = np.moveaxis(np.array(columns), 0, -1)
        return self.logic(predictions, np.array(self._poll.weights_of(names)))

    def _predictions(self, route: str, answer: Any) -> list[Any]:
        """The predictions in the answer of a route, as a list."""
        outputs = answer.get("outputs") if isinstance(answer, dict) else None
        if self._extracts and outputs is not None:
            return as_list(route, self.extract_results_from_response(outputs))
        if outputs is None:
            said = "a dict without outputs" if isinstance(answer, dict) else a(answer)
            raise Refused(f'the route {route!r} answered {said}; a vote needs {{"outputs": [...]}}')
        if self.format_response_with_col_name_flag:
            column = self.prediction_col_name
            if not isinstance(outputs, dict) or column not in outputs:
                raise Refused(f"the outputs of the route {route!r} have no column {column!r}")
            outputs = outputs[column]
        elif isinstance(outputs, dict):
            raise Refused(
                f"the outputs of the route {route!r} are a dict; write "
                "format_response_with_col_name_flag=True"
            )
        return as_list(route, outputs)

    def _update_weights(self, weights_dict: Mapping[str, float] | None) -> None:
        """Take other weights."""
        self._poll = Poll(list(self.routes), weights_dict)
        self.weights = self._poll.told
        self._weights = dict(self._poll.shares)
