"""spotipy, both of the versions in use, driven by `spotipy_driver.py` as its users do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from emulators import environments
from tests.clients import plan as plans
from tests.whole_cloud import WholeCloud

DRIVER = Path(__file__).with_name("spotipy_driver.py")
TIMEOUT_S = 120


def _python(version: str) -> Path:
    """The interpreter of the environment that holds this spotipy."""
    if version == "2.26.0":
        return Path(sys.executable)
    try:
        return environments.ensure_python("spotipy-2-25")
    except environments.EnvironmentFailed as error:
        pytest.fail(f"no environment for spotipy {version}: {error}")


@pytest.mark.parametrize("version", ["2.26.0", "2.25.2"])
def test_every_method(whole_cloud: WholeCloud, version: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [str(_python(version)), str(DRIVER)],
        input=json.dumps(plans.make(whole_cloud)),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    answer = json.loads(done.stdout)
    assert answer["version"] == version
    assert answer["not_driven"] == []
    assert len(answer["driven"]) > 80
