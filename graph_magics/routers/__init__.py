"""The routers: KServe's and MLRun's."""

from .base import Route, Router, weights_in
from .kserve import Ensemble, Sequence, Splitter, Switch
from .mlrun import ParallelRun, VotingEnsemble

__all__ = [
    "Ensemble",
    "ParallelRun",
    "Route",
    "Router",
    "Sequence",
    "Splitter",
    "Switch",
    "VotingEnsemble",
    "weights_in",
]
