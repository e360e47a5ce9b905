"""GREENMAIL_OPTS."""

from __future__ import annotations

import pytest

from postroad.greenmail import DEFAULT, PORTS, Habits, OptionError, User, read_options, user_of

USERS = "-Dgreenmail.users=bob:secret@example.com,eve:p@ss@alpha.test,al:x"
BOB, EVE, AL = User("bob", "bob@example.com", "secret"), User("eve", "eve@alpha.test", "p@ss"), User("al", "al", "x")


def test_what_the_image_has() -> None:
    assert read_options(DEFAULT) == Habits(auth_disabled=True)
    assert read_options("") == Habits()
    assert Habits().ports == frozenset(PORTS)


def test_users() -> None:
    assert read_options(USERS).users == (BOB, EVE, AL)
    by_email = read_options(f"{USERS}\n\t-Dgreenmail.users.login=EMAIL \r\n").users
    assert [user.login for user in by_email] == ["bob@example.com", "eve@alpha.test", "al"]
    assert read_options("-Dgreenmail.users=").users == ()
    assert read_options("-Dgreenmail.users=a@b.test:pw").users == (User("a@b.test", "a@b.test", "pw"),)


def test_a_user_by_login_and_by_address() -> None:
    habits = read_options(USERS)
    assert habits.user(" BOB ") == habits.user("Bob@Example.COM") == BOB
    assert habits.user("al") == habits.user("al@localhost") == AL
    assert (BOB.address, AL.address) == ("bob@example.com", "al@localhost")
    assert habits.user("nobody") is None
    twins = Habits(users=(User("b@x", "a@x", "1"), User("other", "b@x", "2")))
    assert twins.user("b@x") == twins.users[0]  # logins come first


@pytest.mark.parametrize(
    ("text", "habits"),
    [
        ("-Dgreenmail.auth.disabled", Habits(auth_disabled=True)),
        ("-Dgreenmail.auth.disabled=true", Habits(auth_disabled=True)),
        ("-Dgreenmail.auth.disabled=false", Habits()),
        ("-Dgreenmail.sieve.ignore.detail=true", Habits(ignore_detail=True)),
        ("-Dgreenmail.verbose", Habits()),
        ("-Dgreenmail.preload.dir=/mail", Habits(preload="/mail")),
        ("-Dgreenmail.preload.dir=", Habits()),
        ("-Dgreenmail.setup.test.smtp\n-Dgreenmail.setup.test.imaps", Habits(ports=frozenset({"smtp", "imaps"}))),
        (
            (
                "-Dgreenmail.setup.test.all -Dgreenmail.hostname=0.0.0.0 -Dgreenmail.tls.keystore.file=/x.p12"
                " -Dgreenmail.tls.keystore.password=changeit -Dgreenmail.startup.timeout=5 -Dgreenmail.api.port=8080"
            ),
            Habits(),
        ),
        (
            "-Dgreenmail.setup.all -Xmx1g -Dgreenmail.smtp.port=2500 -Dgreenmail.mailsink.user=a:b",
            Habits(
                ineffective=(
                    "-Dgreenmail.setup.all",
                    "-Xmx1g",
                    "-Dgreenmail.smtp.port=2500",
                    "-Dgreenmail.mailsink.user=a:b",
                )
            ),
        ),
    ],
)
def test_options(text: str, habits: Habits) -> None:
    assert read_options(text) == habits


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("-Dgreenmail.users=bob", "'bob' must be login:password@domain"),
        ("-Dgreenmail.users=bob:", "'bob' must be login:password@domain"),
        ("-Dgreenmail.users=:x@y", "'' must be login:password@domain"),
        ("-Dgreenmail.users=a:@b", "'a' must be login:password@domain"),
        ("-Dgreenmail.users.login=name", "must be local_part or email, not 'name'"),
    ],
)
def test_what_can_not_be(text: str, sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        read_options(text)


def test_users_of_requests() -> None:
    assert user_of(" bob@example.com ", "", "x") == User("bob@example.com", "bob@example.com", "x")
    assert user_of("bob@example.com", " bob ", "x").login == "bob"
    for email, login, password in (("", "bob", "x"), ("a@b", "a", ""), ("a b@c", "a", "x"), ("a@b", "a b", "x")):
        with pytest.raises(OptionError):
            user_of(email, login, password)
