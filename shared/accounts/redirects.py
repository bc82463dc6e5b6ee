"""Redirect URIs: which may be registered, which match, and how parameters get onto them."""

from __future__ import annotations

from urllib.parse import SplitResult, urlencode, urlsplit

LOOPBACK = frozenset({"127.0.0.1", "::1"})
_NEVER = frozenset({"javascript", "data", "vbscript", "file", "blob", "about", "ftp", "ws", "wss"})


def fault_of(uri: str) -> str | None:
    """Why `uri` must not be registered, or None. `https`, `http` on the loopback, and an app's
    own scheme are fine (RFC 8252); a fragment is not (RFC 6749, 3.1.2)."""
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return "not a URI"
    if any(character <= " " or character == "\x7f" or character == "\\" for character in uri):
        return "it holds white space or a control character"
    if not parts.scheme or parts.scheme in _NEVER:
        return "its scheme is not allowed"
    if parts.fragment or "#" in uri:
        return "it has a fragment"
    if parts.username is not None or parts.password is not None:
        return "it holds credentials"
    if parts.scheme in ("http", "https") and not parts.hostname:
        return "it has no host"
    if parts.scheme == "http" and parts.hostname not in LOOPBACK | {"localhost"}:
        return "plain http is for 127.0.0.1 and [::1] only"
    return None


def matches(registered: str, presented: str) -> bool:
    """Whether `presented` is `registered`: the same string, save for the port of a loopback
    address, which a native app picks at run time (RFC 8252, 7.3)."""
    if registered == presented:
        return True
    if fault_of(presented) is not None:
        return False
    ours, theirs = urlsplit(registered), urlsplit(presented)
    return (
        ours.scheme == "http"
        and ours.hostname in LOOPBACK
        and _without_port(ours) == _without_port(theirs)
    )


def _without_port(parts: SplitResult) -> tuple[str, str | None, str, str]:
    return parts.scheme, parts.hostname, parts.path, parts.query


def with_parameters(uri: str, **parameters: str | None) -> str:
    """`uri` with `parameters` added to its query; None is left out."""
    added = urlencode({name: value for name, value in parameters.items() if value is not None})
    return f"{uri}{'&' if '?' in uri else '?'}{added}"


def form_target(uri: str) -> str:
    """`uri` as a source of the policy `form-action`, which browsers also hold the redirect after
    a form to. An IPv6 address has no form of its own there, so its scheme stands for it."""
    parts = urlsplit(uri)
    if parts.scheme in ("http", "https") and ":" not in (parts.hostname or ":"):
        return f"{parts.scheme}://{parts.netloc}"
    return f"{parts.scheme}:"
