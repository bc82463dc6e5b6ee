"""The one tree of errors that features raise.

    DomainError
    ├── InvalidInput          the request itself is wrong
    │   └── TooLarge          … because it is too big
    ├── Unauthenticated       no token, or one that does not verify
    ├── Forbidden             known caller, not allowed
    │   ├── PremiumRequired   … on this tier
    │   ├── NotInMarket       … in this country
    │   └── InsufficientScope … with this token
    ├── NotFound              no such thing, or not visible to this caller
    ├── Gone                  it existed; its time is over
    ├── Conflict              the state does not allow it
    ├── RateLimited           too many requests; carries `retry_after_s`
    └── Unavailable           a dependency does not answer; worth another try

`PermanentFailure` is for event handlers: the message can never succeed and goes to the
dead-letter topic with its reason. Statuses are given to errors in `shared.platform.http` alone.
"""

from __future__ import annotations


class DomainError(Exception):
    """Base of every error that reaches a caller. `message` is for people and holds the remedy;
    `reason` is for programs (upper case, as in the Web API's player errors)."""

    reason: str | None = None

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if reason is not None:
            self.reason = reason


class InvalidInput(DomainError):
    """The request is malformed or a value is out of range."""


class TooLarge(InvalidInput):
    """The request or what it announces is larger than allowed."""


class Unauthenticated(DomainError):
    """No access token, or one that is expired, foreign or altered. `challenge` is the answer's
    WWW-Authenticate."""

    challenge = 'Bearer realm="segue"'

    def __init__(
        self, message: str, *, reason: str | None = None, challenge: str | None = None
    ) -> None:
        super().__init__(message, reason=reason)
        if challenge is not None:
            self.challenge = challenge


class Forbidden(DomainError):
    """The caller is known and may not do this."""


class PremiumRequired(Forbidden):
    """The caller's tier does not include this."""

    reason = "PREMIUM_REQUIRED"


class NotInMarket(Forbidden):
    """Not released in the caller's market."""

    reason = "NOT_AVAILABLE_IN_MARKET"


class InsufficientScope(Forbidden):
    """The access token lacks a scope that the operation needs."""


class NotFound(DomainError):
    """There is no such resource."""


class Gone(DomainError):
    """The resource has expired."""


class Conflict(DomainError):
    """The current state does not allow the operation."""


class RateLimited(DomainError):
    """Too many requests; the next one succeeds after `retry_after_s` seconds (1 or more)."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unavailable(DomainError):
    """Something this depends on does not answer."""


class PermanentFailure(Exception):
    """An event that no retry can help; its text becomes the dead letter's reason."""
