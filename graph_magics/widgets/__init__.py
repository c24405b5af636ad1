"""What is turned by hand in a notebook: the panel of a router's weights."""

from .panel import WeightsPanel

__all__ = ["WeightsPanel"]
