"""Routers that look up the features of entities before they ask their models (MLRun 1.12).

Examples
--------
>>> import pandas as pd
>>> from graph_magics import Graph
>>> customers = pd.DataFrame({"age": [30, 50], "visits": [2, 9]}, pd.Index([7, 8], name="id"))
>>> graph = Graph("g", topology="router", class_name="EnrichmentModelRouter",
...               feature_vector_uri="customers")
>>> route = graph.add_route("sums", handler="([sum(row) for row in event['inputs']])")
>>> graph.test("/v2/models/sums/infer", {"inputs": [{"id": 8}, {"id": 7}]})
[59, 32]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, ClassVar

import numpy as np

from ...batch import Batch
from ...failures import Failure
from ..events import GraphContext
from ..lookup import Namespace
from .classes import ModelRouter
from .ensemble import VotingEnsemble
from .features import Features, rows_of
from .hooks import Here
from .models import ModelRouterNode
from .nodes import RouterNode
from .paths import read_json
from .sources import features_of
from .voting import VotingNode


class EnrichmentModelRouter(ModelRouter):
    """A `ModelRouter` whose requests bring entities, and whose models get their features.

    ``{"inputs": [{"id": 7}]}``, or ``[[7]]``, becomes ``{"inputs": [[30, 2]]}``.

    Parameters
    ----------
    context, name, routes, protocol, url_prefix, health_prefix
        As in `BaseModelRouter`.
    feature_vector_uri : str, DataFrame or callable
        Where the features are: a variable (or its name), the path of a Parquet or CSV file,
        ``sqlite:///file.db?table=name``, or a function of a list of entities.
    impute_policy : mapping, optional
        Feature to what stands for a missing or infinite value, or for one of an unknown entity:
        a constant, or ``$mean``, ``$min``, ``$max``, ``$std``, ``$count``; ``*`` is all others.
    entity_keys : sequence of str, optional
        What an entity is known by; the source's index, or its primary key, if absent.
    label_column : str, optional
        A column of the source that is no feature.
    **kwargs
        As in `BaseModelRouter`.
    """

    run_by: ClassVar[str] = "routing.enrichment.EnrichedModelRouterNode"

    _feature_service: Features | None = None

    def __init__(
        self,
        context: Any = None,
        name: str | None = None,
        routes: Mapping[str, Any] | None = None,
        protocol: str | None = None,
        url_prefix: str | None = None,
        health_prefix: str | None = None,
        feature_vector_uri: Any = "",
        impute_policy: Mapping[str, Any] | None = None,
        entity_keys: Sequence[str] | None = None,
        label_column: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(context, name, routes, protocol, url_prefix, health_prefix, **kwargs)
        self.feature_vector_uri = feature_vector_uri
        self.impute_policy = impute_policy or {}
        self.entity_keys = entity_keys
        self.label_column = label_column

    def preprocess(self, event: Any) -> Any:
        """Put the features in the place of the entities."""
        return _preprocessed(event, self._feature_service)


class EnrichmentVotingEnsemble(VotingEnsemble):
    """A `VotingEnsemble` whose requests bring entities, and whose models get their features.

    Parameters
    ----------
    context, name, routes, protocol, url_prefix, health_prefix, vote_type, executor_type,
    prediction_col_name
        As in `VotingEnsemble`.
    feature_vector_uri, impute_policy, entity_keys, label_column
        As in `EnrichmentModelRouter`.
    **kwargs
        As in `VotingEnsemble`.
    """

    run_by: ClassVar[str] = "routing.enrichment.EnrichedVotingNode"

    _feature_service: Features | None = None

    def __init__(
        self,
        context: Any = None,
        name: str | None = None,
        routes: Mapping[str, Any] | None = None,
        protocol: str | None = None,
        url_prefix: str | None = None,
        health_prefix: str | None = None,
        vote_type: str | None = None,
        executor_type: str = "thread",
        prediction_col_name: str | None = None,
        feature_vector_uri: Any = "",
        impute_policy: Mapping[str, Any] | None = None,
        entity_keys: Sequence[str] | None = None,
        label_column: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            context, name, routes, protocol, url_prefix, health_prefix, vote_type,
            executor_type=executor_type, prediction_col_name=prediction_col_name, **kwargs,
        )  # fmt: skip
        self.feature_vector_uri = feature_vector_uri
        self.impute_policy = impute_policy or {}
        self.entity_keys = entity_keys
        self.label_column = label_column

    def preprocess(self, event: Any) -> Any:
        """Put the features in the place of the entities."""
        return _preprocessed(event, self._feature_service)


def _preprocessed(event: Any, features: Features | None) -> Any:
    if isinstance(event.body, (str, bytes)):
        event.body = read_json(event.body)
    if features is not None and isinstance(event.body, dict) and "inputs" in event.body:
        event.body["inputs"] = features.get(event.body["inputs"], as_list=True)
    return event


class _Enriching(RouterNode):
    """Looks up the entities of all events at once."""

    def _made(self, server: GraphContext, namespace: Namespace, **more: Any) -> Any:
        made = super()._made(server, namespace, **more)
        made._feature_service = self._called(
            "the feature source", features_of, made.feature_vector_uri, namespace,
            made.entity_keys, made.label_column, made.impute_policy,
        )  # fmt: skip
        return made

    def _read(self, batch: Batch, here: Here) -> Batch:
        batch = super()._read(batch, here)
        if "preprocess" in self._own:
            return batch  # Theirs looks up, event by event.
        return self._enriched(batch, here)

    def _enriched(self, batch: Batch, here: Here) -> Batch:
        features: Features = self.object._feature_service
        failures: dict[int, Failure] = {}
        bodies = list(batch.events())
        wanted: dict[int, list[Any]] = {}
        for row, body in enumerate(bodies):
            if isinstance(body, dict) and "inputs" in body:
                try:
                    wanted[row] = [features.entity(each) for each in rows_of(body["inputs"])]
                except Exception as error:
                    failures[row] = here.failure(error)
        try:
            found = features.vectors(list(chain.from_iterable(wanted.values())))
        except Exception:  # One of them is to blame: the others are not to fail with it.
            for row, entities in wanted.items():
                try:
                    bodies[row] = {**bodies[row], "inputs": features.vectors(entities)}
                except Exception as error:
                    failures[row] = here.failure(error)
        else:
            start = 0
            for row, entities in wanted.items():
                end = start + len(entities)
                bodies[row] = {**bodies[row], "inputs": found[start:end]}
                start = end
        if not failures:
            return batch.answer(bodies)
        kept = np.setdiff1d(np.arange(len(bodies)), list(failures))
        return batch.fail(failures, [bodies[row] for row in kept.tolist()])


class EnrichedModelRouterNode(_Enriching, ModelRouterNode):
    """Sends each event, with the features of its entities, to the model that it names."""


class EnrichedVotingNode(_Enriching, VotingNode):
    """Sends each event, with the features of its entities, to all models, which vote."""
