"""`make run`: processes that start, live and end together. The processes here are small scripts that behave as told."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from postroad.config import Settings
from postroad.world.source import load_world
from postroad_stack import run
from postroad_stack.run import RunError, Supervisor, check_addresses, first_steps, listeners, sole_user

if TYPE_CHECKING:
    from collections.abc import Callable

WORLD = Path(__file__).parents[2] / "services" / "world.toml"

READY = "print('service=x msg=ready', flush=True)"
WAIT = "import signal; signal.pause()"
GOOD = f"{READY}; {WAIT}"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {READY}; {WAIT}"


class Output(io.StringIO):
    """Calls back at each line, in the thread that supervises, which is where signals are to be sent from."""

    def __init__(self, at: dict[str, Callable[[], object]] | None = None) -> None:
        super().__init__()
        self._at = at or {}

    def write(self, text: str) -> int:
        for wanted, call in self._at.items():
            if wanted in text:
                call()
        return super().write(text)


def supervise(output: Output, **scripts: str) -> Supervisor:
    commands = {name: [sys.executable, "-c", script] for name, script in scripts.items()}
    return Supervisor(commands, os.environ, output)


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def gone(pids: dict[str, int]) -> bool:
    for pid in pids.values():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            continue
        return False
    return True


def test_all_start_and_a_signal_ends_them() -> None:
    before = signal.getsignal(signal.SIGTERM)
    output = Output({"now": lambda: signal.raise_signal(signal.SIGTERM)})
    talk = f"{READY}; print('now\\nno line end', end='', flush=True); {WAIT}"
    supervisor = supervise(output, dns=GOOD, relay=talk)
    assert supervisor.start() in {True, False}  # the signal may come before dns is ready
    supervisor.run()
    pids = supervisor.pids
    supervisor.stop()
    assert gone(pids)
    assert "relay | service=x msg=ready\n" in output.getvalue()
    assert output.getvalue().endswith("no line end\n")
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_signal_before_they_are_ready() -> None:
    supervisor = supervise(Output({"hello": interrupt}), slow=f"print('hello', flush=True); {WAIT}")
    assert not supervisor.start()
    supervisor.stop()
    assert gone(supervisor.pids)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("raise SystemExit(3)", "store ended with 3 before it was ready"),
        (f"{READY}; raise SystemExit(4)", "store ended with 4: see"),
        ("import os; os.kill(os.getpid(), 9)", "store was killed by SIGKILL before it was ready"),
    ],
)
def test_one_that_ends_ends_all(script: str, said: str) -> None:
    supervisor = supervise(Output(), dns=GOOD, store=script)

    def live() -> None:
        supervisor.start()
        supervisor.run()

    with pytest.raises(RunError, match=said):
        live()
    supervisor.stop()
    assert gone(supervisor.pids)


def test_one_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "STOP_TIMEOUT", 0.2)
    supervisor = supervise(Output({"msg=ready": interrupt}), store=STUBBORN)
    supervisor.start()
    supervisor.stop()
    assert gone(supervisor.pids)


def test_listeners_and_first_steps(tmp_path: Path) -> None:
    settings = Settings.from_environ({"POSTROAD_WORLD": str(WORLD), "POSTROAD_NETWORK": "127.5.6"})
    world = load_world(settings.world, settings.network)
    endpoints = listeners(settings, world)
    assert endpoints["dns"] == ("127.5.6.53", 1053)
    assert endpoints["submission"] == ("127.5.6.25", 1587)
    assert endpoints["mx"] == ("127.5.6.143", 1025)
    assert endpoints["imaps"] == ("127.5.6.143", 1993)
    text = "\n".join(first_steps(settings, world, endpoints))
    assert "--mail-from alice@alpha.test --mail-rcpt bob@beta.test" in text
    assert "wonderland" not in text

    lonely = tmp_path / "world.toml"
    lonely.write_text(WORLD.read_text(encoding="utf-8").partition('[domains."alpha.test"]')[0], encoding="utf-8")
    assert "curl" not in "\n".join(first_steps(settings, load_world(lonely, settings.network), endpoints))


def test_addresses_that_cannot_be_used() -> None:
    with pytest.raises(
        RunError, match=r"no address 192\.0\.2\.1.*POSTROAD_NETWORK.*\n  sudo ifconfig lo0 alias 192\.0\.2\.1 up\n"
    ):
        check_addresses({"dns": ("192.0.2.1", 53), "relay": ("127.0.0.1", 1)})
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(RunError, match=rf"^127\.0\.0\.1:{port} in use"):
            check_addresses({"imap": ("127.0.0.1", port)})
    check_addresses({"imap": ("127.0.0.1", port)})
    with pytest.raises(RunError, match=r"^smtp and mx would both listen on 127\.0\.0\.1:1025: "):
        check_addresses({"smtp": ("127.0.0.1", 1025), "imap": ("127.0.0.1", port), "mx": ("127.0.0.1", 1025)})


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put in place of the services modules that are only ready, and return their folder."""
    monkeypatch.setenv("POSTROAD_WORLD", str(WORLD))
    monkeypatch.setenv("POSTROAD_NETWORK", f"127.{os.getpid() % 250 + 1}.{os.getpid() // 250 % 250}")
    monkeypatch.setenv("POSTROAD_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for module in ("fake_dns", "fake_relay", "fake_store"):
        (tmp_path / f"{module}.py").write_text(GOOD, encoding="utf-8")
    fakes = {role: module.replace("postroad", "fake") for role, module in run.MODULES.items()}
    monkeypatch.setattr(run, "MODULES", fakes)
    return tmp_path


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_main_until_a_signal(
    environ: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", out := Output({"\n": interrupt}))
    assert run.main(arguments) == 0
    assert capsys.readouterr().err.count("msg=ready") == 3
    if arguments:
        facts = json.loads(out.getvalue())
        assert facts["ready"] is True
        assert gone(facts["pids"])
        assert Path(facts["ca"]).is_file()
        assert facts["endpoints"]["smtp"][1] == 1025
    else:
        assert out.getvalue().startswith("Postroad is ready, after ")


def test_main_interrupted_at_start(environ: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Output({"msg=ready": interrupt}))
    monkeypatch.setattr(sys, "stdout", out := Output())
    (environ / "fake_store.py").write_text(WAIT, encoding="utf-8")
    assert run.main([]) == 0
    assert out.getvalue() == ""


def test_main_that_cannot(environ: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (environ / "fake_store.py").write_text("raise SystemExit('no disk')", encoding="utf-8")
    assert run.main([]) == 1
    assert "store | no disk\n" in (said := capsys.readouterr().err)
    assert "store ended with 1 before it was ready" in said
    monkeypatch.setenv("POSTROAD_NETWORK", "nine")
    assert run.main([]) == 1
    assert "POSTROAD_NETWORK=nine" in capsys.readouterr().err


def test_a_data_folder_has_one_stack(
    environ: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = environ / "data"
    monkeypatch.setattr(sys, "stdout", Output({"\n": interrupt}))
    with sole_user(data) as lock:
        assert run.main([]) == 1
        assert f"another Postroad runs on the data folder {data}" in capsys.readouterr().err
        # What this process started holds the folder when this process is gone.
        supervisor = Supervisor({"store": [sys.executable, "-c", GOOD]}, os.environ, Output(), lock=lock)
        assert supervisor.start()
    kill = rf"\. Stop it \(kill {supervisor.pids['store']}\), or"
    with pytest.raises(RunError, match=kill), sole_user(data):
        pass
    supervisor.stop()
    assert run.main([]) == 0

    (environ / "file").touch()
    with (
        pytest.raises(RunError, match="file/data cannot be used: Not a directory"),
        sole_user(environ / "file" / "data"),
    ):
        pass


def test_ctrl_c_of_the_command(environ: Path) -> None:
    """The whole command as a shell runs it: ready, SIGINT, everything gone, status 0."""
    monkey = (
        "import sys; from postroad_stack import run; "
        "run.MODULES = {role: module.replace('postroad', 'fake') for role, module in run.MODULES.items()}; "
        "sys.exit(run.main(['--json']))"
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
