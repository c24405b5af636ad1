"""The names that users of MLRun import: their classes run here with this one import changed.

Examples
--------
>>> from graph_magics import Graph, mlrun
>>> class Doubler(mlrun.V2ModelServer):
...     def load(self):
...         self.factor = self.get_param("factor", 2)
...     def predict(self, request):
...         return [self.factor * x for x in request["inputs"]]
>>> graph = Graph("doubling", topology="router")
>>> route = graph.add_route("m1", class_name="Doubler")
>>> graph.test("/v2/models/m1/infer", {"inputs": [3, 4]}, event_id="e1")["outputs"]
[6, 8]
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from . import errors

_WHERE = {
    "models.servers": ["V2ModelServer"],
    "models.sklearn_server": ["SKLearnModelServer"],
    "routing.classes": ["BaseModelRouter", "ModelRouter", "ParallelRun"],
    "routing.ensemble": ["VotingEnsemble"],
    "routing.enrichment": ["EnrichmentModelRouter", "EnrichmentVotingEnsemble"],
    "routing.modes": ["OperationTypes", "ParallelRunnerModes", "VotingTypes"],
    "declaring": ["ErrorStep", "QueueStep", "RouterStep", "TaskStep"],
    "events": ["Event", "GraphContext", "Response"],
    "storey.mapping": [
        "Complete",
        "ConcurrentExecution",
        "Extend",
        "Filter",
        "FlatMap",
        "Flatten",
        "ForEach",
        "Map",
        "MapWithState",
    ],
    "storey.classes": ["DropColumns", "Flow", "MapClass", "ReifyMetadata", "Rename"],
    "storey.choosing": ["Choice", "ChoiceByField"],
    "storey.gathering": ["Batch", "EmitPeriod", "Partition", "Reduce", "SampleWindow"],
    "storey.merging": ["Merge"],
    "remote.steps": ["BatchHttpRequests", "RemoteStep"],
}
_MODULES = {name: module for module, names in _WHERE.items() for name in names}

__all__ = ["errors", *sorted(_MODULES)]


def __getattr__(name: str) -> Any:
    if name == "dtypes":  # storey.dtypes, for who has imported this as storey.
        return import_module(f"{__name__}.storey.dtypes")
    if name not in _MODULES:
        raise AttributeError(f"graph_magics.mlrun has no {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
