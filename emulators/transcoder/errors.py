"""What can go wrong, as the Transcoder API says it.

InvalidConfig    the request is refused: INVALID_ARGUMENT, nothing was created
Unsupported      the real service can, this emulator cannot: UNIMPLEMENTED
JobFailed        the job was accepted and failed: ends in `Job.error`
"""

from __future__ import annotations

from enum import IntEnum

ERROR_DOMAIN = "transcoder.googleapis.com"


class Code(IntEnum):
    """The canonical codes of google.rpc.Code that a job can end with."""

    INVALID_ARGUMENT = 3
    NOT_FOUND = 5
    PERMISSION_DENIED = 7
    FAILED_PRECONDITION = 9
    INTERNAL = 13
    UNAVAILABLE = 14


class InvalidConfig(ValueError):
    """The job's configuration breaks the API's rules; the message names each field at fault."""


class Unsupported(NotImplementedError):
    """A valid configuration that needs what this emulator does not do."""


class JobFailed(RuntimeError):
    """A job ended with an error. `reason` is the machine-readable part, as in ErrorInfo."""

    def __init__(self, code: Code, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
