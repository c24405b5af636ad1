"""Where a streamed run is written to: Parquet, JSON Lines, CSV."""

from .staging import Staging
from .tables import to_frame, to_table

__all__ = ["Staging", "to_frame", "to_table"]
