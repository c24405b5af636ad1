"""KServe's routers: Sequence, Splitter, Switch and Ensemble."""

from .base import KServeRouter, RouterError
from .ensemble import Ensemble
from .sequence import Sequence
from .splitter import Splitter
from .switch import Switch

__all__ = ["Ensemble", "KServeRouter", "RouterError", "Sequence", "Splitter", "Switch"]
