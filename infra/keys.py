"""Makes the keys that a stack needs, each in the form its reader wants.

nox -s keys -- --stack dev        fills in those that Pulumi.dev.yaml lacks, encrypted by Pulumi
"""

from __future__ import annotations

import base64
import json
import secrets
import shutil
import subprocess
from typing import Annotated

import typer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from infra import stacks
from infra.config import TOKEN_SIGNING_KEY, CdnConfig, ConfigError, required_keys


def make(name: str, cdns: tuple[CdnConfig, ...]) -> str:
    """A new payload for the secret `name`."""
    if name == TOKEN_SIGNING_KEY:
        return _token_key()
    provider = next((cdn.provider for cdn in cdns if cdn.secret == name), None)
    if provider == "cloud_cdn":
        return base64.urlsafe_b64encode(secrets.token_bytes(16)).decode()
    if provider == "media_cdn":
        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    if provider == "cloudfront":
        return _rsa_key()
    return secrets.token_hex(32)


def _token_key() -> str:
    """An ES256 key as a private JWK (RFC 7517)."""
    private = ec.generate_private_key(ec.SECP256R1())
    numbers = private.private_numbers()
    public = numbers.public_numbers
    return json.dumps(
        {
            "kty": "EC",
            "crv": "P-256",
            "x": _number(public.x),
            "y": _number(public.y),
            "d": _number(numbers.private_value),
            "use": "sig",
            "alg": "ES256",
            "kid": secrets.token_urlsafe(12),
        }
    )


def _number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes(32, "big")).rstrip(b"=").decode()


def _rsa_key() -> str:
    """The private half of a CloudFront key pair: RSA of 2048 bits, PEM."""
    private = rsa.generate_private_key(65537, 2048)
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


app = typer.Typer(add_completion=False)


@app.command()
def main(
    stack: Annotated[str, typer.Option(help="The stack whose keys to make.")],
    rotate: Annotated[
        str | None, typer.Option(help="Add another version of this key to those it has.")
    ] = None,
) -> None:
    """Makes the keys that a stack lacks, and has Pulumi encrypt them into its file."""
    program = shutil.which("pulumi")
    if program is None:
        raise _refused("There is no `pulumi` on the PATH: https://www.pulumi.com/docs/install/")
    try:
        _, given = stacks.values(stack)
    except ConfigError as error:
        raise _refused(str(error)) from None
    cdns = tuple(CdnConfig.model_validate(cdn) for cdn in given.get("cdns", ()))
    needed = required_keys(cdns)
    if rotate is not None and rotate not in needed:
        raise _refused(f"{rotate!r} is no key of this stack; these are: {', '.join(needed)}")
    held = _held(program, stack)
    for name in needed:
        versions = len(held.get(name, ()))
        if versions and name != rotate:
            continue
        subprocess.run(
            [program, "config", "set", "--stack", stack, "--secret", "--path"]
            + [f"segue:keys.{name}[{versions}]"],
            cwd=stacks.ROOT,
            input=make(name, cdns),
            text=True,
            check=True,
        )
        print(f"{name}: made version {versions + 1}")
    print("Keys that a provider makes (CloudFront's, say) are set in their place by hand.")


def _held(program: str, stack: str) -> dict[str, list[str]]:
    """The keys that the stack has, decrypted by Pulumi."""
    done = subprocess.run(
        [program, "config", "get", "--stack", stack, "--json", "segue:keys"],
        cwd=stacks.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:  # there is none yet
        return {}
    keys: dict[str, list[str]] = json.loads(json.loads(done.stdout)["value"])
    return keys


def _refused(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(2)


if __name__ == "__main__":
    app()
