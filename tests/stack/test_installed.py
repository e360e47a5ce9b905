"""What pip installs: the command works in an empty folder, far from the checkout."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.harness.processes import claim_network, plain_environment
from tests.harness.stack import ROOT, WAIT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("installed")]

DISTRIBUTIONS = ("common", "stack", "dns", "relay", "store", "web")


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a virtual environment with Postroad built and installed as from a fresh clone, without the network.

    The libraries are those of the tests' own environment: a .pth file adds its folder, but not the .pth files in there,
    by which a checkout is installed for editing.
    """
    folder = tmp_path_factory.mktemp("installed")
    unwanted = shutil.ignore_patterns("build", "*.egg-info", "__pycache__")
    for name in ("services", "kit"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=unwanted)
    shutil.copy(ROOT / "LICENSE", folder)  # the distributions have links to it
    environment = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    Path(site, "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check"]
    options = ["--no-index", "--no-deps", "--no-build-isolation"]
    projects = [*(folder / "services" / name for name in DISTRIBUTIONS), folder / "kit"]
    subprocess.run([*pip, *options, *map(str, projects)], check=True)
    shutil.rmtree(folder / "services")
    shutil.rmtree(folder / "kit")
    return environment


def test_run_in_an_empty_folder(prefix: Path, tmp_path: Path) -> None:
    network, claim = claim_network()
    command = [str(prefix / "bin" / "postroad"), "run", "--json"]
    environ = {**plain_environment(), "POSTROAD_NETWORK": network}
    with (
        claim,
        subprocess.Popen(
            command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stdout is not None
        try:
            ready = process.stdout.readline()
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=WAIT)
        finally:
            process.kill()
    assert ready, errors
    assert json.loads(ready)["ready"] is True
    assert process.returncode == 0
    assert errors.startswith("Wrote world.toml: ")
    assert "Traceback" not in errors
    assert {path.name for path in tmp_path.iterdir()} == {"world.toml", "data"}
    assert (tmp_path / "world.toml").read_bytes() == (ROOT / "services" / "world.toml").read_bytes()


def test_the_kit_starts_what_is_installed(prefix: Path, tmp_path: Path) -> None:
    test = "def test_it(postroad):\n    assert postroad.default.dns.lookup('beta.test', 'A') == []\n"
    (tmp_path / "test_it.py").write_text(test, encoding="utf-8")
    options = ["-p", "no:mailpit", "-p", "no:cacheprovider", "--basetemp", "t"]
    command = [str(prefix / "bin" / "python"), "-m", "pytest", *options]
    done = subprocess.run(
        command, cwd=tmp_path, env=plain_environment(), capture_output=True, text=True, timeout=2 * WAIT, check=False
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_what_is_installed(prefix: Path) -> None:
    script = """
import importlib.metadata, json, postroad_relay, postroad_stack
installed = {}
for name in ("postroad", "postroad-stack", "postroad-dns", "postroad-relay", "postroad-store", "postroad-web",
             "pytest-postroad"):
    metadata = importlib.metadata.metadata(name)
    files = [str(file) for file in importlib.metadata.files(name) or ()]
    installed[name] = [metadata["License-Expression"], metadata.get_payload().strip()[:2], files]
print(json.dumps([installed, postroad_relay.__file__]))
"""
    done = subprocess.run(
        [prefix / "bin" / "python", "-c", script],
        cwd="/",
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    installed, where = json.loads(done.stdout)
    assert Path(where).is_relative_to(prefix)
    for name, (licence, readme, files) in installed.items():
        assert licence == "MIT", name
        assert readme == "# ", name
        assert any(file.endswith("py.typed") for file in files), name
        assert any(file.endswith("licenses/LICENSE") for file in files), name
