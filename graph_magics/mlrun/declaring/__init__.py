"""Declarations, call for call as MLRun has them: steps, routers, queues and their flow."""

from .flows import RootFlowStep
from .routers import RootRouterStep, RouterStep
from .steps import BaseStep, ErrorStep, QueueStep, TaskStep

__all__ = [
    "BaseStep",
    "ErrorStep",
    "QueueStep",
    "RootFlowStep",
    "RootRouterStep",
    "RouterStep",
    "TaskStep",
]
