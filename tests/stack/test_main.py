"""The command `postroad`."""

from __future__ import annotations

import importlib
import subprocess
import sys
from importlib.metadata import version

import pytest

from postroad_stack import __main__ as command


def test_help_names_every_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"\n  {word} " in text for word in command.PROGRAMS)
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize(
    ("arguments", "said"), [([], "usage: "), (["make-coffee"], "There is no command make-coffee.")]
)
def test_what_is_no_command(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(arguments) == 2
    assert capsys.readouterr().err.startswith(said)


@pytest.mark.parametrize(
    ("name", "begins"), [("/usr/sbin/sendmail", "usage: postroad sendmail"), ("postroad", "usage: postroad C")]
)
def test_what_it_is_called_by(
    name: str, begins: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", [name, "--help"])
    assert command.main() == 0
    assert capsys.readouterr().out.startswith(begins)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--version"]) == 0
    assert capsys.readouterr().out == f"postroad {version('postroad-stack')}\n"


@pytest.mark.parametrize("word", sorted(command.PROGRAMS))
def test_every_program_has_help(word: str, capfd: pytest.CaptureFixture[str]) -> None:
    module = importlib.import_module(f"postroad_stack.{command.PROGRAMS[word][0]}")
    try:
        status = module.main(["--help"])
    except SystemExit as ended:
        status = ended.code
    assert status == 0
    assert capfd.readouterr().out.startswith(f"usage: postroad {word}")


def test_the_mail_is_kept_where_the_store_is_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("postroad_stack.keeping.program.find_spec", lambda _: None)
    assert command.main(["fsck"]) == 2
    assert capsys.readouterr().err.startswith("The store is not installed here")


def test_the_health_check_loads_little() -> None:
    script = (
        "import sys; from postroad_stack.__main__ import main; main(['health', '--help']); "
        "print(*(name for name in ('asyncio', 'argparse', 'cryptography', 'postroad.config') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""
