"""The steps: one kind a file."""

from .function import Step
from .model import Model

__all__ = ["Model", "Step"]
