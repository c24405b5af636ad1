"""How KServe's router calls a service over HTTP: Go's client, and the headers handed on.

``post`` calls, ``propagated`` picks the headers of a request that go along, ``cause_body`` is
the answer where a call fails, ``content_type_of`` what the router says of an answer.
"""

from .. import gojson
from ..gosniff import content_type_of
from .client import post
from .errors import TransportError
from .headers import canonical, propagated

__all__ = [
    "TransportError",
    "canonical",
    "cause_body",
    "content_type_of",
    "post",
    "propagated",
]


def cause_body(cause: str) -> bytes:
    r"""The body with which the router answers a request that it cannot process.

    Examples
    --------
    >>> cause_body('Post "http://svc/": EOF').decode()
    '{"error":"Failed to process request","cause":"Post \\"http://svc/\\": EOF"}'
    """
    return b'{"error":"Failed to process request","cause":' + gojson.encode(cause) + b"}"
