"""The exceptions that MLRun's users raise and catch; their statuses are those of MLRun 1.12."""

from __future__ import annotations

from typing import Any, ClassVar


class MLRunBaseError(Exception):
    """What all of these are."""


class MLRunHTTPError(MLRunBaseError):
    """An error that came over HTTP."""


class MLRunHTTPStatusError(MLRunHTTPError):
    """An error that the served graph answers with a status of its own.

    Examples
    --------
    >>> from graph_magics import mlrun
    >>> mlrun.errors.MLRunNotFoundError("no such row").error_status_code
    404
    """

    error_status_code: ClassVar[int] = 500


class MLRunBadRequestError(MLRunHTTPStatusError):
    """The request cannot be."""

    error_status_code = 400


class MLRunUnauthorizedError(MLRunHTTPStatusError):
    """It is not known who asks."""

    error_status_code = 401


class MLRunAccessDeniedError(MLRunHTTPStatusError):
    """Who asks may not."""

    error_status_code = 403


class MLRunNotFoundError(MLRunHTTPStatusError):
    """It is not there."""

    error_status_code = 404


class MLRunMethodNotAllowedError(MLRunHTTPStatusError):
    """Not with this method."""

    error_status_code = 405


class MLRunConflictError(MLRunHTTPStatusError):
    """It is there already, or was changed meanwhile."""

    error_status_code = 409


class MLRunPreconditionFailedError(MLRunHTTPStatusError):
    """Something that must be so is not."""

    error_status_code = 412


class MLRunUnprocessableEntityError(MLRunHTTPStatusError):
    """The request is understood and makes no sense."""

    error_status_code = 422


class MLRunInvalidArgumentError(MLRunHTTPStatusError, ValueError):
    """An argument cannot be."""

    error_status_code = 400


class MLRunInvalidArgumentTypeError(MLRunHTTPStatusError, TypeError):
    """An argument is of a type that it cannot be."""

    error_status_code = 400


class MLRunInternalServerError(MLRunHTTPStatusError):
    """The server broke."""

    error_status_code = 500


class MLRunMissingDependencyError(MLRunInternalServerError):
    """A package is not installed."""


class MLRunRuntimeError(MLRunHTTPStatusError, RuntimeError):
    """Something went wrong while running."""

    error_status_code = 500


class MLRunNotImplementedServerError(MLRunHTTPStatusError):
    """The server cannot do it."""

    error_status_code = 501


class MLRunServiceUnavailableError(MLRunHTTPStatusError):
    """The server is not there now."""

    error_status_code = 503


class MLRunTimeoutError(MLRunHTTPStatusError, TimeoutError):
    """It took too long."""

    error_status_code = 504


class MLRunValueError(ValueError):
    """A value cannot be."""


def err_to_str(error: BaseException | str | None) -> str:
    """An exception and what caused it, in a line.

    >>> err_to_str(ValueError("outer")), err_to_str(KeyError())
    ('outer', 'KeyError()')
    """
    if error is None or isinstance(error, str):
        return error or ""
    told = [str(error) or repr(error)]
    cause: Any = error.__cause__
    while cause is not None and len(told) < 10:
        told.append(str(cause) or repr(cause))
        cause = cause.__cause__
    return ", caused by: ".join(told)
