"""`nox -s preview`: what `pulumi up` would make, without a cloud account and without Pulumi.

The program runs on Pulumi's mocks with the committed configuration of each stack and throwaway
keys. With `--engine`, Pulumi itself previews it on a backend of its own in a temporary folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.tree import Tree as Drawing

from infra import access, cost, names, policies, stacks
from infra.config import ConfigError, StackConfig
from infra.program import declare
from infra.runtime import Resource, Tree, run_on_mocks
from shared import topology

app = typer.Typer(add_completion=False)


@app.command()
def main(
    stack: Annotated[
        list[str] | None, typer.Option(help="A stack; repeatable. Default: every one.")
    ] = None,
    depth: Annotated[int, typer.Option(min=1, max=9, help="How deep the tree is drawn.")] = 2,
    engine: Annotated[
        bool, typer.Option(help="Let the `pulumi` command preview it, on a local backend.")
    ] = False,
) -> None:
    """Prints the resources of a stack, who may do what and why, and what it costs at least."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    try:
        chosen = [stacks.example(name) for name in stack or stacks.names()]
    except ConfigError as error:
        Console(stderr=True).print(str(error), markup=False)
        raise typer.Exit(2) from None
    if engine:
        raise typer.Exit(_engine(chosen))
    broken = False
    for config in chosen:
        with console.status(f"{config.stack}: archives and resources"):
            tree = run_on_mocks(lambda c=config: declare(c), stack=config.stack)  # type: ignore[misc]
        broken |= _show(console, config, tree, depth)
    raise typer.Exit(1 if broken else 0)


def _show(console: Console, config: StackConfig, tree: Tree, depth: int) -> bool:
    """Prints one stack; whether it violates a policy."""
    console.rule(f"[bold]{config.stack}[/]: {config.project}, {', '.join(config.regions)}")
    console.print(_drawing(tree, depth))
    console.print(_counts(tree))
    console.print(_accounts(config))
    console.print(_bill(tree))
    faults = policies.violations(
        tree.resources, policies.Stack(protect=config.protect, regions=config.regions)
    )
    for fault in faults:
        console.print(f"[red]violates[/] {fault}")
    custom = sum(resource.custom for resource in tree.resources)
    console.print(
        f"{custom} resources in {len(tree.resources) - custom} components; "
        f"{len(policies.POLICIES)} policies, {len(faults) or 'no'} violations\n"
    )
    return bool(faults)


def _drawing(tree: Tree, depth: int) -> Drawing:
    drawing = Drawing("stack")

    def add(branch: Drawing, resources: list[Resource], level: int) -> None:
        for resource in resources:
            below = tree.children(resource.urn)
            kind = resource.type.rpartition(":")[2]
            label = f"{resource.name} [dim]{kind}[/]"
            if below and level == depth:
                label += f" [dim]({len(below)} below)[/]"
            twig = branch.add(label)
            if below and level < depth:
                add(twig, below, level + 1)

    add(drawing, tree.children(""), 1)
    return drawing


def _counts(tree: Tree) -> Table:
    table = Table("type", "count", title="Resources by type", title_justify="left")
    counted = Counter(resource.type for resource in tree.resources if resource.custom)
    for type_, count in sorted(counted.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(type_, str(count))
    return table


def _accounts(config: StackConfig) -> Table:
    table = Table("service account", "role", "on", "why", title="Who may do what")
    for entry in topology.ENTRIES.values():
        account = names.account_id(entry)
        for role, on, why in access.explain(entry):
            table.add_row(account, role.removeprefix("roles/"), on, why)
            account = ""
        if account:
            table.add_row(account, "[dim]none[/]", "", "declares nothing")
        table.add_section()
    table.caption = f"addresses end in @{config.project}.iam.gserviceaccount.com"
    return table


def _bill(tree: Tree) -> Table:
    table = Table("what", "USD a month", "why", title="Cost while nobody listens", show_footer=True)
    lines = cost.floor(tree.resources)
    for line in lines:
        table.add_row(line.what, f"{line.usd:,.2f}", line.why)
    table.columns[1].justify = "right"
    table.columns[0].footer = "at least"
    table.columns[1].footer = f"{cost.total(lines):,.2f}"
    return table


def _engine(configs: list[StackConfig]) -> int:
    """Runs `pulumi preview` per stack on a backend in a temporary folder; its exit code.

    Google's provider asks for credentials, as `gcloud auth application-default login` makes them.
    """
    program = shutil.which("pulumi")
    if program is None:
        print(
            "There is no `pulumi` on the PATH: https://www.pulumi.com/docs/install/ tells how to "
            "install it. Without --engine the preview needs none.",
            file=sys.stderr,
        )
        return 2
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "PULUMI_BACKEND_URL": f"file://{folder}",
            "PULUMI_CONFIG_PASSPHRASE": "preview",
        }
        for config in configs:
            project = _copied_project(Path(folder) / config.stack, config)
            for arguments in (
                ["stack", "init", config.stack, "--secrets-provider", "passphrase"],
                *_key_settings(config),
                ["preview", "--stack", config.stack, "--diff"],
            ):
                value = arguments.pop() if arguments[0] == "config" else None
                done = subprocess.run(
                    [program, *arguments, "--cwd", str(project), "--non-interactive"],
                    env=environment,
                    input=value,
                    text=True,
                    check=False,
                )
                if done.returncode:
                    return done.returncode
    return 0


def _copied_project(folder: Path, config: StackConfig) -> Path:
    """The project with a stack's file of its own, so that the committed one is left as it is."""
    folder.mkdir()
    for name in ("infra", "shared", "functions", "jobs", ".nox", "pyproject.toml"):
        (folder / name).symlink_to(stacks.ROOT / name)
    for name in ("Pulumi.yaml", f"Pulumi.{config.stack}.yaml"):
        shutil.copy(stacks.ROOT / name, folder)
    return folder


def _key_settings(config: StackConfig) -> list[list[str]]:
    """Arguments of `pulumi config set` for each key; its value, last, goes in by stdin."""
    return [
        ["config", "set", "--secret", "--path", f"segue:keys.{name}[0]", payloads[0]]
        for name, payloads in config.keys.items()
    ]


if __name__ == "__main__":
    app()
