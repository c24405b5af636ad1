"""The steps: one kind a file."""

from .function import Step
from .model import Model
from .remote import Remote

__all__ = ["Model", "Remote", "Step"]
