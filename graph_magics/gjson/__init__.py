"""GJSON, the path language of KServe's conditions, as tidwall/gjson 1.18 has it.

``get`` finds what a path names, ``matches`` is a Switch's decision, ``compile`` readies a path
for many documents. A document is JSON text, or what such a text is parsed to.

Nothing recurses or repeats without bound. A path has up to 8,192 bytes and is nested up to 100
deep; a look-up reads up to 16 MiB and 32 times the document; a wildcard of more than 64 bytes
meets texts up to a length that times its own is 2**26. Beyond that there is a ``GraphError``.
How deep a document is nested does not matter, unless it is parsed and has to be written as text.
"""

from .lookups import Compiled, Result, compile, get, matches

__all__ = ["Compiled", "Result", "compile", "get", "matches"]
