"""Requirements are a part of the lock, whole in itself."""

from __future__ import annotations

import pytest

from infra.imports import ArchiveError, Import
from infra.requirements import Lock, Pin, distributions_of, requirements_text

LOCK = """\
# This file was compiled.
anyio==4.1 \\
    --hash=sha256:aa \\
    --hash=sha256:ab
    # via
    #   httpx
    #   starlette
colorama==0.4 ; sys_platform == 'win32' \\
    --hash=sha256:cc
    # via httpx[cli]
httpx==0.28.1 \\
    --hash=sha256:bb
    # via segue (pyproject.toml:core)
idna==3.1 \\
    --hash=sha256:dd
    # via
    #   segue (pyproject.toml:core)
    #   anyio
numpy==1.26 ; python_full_version < '3.12' \\
    --hash=sha256:n1
    # via segue (pyproject.toml:core)
numpy==2.3 ; python_full_version >= '3.12' \\
    --hash=sha256:n2
    # via segue (pyproject.toml:core)
starlette==1.0 \\
    --hash=sha256:ee
    # via segue (pyproject.toml:core)
"""


def _lock(text: str = LOCK) -> Lock:
    return Lock.parse(text, "core.txt")


def _closure(*names: str) -> list[str]:
    return [pin.name for pin in _lock().closure(names)]


def test_a_pin_keeps_version_marker_hashes_and_who_needs_it() -> None:
    pins = _lock().pins
    assert pins[0] == Pin("anyio", "4.1", "", ("sha256:aa", "sha256:ab"), ("httpx", "starlette"))
    assert pins[1] == Pin("colorama", "0.4", "sys_platform == 'win32'", ("sha256:cc",), ("httpx",))
    assert pins[2].needed_by == ()  # this project itself is nobody's requirement


def test_a_closure_holds_what_is_needed_in_turn_and_no_more() -> None:
    assert _closure("idna") == ["idna"]
    assert _closure("starlette") == ["anyio", "idna", "starlette"]
    assert _closure("httpx") == ["anyio", "colorama", "httpx", "idna"]
    assert _closure() == []


def test_a_version_for_each_kind_of_machine_comes_along() -> None:
    assert _closure("numpy") == ["numpy", "numpy"]


def test_the_text_is_what_was_locked_without_comments() -> None:
    assert requirements_text(_lock().closure(["httpx"])) == (
        "anyio==4.1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:ab\n"
        "colorama==0.4 ; sys_platform == 'win32' \\\n    --hash=sha256:cc\n"
        "httpx==0.28.1 \\\n    --hash=sha256:bb\n"
        "idna==3.1 \\\n    --hash=sha256:dd\n"
    )


def test_a_distribution_that_is_not_locked_is_named_with_the_remedy() -> None:
    with pytest.raises(ArchiveError, match=r"core\.txt pins no pillow; add it .* `nox -s lock`"):
        _closure("pillow")


@pytest.mark.parametrize(
    "broken",
    [
        "httpx>=0.28 \\\n    --hash=sha256:aa\n",
        "httpx==0.28.1\n    # via x\n",
        "--index-url https://registry.example/simple\n" + LOCK,
        "httpx @ https://example.com/httpx.whl\n",
        "httpx==0.28.1 \\\n    --hash=sha256:aa\n    --no-binary x\n",
    ],
)
def test_a_lock_that_pins_no_hash_or_names_a_registry_is_refused(broken: str) -> None:
    with pytest.raises(ArchiveError, match=r"core\.txt:1: .* run `nox -s lock` again"):
        _lock(broken)


def test_google_auth_brings_what_asks_the_metadata_server() -> None:
    lock = "".join(
        f"{name}==1.0 \\\n    --hash=sha256:aa\n" for name in ("google-auth", "requests", "rich")
    )
    assert [pin.name for pin in _lock(lock).closure(["google-auth"])] == ["google-auth", "requests"]


@pytest.mark.parametrize(
    ("imported", "distributions"),
    [
        (Import("json"), set()),
        (Import("__future__", ("annotations",)), set()),
        (Import("xml.etree.ElementTree"), set()),
        (Import("PIL", ("Image",)), {"pillow"}),
        (Import("google.cloud.firestore_v1.base_query"), {"google-cloud-firestore"}),
        (Import("google.cloud", ("firestore", "storage")),
         {"google-cloud-firestore", "google-cloud-storage"}),
        (Import("google.cloud.bigtable_v2", ("BigtableAsyncClient",)), {"google-cloud-bigtable"}),
        (Import("pydantic_core", ("from_json",)), {"pydantic-core"}),
    ],
)  # fmt: skip
def test_an_import_is_of_its_distribution(imported: Import, distributions: set[str]) -> None:
    assert distributions_of([imported]) == distributions


@pytest.mark.parametrize("module", ["pandas.io", "google.cloud", "google", "cloudevents.http"])
def test_an_import_that_nothing_explains_is_named_with_its_place(module: str) -> None:
    with pytest.raises(ArchiveError, match=rf"shared/x\.py:7: .*`{module}`.*DISTRIBUTIONS"):
        distributions_of([Import(module, (), "shared/x.py:7")])
