"""The command line of the local cloud: `python -m emulators up|token`, behind nox."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from emulators import prerequisites, processes

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_STATE = ROOT / ".segue"

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Segue's local cloud.",
)
State = Annotated[
    Path, typer.Option("--state", help="Folder for masters, transcoded renditions, keys and logs.")
]


@app.command()
def up(
    music: Annotated[
        list[Path] | None,
        typer.Option(
            "--music",
            help="Also ingest every FLAC, WAV, MP3, M4A and Ogg file below this folder.",
            exists=True,
        ),
    ] = None,
    catalogue: Annotated[
        list[Path] | None,
        typer.Option(
            "--catalogue",
            help="Also load this catalogue: JSON Lines with fixed ids, told in the README.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    rate_limit_scale: Annotated[
        float,
        typer.Option(
            "--rate-limit-scale",
            min=0,
            help="Times the documented limits of requests; 0 is no limit.",
        ),
    ] = 1.0,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 8080,
    state: State = DEFAULT_STATE,
    exit_when_ready: Annotated[
        bool, typer.Option("--exit-when-ready", help="Stop again once all is up; for scripts.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One line of JSON on stdout when ready.")
    ] = False,
    demo: Annotated[
        bool, typer.Option("--demo/--no-demo", help="Fill it with the demo catalogue.")
    ] = True,
    listeners: Annotated[
        int,
        typer.Option(
            "--listeners",
            min=0,
            max=1000,
            help="Simulated people who listen to the demo catalogue, and the demo user with them, "
            "in the background once all is up, so that recommendations have something to go by; "
            "0 for none.",
        ),
    ] = 24,
) -> None:
    """Starts the local cloud, fills it and serves it until Ctrl-C."""
    from emulators import demo_wider, seed
    from emulators.cloud import LocalCloud
    from emulators.environments import EnvironmentFailed
    from emulators.ports import AlreadyRunning
    from emulators.provision import ProvisioningFailed

    prerequisites.ensure("up")
    processes.die_with_parent(signal.SIGTERM)  # nox killed: stop in good order
    stopping = threading.Event()
    console = Console(stderr=True)
    started = time.monotonic()

    def interrupt(*_: object) -> None:
        if stopping.is_set():
            return
        stopping.set()
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    catalogues = catalogue or []
    cloud = LocalCloud(
        state,
        port,
        rate_limit_scale=rate_limit_scale,
        catalogue_bytes=sum(path.stat().st_size for path in catalogues),
    )
    try:
        with console.status("Starting …") as status:
            cloud.start(lambda step: status.update(f"[bold]{step}[/] …"))
        has_listeners = demo and listeners > 0 and not exit_when_ready
        if has_listeners:
            catalogues.append(demo_wider.write(cloud.state))
        summary = seed.fill(cloud, console, demo=demo, music=music or [], catalogues=catalogues)
        ready = seed.ready_message(cloud)
        (cloud.state / "run.json").write_text(json.dumps(ready))
        if as_json:
            print(json.dumps({"ready": ready}), flush=True)
        else:
            _introduce(Console(), cloud, ready, time.monotonic() - started)
        if has_listeners:
            cloud.start_listeners(listeners)
            console.print(
                f"{listeners} simulated listeners are at work in the background; recommendations "
                f"are personal in some minutes ({cloud.state / 'logs' / 'listeners.log'})."
            )
        if exit_when_ready:
            raise typer.Exit(1 if summary.failed else 0)
        while (dead := cloud.supervisor.died()) is None:
            time.sleep(0.5)
        console.print(f"[red]{dead.name} ended by itself:[/]\n{dead.log_tail()}")
        raise typer.Exit(1)
    except KeyboardInterrupt:
        console.print("Stopping …")
    except (
        AlreadyRunning,
        EnvironmentFailed,
        ProvisioningFailed,
        processes.StartError,
        seed.SeedingFailed,
    ) as error:
        console.print(f"[red]{error}[/]", highlight=False)
        raise typer.Exit(1) from None
    finally:
        stopping.set()
        cloud.stop()


def _introduce(console: Console, cloud: Any, ready: dict[str, Any], seconds: float) -> None:
    where = Table(title=f"Segue's local cloud, up in {seconds:.0f} s", title_justify="left")
    where.add_column("what")
    where.add_column("where")
    where.add_row("web player, Web API", ready["url"])
    where.add_row("accounts (OAuth)", ready["accounts_url"])
    for name, address in ready["emulators"].items():
        where.add_row(name, address)
    where.add_row("logs", str(cloud.state / "logs"))
    console.print(where)
    user, client = ready["demo_user"], ready["client"]
    console.print(f"Demo login: user [bold]{user['username']}[/], password {user['password']}")
    console.print(f"Client: id [bold]{client['id']}[/], secret {client['secret']}")
    console.print('Tokens: nox -s token -- --user demo --scope "streaming"')
    console.print("Stop with Ctrl-C.")
    console.print(f"Segue is up: {ready['url']}", highlight=False)


@app.command()
def token(
    user: Annotated[str, typer.Option(help="User name.")] = "demo",
    scope: Annotated[str, typer.Option(help="Scopes, separated by spaces.")] = "streaming",
    password: Annotated[
        str | None, typer.Option(help="Needed for users other than the demo ones.")
    ] = None,
    state: State = DEFAULT_STATE,
    as_json: Annotated[bool, typer.Option("--json", help="The token response as JSON.")] = False,
) -> None:
    """Prints an access and a refresh token for the running local cloud."""
    import httpx

    from emulators import seed
    from emulators import token as tokens

    try:
        ready = json.loads((state / "run.json").read_text())
    except FileNotFoundError:
        print(f"No local cloud runs with the state in {state}: nox -s up", file=sys.stderr)
        raise typer.Exit(1) from None
    known = seed.demo_password(user)
    if password is None and known is None:
        print(f"{user} is not a demo user: give --password", file=sys.stderr)
        raise typer.Exit(2)
    try:
        answer = tokens.mint(
            accounts_url=ready["accounts_url"],
            username=user,
            password=password or known or "",
            client_id=seed.WEB_PLAYER_CLIENT,
            redirect_uri=f"{ready['url']}/callback",
            scope=scope,
        )
    except tokens.SignInError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    except httpx.TransportError as error:  # killed: it could not take its run.json along
        print(f"{ready['url']} does not answer ({error}); start it: nox -s up", file=sys.stderr)
        raise typer.Exit(1) from None
    if as_json:
        print(json.dumps(answer))
    else:
        print(f"access_token:  {answer['access_token']}")
        print(f"refresh_token: {answer['refresh_token']}")
        print(f"expires_in:    {answer['expires_in']} s", file=sys.stderr)


if __name__ == "__main__":
    app()
