"""What a call of a service can fail with."""

from __future__ import annotations

from ..errors import Unanswered


class TransportError(Unanswered):
    """A service gave no answer: it could not be reached, was too late, or broke off.

    The message is what KServe's router says as the ``cause``.

    Examples
    --------
    >>> error = TransportError('Post "http://svc/": EOF')
    >>> print(error.status, error)
    500 Post "http://svc/": EOF
    """

    status = 500
