"""Errors of the OAuth endpoints.

InvalidInput
├── OAuthError            `code` is RFC 6749's; answered by the token endpoint as it stands
│   └── InvalidClient     … also Unauthenticated
├── UntrustedRequest      shown as a page: its redirect_uri must not be followed
├── RejectedRequest       sent back to the app in `location`
├── WrongCredentials      unknown user or wrong password; nobody learns which
└── StaleForm             the form is forged or too old
Conflict
└── UsernameTaken
"""

from __future__ import annotations

from shared.platform.errors import Conflict, InvalidInput, Unauthenticated


class OAuthError(InvalidInput):
    """An error of the token endpoint: `code` for programs, `message` for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class InvalidClient(Unauthenticated, OAuthError):
    """The app is unknown or did not authenticate. `basic` tells that it tried HTTP Basic."""

    def __init__(self, message: str, *, basic: bool = False) -> None:
        OAuthError.__init__(self, "invalid_client", message)
        self.basic = basic


def invalid_request(message: str) -> OAuthError:
    """The request lacks a parameter, repeats one or is malformed."""
    return OAuthError("invalid_request", message)


def invalid_grant(message: str) -> OAuthError:
    """The code or refresh token is invalid, expired, revoked or another client's."""
    return OAuthError("invalid_grant", message)


class UntrustedRequest(InvalidInput):
    """An authorization request whose app or redirect_uri is not known."""


class RejectedRequest(InvalidInput):
    """An authorization request that goes back to the app with an error, in `location`."""

    def __init__(self, message: str, location: str) -> None:
        super().__init__(message)
        self.location = location


class WrongCredentials(InvalidInput):
    """The username or the password is wrong."""


class StaleForm(InvalidInput):
    """The form was not ours, or is too old."""


class UsernameTaken(Conflict):
    """Somebody else has this username."""
