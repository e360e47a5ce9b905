"""`postroad run`: the whole command, with scripts in place of the services."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from postroad_stack.run import command
from postroad_stack.run.errors import RunError
from postroad_stack.run.lock import sole_user
from postroad_stack.run.supervisor import Supervisor
from postroad_stack.starter import with_world
from tests.stack.run.scripts import GOOD, WAIT, Output, gone, interrupt

WORLD = Path(__file__).parents[3] / "services" / "world.toml"


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put in place of the services modules that are only ready, and return their folder."""
    monkeypatch.setenv("POSTROAD_WORLD", str(WORLD))
    monkeypatch.setenv("POSTROAD_NETWORK", f"127.{os.getpid() % 250 + 1}.{os.getpid() // 250 % 250}")
    monkeypatch.setenv("POSTROAD_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for module in ("fake_dns", "fake_relay", "fake_store", "fake_web"):
        (tmp_path / f"{module}.py").write_text(GOOD, encoding="utf-8")
    fakes = {role: module.replace("postroad", "fake") for role, module in command.MODULES.items()}
    monkeypatch.setattr(command, "MODULES", fakes)
    return tmp_path


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_main_until_a_signal(
    environ: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", out := Output({"\n": interrupt}))
    assert command.main(arguments) == 0
    assert capsys.readouterr().err.count("msg=ready") == 4
    if arguments:
        facts = json.loads(out.getvalue())
        assert facts["ready"] is True
        assert gone(facts["pids"])
        assert Path(facts["ca"]).is_file()
        assert facts["endpoints"]["smtp"][1] == 2525
    else:
        assert out.getvalue().startswith("Postroad is ready, after ")


def test_main_interrupted_at_start(environ: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Output({"msg=ready": interrupt}))
    monkeypatch.setattr(sys, "stdout", out := Output())
    (environ / "fake_store.py").write_text(WAIT, encoding="utf-8")
    assert command.main([]) == 0
    assert out.getvalue() == ""


def test_main_that_cannot(environ: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (environ / "fake_store.py").write_text("raise SystemExit('no disk')", encoding="utf-8")
    assert command.main([]) == 1
    assert "store | no disk\n" in (said := capsys.readouterr().err)
    assert "store ended with 1 before it was ready" in said
    monkeypatch.setenv("POSTROAD_NETWORK", "nine")
    assert command.main([]) == 1
    assert "POSTROAD_NETWORK=nine" in capsys.readouterr().err


def test_a_data_folder_has_one_stack(
    environ: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = environ / "data"
    monkeypatch.setattr(sys, "stdout", Output({"\n": interrupt}))
    runner = asyncio.Runner()
    with sole_user(data) as lock:
        assert command.main([]) == 1
        assert f"another Postroad runs on the data folder {data}" in capsys.readouterr().err
        # What this process started holds the folder when this process is gone.
        supervisor = Supervisor({"store": [sys.executable, "-c", GOOD]}, os.environ, Output(), lock=lock)
        assert runner.run(supervisor.start())
    kill = rf"\. Stop it \(kill {supervisor.pids['store']}\), or"
    with pytest.raises(RunError, match=kill), sole_user(data):
        pass
    runner.run(supervisor.stop())
    runner.close()
    assert command.main([]) == 0

    (environ / "file").touch()
    with (
        pytest.raises(RunError, match="file/data cannot be used: Not a directory"),
        sole_user(environ / "file" / "data"),
    ):
        pass


def test_ctrl_c_of_the_command(environ: Path) -> None:
    """The whole command as a shell runs it: ready, SIGINT, everything gone, status 0."""
    monkey = (
        "import sys; from postroad_stack.run import command; "
        "command.MODULES = {role: module.replace('postroad', 'fake') for role, module in command.MODULES.items()}; "
        "sys.exit(command.main(['--json']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", monkey], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        drain = threading.Thread(target=process.stderr.read)
        drain.start()
        facts = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        drain.join()
    assert gone(facts["pids"])


def test_anywhere_for_as_long_as_a_file_is_locked(
    environ: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("POSTROAD_NETWORK")
    users = os.open(environ / "users", os.O_RDWR | os.O_CREAT)
    fcntl.flock(users, fcntl.LOCK_SH)
    monkeypatch.setattr(sys, "stdout", out := Output({"\n": lambda: os.close(users)}))
    assert command.main(["--json", "--anywhere", "--while-locked", str(environ / "users"), "--scratch"]) == 0
    assert not (environ / "data").exists()
    facts = json.loads(out.getvalue())
    assert facts["endpoints"]["web"][0] == f"{facts['network']}.1" != "127.0.0.1"
    assert gone(facts["pids"])
    assert command.main(["--while-locked", str(environ / "nobody")]) == 1
    assert "nobody cannot be watched" in capsys.readouterr().err


def test_a_signal_keeps_data_that_would_go_with_the_last_lock(
    environ: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    users = os.open(environ / "users", os.O_RDWR | os.O_CREAT)
    fcntl.flock(users, fcntl.LOCK_SH)
    monkeypatch.setattr(sys, "stdout", Output({"\n": interrupt}))
    assert command.main(["--while-locked", str(environ / "users"), "--scratch"]) == 0
    assert (environ / "data" / "mail").exists()
    os.close(users)


def test_in_an_empty_folder_it_writes_a_world_to_start_from(
    environ: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (empty := tmp_path / "empty").mkdir()
    monkeypatch.chdir(empty)
    monkeypatch.delenv("POSTROAD_WORLD")
    monkeypatch.setattr(sys, "stdout", Output({"\n": interrupt}))
    script = "import os; assert os.environ['POSTROAD_WORLD'] == 'world.toml'; " + GOOD
    (environ / "fake_store.py").write_text(script, encoding="utf-8")
    assert command.main([]) == 0
    assert capsys.readouterr().err.startswith("Wrote world.toml: ")
    assert (empty / "world.toml").read_text(encoding="utf-8") == WORLD.read_text(encoding="utf-8")

    (empty / "world.toml").write_text("# mine\n" + WORLD.read_text(encoding="utf-8"), encoding="utf-8")
    assert command.main([]) == 0
    assert (empty / "world.toml").read_text(encoding="utf-8").startswith("# mine\n")
    assert "Wrote" not in capsys.readouterr().err


def test_in_a_checkout_the_world_is_the_one_there(
    environ: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(WORLD.parents[1])
    monkeypatch.delenv("POSTROAD_WORLD")
    assert "POSTROAD_WORLD" not in with_world(os.environ)
