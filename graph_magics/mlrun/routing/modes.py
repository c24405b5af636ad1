"""The words that MLRun's routers take as options (MLRun 1.12)."""

from __future__ import annotations

from enum import StrEnum


class ParallelRunnerModes(StrEnum):
    """How MLRun runs the routes of a ParallelRun or an ensemble; here the answer is the same."""

    array = "array"
    process = "process"
    thread = "thread"


class VotingTypes(StrEnum):
    """What an ensemble votes on."""

    classification = "classification"
    regression = "regression"


class OperationTypes(StrEnum):
    """What an ensemble is asked for by a path that names no model."""

    infer = "infer"
    predict = "predict"
    explain = "explain"
