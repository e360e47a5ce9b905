"""The list of extensions, and how some of it is hidden."""

from __future__ import annotations

import re

import pytest

from postroad.config import ConfigError, Settings
from postroad.smtp.extensions import EXTENSIONS, offered_by, without


def test_each_says_what_it_is_by() -> None:
    for extension in EXTENSIONS:
        assert re.fullmatch(r"RFC \d+", extension.rfc)
        assert extension.keyword == extension.keyword.upper()
        assert all(parameter.keyword.isupper() for parameter in (*extension.mail, *extension.rcpt))


def test_nothing_hidden_is_the_list_itself() -> None:
    assert without(()) == EXTENSIONS
    assert offered_by(Settings.from_environ({})) == EXTENSIONS


@pytest.mark.parametrize("setting", ["SIZE,SMTPUTF8", "size smtputf8", " SIZE, smtputf8,"])
def test_the_setting_names_what_is_hidden(setting: str) -> None:
    extensions = offered_by(Settings.from_environ({"POSTROAD_SMTP_WITHOUT": setting}))
    assert [extension.keyword for extension in extensions] == [extension.keyword for extension in EXTENSIONS]
    changed = {new.keyword for new, old in zip(extensions, EXTENSIONS, strict=True) if new is not old}
    assert changed == {"SIZE", "SMTPUTF8"}


def test_what_cannot_be_hidden_is_said_with_what_can() -> None:
    with pytest.raises(ConfigError) as error:
        offered_by(Settings.from_environ({"POSTROAD_SMTP_WITHOUT": "SIZE,DSN,HELP"}))
    assert str(error.value) == (
        "POSTROAD_SMTP_WITHOUT=SIZE,DSN,HELP: DSN, HELP cannot be hidden; these can: "
        "PIPELINING, SIZE, 8BITMIME, SMTPUTF8, ENHANCEDSTATUSCODES, STARTTLS, AUTH"
    )
