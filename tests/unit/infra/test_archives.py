"""Archives hold what their functions need, and change when that does and no more often."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import grimp
import pytest

from infra import archives
from infra.archives import ROOT, Archive, ArchiveError, function_archive, jobs_context
from infra.imports import reach
from infra.requirements import Lock
from shared import topology

JOBS = [job.name for job in topology.JOBS]
FUNCTIONS = [name for name in topology.ENTRIES if name not in JOBS]
PROGRAMS = {name: f"functions/{name}/main.py" for name in FUNCTIONS} | {
    name: f"jobs/{name}/main.py" for name in JOBS
}
# Modules whose names are made at run time: the pages of accounts (shared/accounts/pages).
NAMED_AT_RUN_TIME = "shared.accounts.pages"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What archives are made of, with a web player, which a fresh checkout has not built."""
    folder = tmp_path_factory.mktemp("checkout")
    sources_of_the_player = ROOT / "functions/web_player/player"

    def unused(parent: str, names: list[str]) -> set[str]:
        return {
            name
            for name in names
            if name == "__pycache__" or Path(parent, name) == sources_of_the_player
        }

    for part in ("functions", "jobs", "shared", "infra"):
        shutil.copytree(ROOT / part, folder / part, ignore=unused)
    static = folder / "functions/web_player/static"
    static.mkdir(exist_ok=True)
    (static / "index.html").touch()
    return folder


@pytest.fixture
def copy(checkout: Path, tmp_path: Path) -> Path:
    """A copy of the checkout, to be changed."""
    return shutil.copytree(checkout, tmp_path / "copy")


def _digests(root: Path) -> dict[str, str]:
    made = [*(function_archive(name, root) for name in FUNCTIONS), jobs_context(root)]
    return {archive.name: archive.digest for archive in made}


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


# --- an archive ---------------------------------------------------------------------------------


def test_the_same_content_is_the_same_archive_byte_for_byte(tmp_path: Path) -> None:
    files = {"main.py": b"x = 1\n", "shared/a.py": b""}
    first = Archive("f", files).write(tmp_path / "one")
    second = Archive("f", dict(files)).write(tmp_path / "two")
    assert first.name == second.name
    assert re.fullmatch(r"f-[0-9a-f]{16}\.zip", first.name)
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as packed:
        assert {name: packed.read(name) for name in packed.namelist()} == files
        assert {(one.date_time, one.external_attr >> 16) for one in packed.infolist()} == {
            ((1980, 1, 1, 0, 0, 0), 0o100644)
        }


def test_an_archive_that_is_there_is_not_written_again(tmp_path: Path) -> None:
    archive = Archive("f", {"main.py": b""})
    path = archive.write(tmp_path)
    path.write_bytes(b"untouched")
    assert archive.write(tmp_path) == path
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [
        (path.name, b"untouched")
    ]


def test_an_unpacked_archive_is_readable_for_everybody(tmp_path: Path) -> None:
    archive = Archive("jobs", {"a/b/main.py": b"x = 1\n", "Dockerfile": b""})
    before = os.umask(0o077)
    try:
        folder = archive.unpack(tmp_path)
    finally:
        os.umask(before)
    assert folder == archive.unpack(tmp_path) == tmp_path / archive.stem
    files = {path for path in folder.rglob("*") if path.is_file()}
    assert {str(path.relative_to(folder)): path.read_bytes() for path in files} == archive.files
    assert {path.stat().st_mode & 0o777 for path in files} == {0o644}
    folders = {folder, folder / "a", folder / "a/b"}
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o755}
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("way", [Archive.write, Archive.unpack])
def test_what_another_made_meanwhile_is_as_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Callable[[Archive, Path], Path]
) -> None:
    archive = Archive("f", {"main.py": b""})
    there = way(archive, tmp_path)
    answers = iter([False, True])  # it appears between the look and the making
    monkeypatch.setattr(Path, "exists", lambda path: path.parent != tmp_path or next(answers))
    assert way(archive, tmp_path) == there
    assert list(tmp_path.iterdir()) == [there]


def test_a_digest_tells_paths_and_contents_apart() -> None:
    contents: list[dict[str, bytes]] = [
        {"a": b"bc"}, {"ab": b"c"}, {"a": b"b", "c": b""}, {"a": b"", "b": b"c"}, {"a": b""}, {}
    ]  # fmt: skip
    assert len({Archive("f", files).digest for files in contents}) == len(contents)


@pytest.mark.parametrize("seed", ["0", "1"])
def test_digests_do_not_hang_on_the_process_that_makes_them(seed: str) -> None:
    code = "from infra.archives import *; print(function_archive('lyrics').digest)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == function_archive("lyrics").digest


# --- what is in it ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_functions_archive_holds_its_main_its_modules_and_its_part_of_the_lock(
    checkout: Path, name: str
) -> None:
    files = function_archive(name, checkout).files
    assert list(files) == sorted(files)
    assert files["main.py"] == (checkout / PROGRAMS[name]).read_bytes()
    assert not [path for path in files if path.startswith(("functions/", "jobs/", "infra/"))]
    assert not [path for path in files if "__pycache__" in path or "/." in path]
    lock = Lock.parse((checkout / archives.LOCK).read_text(), archives.LOCK)
    needed = Lock.parse(files["requirements.txt"].decode(), "requirements.txt")
    names = {pin.name for pin in needed.pins}
    assert names >= {"functions-framework", "uvloop", "httptools"}
    # Whole in itself: whatever a requirement needs by the lock is there, in the locked version.
    for pin in lock.pins:
        assert (pin.name in names) or not names & set(pin.needed_by), pin.name
    assert {(pin.name, pin.version, pin.marker, pin.hashes) for pin in needed.pins} == {
        (pin.name, pin.version, pin.marker, pin.hashes) for pin in lock.pins if pin.name in names
    }
    assert b"://" not in files["requirements.txt"]
    assert b"#" not in files["requirements.txt"]


def test_files_that_are_read_come_along_and_sources_of_built_ones_do_not(copy: Path) -> None:
    (copy / "functions/web_player/player").mkdir()
    (copy / "functions/web_player/player/main.ts").touch()
    files = set(function_archive("web_player", copy).files)
    assert "static/index.html" in files
    assert {path for path in files if not path.startswith("static/")} == {
        "main.py",
        "requirements.txt",
    }
    docs = function_archive("api_docs", copy).files
    assert {"openapi.json", "explorer/index.html", "explorer/explorer.js"} <= set(docs)
    templates = {
        path.relative_to(copy).as_posix() for path in copy.glob("shared/accounts/templates/*")
    }
    holders = {name for name in FUNCTIONS if templates & set(function_archive(name, copy).files)}
    assert holders == {"accounts"}
    assert templates <= set(function_archive("accounts", copy).files)


def test_only_who_decodes_audio_carries_ffmpeg(checkout: Path) -> None:
    carrying = {
        name
        for name in FUNCTIONS
        if b"imageio-ffmpeg==" in function_archive(name, checkout).files["requirements.txt"]
    }
    assert carrying == {"validate_master", "publish_track"}


def test_the_jobs_context_holds_every_job_and_an_image_that_is_nobodys_root(checkout: Path) -> None:
    files = jobs_context(checkout).files
    for name in JOBS:
        assert files[PROGRAMS[name]] == (checkout / PROGRAMS[name]).read_bytes()
    assert b"functions-framework" not in files["requirements.txt"]
    recipe = [line.split() for line in files["Dockerfile"].decode().splitlines() if line.strip()]
    steps = [(line[0], " ".join(line[1:])) for line in recipe if not line[0].startswith("#")]
    (image,) = (value for step, value in steps if step == "FROM")
    assert image == "python:3.11-slim"
    assert "PYTHONPATH=/app" in dict(steps)["ENV"]
    copied = [value.split()[0] for step, value in steps if step == "COPY"]
    assert all(source == "." or source in files for source in copied)
    (install,) = (value for step, value in steps if step == "RUN" and "pip" in value)
    assert {"--require-hashes", "--no-deps"} <= set(install.split())
    assert steps[-1][0] == "USER"
    assert not re.match(r"(0|root)\b", steps[-1][1])


# --- what is imported, by an independent witness ------------------------------------------------


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> grimp.ImportGraph:
    """grimp's graph of `shared` and of all programs, which it knows as modules of `programs`."""
    folder = tmp_path_factory.mktemp("graph")
    shutil.copytree(ROOT / "shared", folder / "shared")
    (folder / "programs").mkdir()
    (folder / "programs/__init__.py").touch()
    for name, path in PROGRAMS.items():
        shutil.copy(ROOT / path, folder / f"programs/{name}.py")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        modules = {k: v for k, v in sys.modules.items() if k.split(".")[0] == "shared"}
        for module in modules:
            patch.delitem(sys.modules, module)
        built = grimp.build_graph(
            "shared", "programs", exclude_type_checking_imports=True, cache_dir=None
        )
    for module in built.modules:
        parent = module.rpartition(".")[0]
        if parent.startswith("shared"):  # Python imports the package first; grimp does not say so
            built.add_import(importer=module, imported=parent)
        if parent == NAMED_AT_RUN_TIME:
            built.add_import(importer=parent, imported=module)
    return built


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@pytest.mark.parametrize("name", [*FUNCTIONS, *JOBS])
def test_exactly_the_modules_that_are_imported_are_in(graph: grimp.ImportGraph, name: str) -> None:
    found = {_module(path) for path in reach(ROOT, [PROGRAMS[name]]).modules - {PROGRAMS[name]}}
    assert found == graph.find_upstream_modules(f"programs.{name}")


# --- what changes it ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "shared/lyrics/lrc.py",
        "shared/lyrics/store.py",
        "shared/drm/clearkey.py",
        "shared/delivery/signing/akamai.py",
        "shared/accounts/passwords.py",
        "shared/accounts/pages/login.py",
        "shared/ingestion/fingerprint.py",
        "shared/recommendations/scoring.py",
        "shared/abuse/behaviour.py",
        "shared/playlists/order_keys.py",
        "shared/platform/dpop.py",
        "shared/platform/http.py",
        "shared/topology.py",
    ],
)
def test_a_change_changes_the_archives_of_those_who_import_it(
    graph: grimp.ImportGraph, copy: Path, path: str
) -> None:
    importers = {
        module.removeprefix("programs.")
        for module in graph.find_downstream_modules(_module(path))
        if module.startswith("programs.")
    }
    expected = importers - set(JOBS) | ({"jobs"} if importers & set(JOBS) else set())
    before = _digests(copy)
    with (copy / path).open("a") as file:
        file.write("# A change.\n")
    assert _changed(before, _digests(copy)) == expected
    assert expected


def test_a_change_of_one_main_changes_that_archive_alone(copy: Path) -> None:
    before = _digests(copy)
    for name, archive in (("catalog", "catalog"), ("detect_bots", "jobs")):
        with (copy / PROGRAMS[name]).open("a") as file:
            file.write("# A comment.\n")
        after = _digests(copy)
        assert _changed(before, after) == {archive}
        before = after


def test_what_nobody_needs_changes_nothing(copy: Path) -> None:
    before = _digests(copy)
    (copy / "shared/lyrics/unused.py").write_text("import shared.lyrics.lrc\n")
    (copy / "shared/lyrics/README.md").write_text("Words.\n")
    (copy / "shared/lyrics/__pycache__").mkdir()
    (copy / "shared/lyrics/__pycache__/lrc.pyc").touch()
    (copy / "functions/web_player/screenshot.png").write_bytes(b"another")
    (copy / "functions/web_player/static/.sources-digest").write_text("another")
    lock = copy / archives.LOCK
    lock.write_text("# Compiled again.\n" + lock.read_text())
    assert _digests(copy) == before


def test_a_new_version_changes_the_archives_of_those_who_need_it(copy: Path) -> None:
    before = _digests(copy)
    needing = {
        name
        for name in FUNCTIONS
        if b"\nargon2-cffi==" in b"\n" + function_archive(name, copy).files["requirements.txt"]
    }
    lock = copy / archives.LOCK
    lock.write_text(re.sub(r"(?m)^argon2-cffi==\S+", "argon2-cffi==99.0", lock.read_text()))
    assert _changed(before, _digests(copy)) == {*needing, "jobs"}
    assert "accounts" in needing
    assert "catalog" not in needing


# --- what is missing ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "function", "remedy"),
    [
        ("functions/web_player/static", "web_player", "npm ci && npm run build"),
        ("functions/api_docs/openapi.json", "api_docs", "nox -s openapi"),
        ("functions/api_docs/explorer", "api_docs", "restore it"),
        ("functions/catalog/main.py", "catalog", "write it, or take its entry out"),
    ],
)
def test_what_is_not_built_or_not_there_is_named_with_the_remedy(
    copy: Path, path: str, function: str, remedy: str
) -> None:
    target = copy / path
    if target.is_dir():
        shutil.rmtree(target)
        target.mkdir()  # an empty folder is as good as none
    else:
        target.unlink()
    with pytest.raises(ArchiveError, match=rf"{path} .*{remedy}"):
        function_archive(function, copy)


@pytest.mark.parametrize("name", ["nothing", "detect_bots"])
def test_only_functions_have_archives_of_their_own(name: str) -> None:
    with pytest.raises(ArchiveError, match=f"{name} is no function; declare it"):
        function_archive(name)


def test_the_table_lists_every_archive_and_writes_them(tmp_path: Path) -> None:
    static = ROOT / "functions/web_player/static/index.html"
    if not static.exists():
        pytest.skip("the web player is not built")
    done = subprocess.run(
        [sys.executable, "-m", "infra.archives", "--write", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for archive in (*map(function_archive, FUNCTIONS), jobs_context()):
        assert archive.digest[:16] in done.stdout
        assert (tmp_path / f"{archive.stem}.zip").exists()
