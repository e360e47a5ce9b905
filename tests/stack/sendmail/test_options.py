"""The command line of sendmail, as programs write it."""

from __future__ import annotations

import pytest

from postroad_stack.sendmail.options import Mode, OptionError, Options, parse


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", Options()),
        ("-t -i", Options(from_header=True, dots=True)),  # PHP
        ("-ti", Options(from_header=True, dots=True)),
        ("-oi -oem -f a@b.test -- -c@d.test", Options(dots=True, sender="a@b.test", recipients=["-c@d.test"])),  # mutt
        ("-FCronDaemon -i -B8BITMIME -oem root", Options(full_name="CronDaemon", dots=True, recipients=["root"])),
        ("-bs", Options(mode=Mode.SMTP)),
        ("-bm bob@beta.test -fa@b.test", Options(recipients=["bob@beta.test"], sender="a@b.test")),
        ("-bp", Options(mode=Mode.QUEUE)),
        ("-bi", Options(mode=Mode.ALIASES)),
        ("-I", Options(mode=Mode.ALIASES)),
        ("-q30m -q -d0.1 -v -U -G x", Options(recipients=["x"])),
        ("-O Timeout.queuereturn=1h -o i x", Options(dots=True, recipients=["x"])),
        (
            "-N failure,delay -R hdrs -V id x",
            Options(notify="failure,delay", ret="hdrs", envelope_id="id", recipients=["x"]),
        ),
        ("-r a@b.test -C /etc/x -h 3 -L tag -p smtp -X log", Options(sender="a@b.test")),
        ("-S mail:1 --from=a@b.test", Options(address="mail:1", sender="a@b.test")),
        ("--smtp-addr mail:1 --from a@b.test", Options(address="mail:1", sender="a@b.test")),
        ("--help", Options(help=True)),
        ("- x", Options(recipients=["-", "x"])),
    ],
)
def test_parse(line: str, expected: Options) -> None:
    assert parse(line.split()) == expected


def test_the_null_reverse_path() -> None:
    assert parse(["-f", "", "x"]).sender == ""
    assert parse(["-f<>", "x"]).sender == "<>"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("-Z", "-Z is not an option of sendmail"),
        ("-tZ", "-Z is not"),
        ("--nothing", "--nothing is not"),
        ("-f", "-f needs a value"),
        ("--smtp-addr", "--smtp-addr needs a value"),
        ("-bd", "-bd is not done here"),
    ],
)
def test_what_is_no_option(line: str, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        parse(line.split())
