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
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from rich.tree import Tree as Drawing

from infra import access, cost, names, policies, stacks
from infra.checks import TopologyError
from infra.config import ConfigError, StackConfig
from infra.program import declare
from infra.runtime import Resource, Tree, run_on_mocks
from shared import topology

app = typer.Typer(add_completion=False)

# Inputs of IAM resources that say what a role is granted on, the narrowest first, and their names
# for people.
_TARGETS = {
    "bucket": "bucket",
    "topic": "topic",
    "subscription": "subscription",
    "table": "table",
    "tableId": "table",
    "secretId": "secret",
    "cryptoKeyId": "key",
    "repository": "repository",
    "serviceAccountId": "account",
    "name": "service",
    "instance": "instance",
    "project": "project",
}


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
    console = Console(width=None if sys.stdout.isatty() else 160)
    try:
        chosen = [stacks.example(name) for name in stack or stacks.names()]
    except ConfigError as error:
        Console(stderr=True).print(str(error), markup=False)
        raise typer.Exit(2) from None
    if engine:
        raise typer.Exit(_engine(chosen))
    broken = False
    for config in chosen:
        try:
            with console.status(f"{config.stack}: archives and resources"):
                tree = run_on_mocks(partial(declare, config), stack=config.stack)
        except TopologyError as error:
            Console(stderr=True).print(str(error), markup=False)
            raise typer.Exit(2) from None
        broken |= _show(console, config, tree, depth)
    raise typer.Exit(1 if broken else 0)


def _show(console: Console, config: StackConfig, tree: Tree, depth: int) -> bool:
    """Prints one stack; whether it violates a policy."""
    console.rule(f"[bold]{config.stack}[/]: {config.project}, {', '.join(config.regions)}")
    console.print(_drawing(tree, depth))
    console.print(_counts(tree))
    console.print(_accounts(config, tree))
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


def _accounts(config: StackConfig, tree: Tree) -> Table:
    """Functions and jobs by their declarations; other accounts as they stand in the tree, with
    what they are for."""
    whole = [Column(name, no_wrap=True) for name in ("service account", "role", "on")]
    table = Table(*whole, "why", title="Who may do what")
    for entry in topology.ENTRIES.values():
        rows = [(role, on, why) for role, on, why in access.explain(entry)]
        _add(table, names.account_id(entry), rows or [("none", "", "declares nothing")])
    granted = _granted(tree)
    derived = {names.account_id(entry) for entry in topology.ENTRIES.values()}
    for account in tree.of_type("gcp:serviceaccount/account:Account"):
        name = account.inputs["accountId"]
        if name not in derived:
            purpose = account.inputs.get("displayName") or account.inputs.get("description", "")
            rows = [(role, on, purpose) for role, on in granted.get(name, [])]
            _add(table, name, rows or [("none", "", purpose)])
    table.caption = f"addresses end in @{config.project}.iam.gserviceaccount.com"
    return table


def _add(table: Table, account: str, rows: list[tuple[str, str, str]]) -> None:
    for number, (role, on, why) in enumerate(rows):
        texts = (account if number == 0 else "", role.removeprefix("roles/"), on, why)
        table.add_row(*map(escape, texts))
    table.add_section()


def _granted(tree: Tree) -> dict[str, list[tuple[str, str]]]:
    """Roles by account id, each with what it is granted on."""
    found: dict[str, dict[tuple[str, str], None]] = {}
    for resource in tree.resources:
        kind, _, address = str(resource.inputs.get("member", "")).partition(":")
        if kind == "serviceAccount" and "iam" in resource.type.lower():
            on = next(field for field in _TARGETS if field in resource.inputs)
            target = f"{_TARGETS[on]} {str(resource.inputs[on]).rpartition('/')[2]}"
            # Once for all regions.
            found.setdefault(address.partition("@")[0], {})[resource.inputs["role"], target] = None
    return {account: list(roles) for account, roles in found.items()}


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
