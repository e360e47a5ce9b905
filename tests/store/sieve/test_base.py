"""What every script has (RFC 5228): control, actions, tests, comparators, match types."""

from __future__ import annotations

import pytest

from postroad_store.sieve import limits
from postroad_store.sieve.actions import File, Outcome
from tests.store.sieve.toy import MESSAGE, compiled, decide, faults, holds, outcome

ACTIONS = [
    ("", ["keep"]),  # the implicit keep
    ("keep;", ["keep"]),
    ("keep; keep;", ["keep"]),
    ("discard;", []),
    ("discard; keep;", ["keep"]),
    ('require ["copy", "fileinto"]; fileinto :copy "Junk"; fileinto "Junk";', ["fileinto Junk"]),  # RFC 3894 §3
    ('redirect "a@b.test";', ["redirect a@b.test"]),
    ('redirect "Some One <a@b.test>"; keep;', ["redirect a@b.test", "keep"]),
    ('redirect "a@b.test"; redirect "a@b.test";', ["redirect a@b.test"]),
    # RFC 5228 §2.4.2.3: an addr-spec of RFC 5322 §3.4.1, whose parts may have comments and white space around them
    ('redirect " a @ b.test ";', ["redirect a@b.test"]),
    ('redirect "(x) a (y) @ (z) b.test (x)";', ["redirect a@b.test"]),
    ('redirect "A (<x>) B\t< a @b.test\t> ";', ["redirect a@b.test"]),
    ('redirect "\\"a (b) c\\" @ [192.0.2.1] ";', ['redirect "a (b) c"@[192.0.2.1]']),
    ("stop; discard;", ["keep"]),
    ("if true { stop; } discard;", ["keep"]),
    ('require "fileinto"; fileinto "Junk";', ["fileinto Junk"]),
    ('require "fileinto"; fileinto "Junk"; fileinto "Junk"; keep;', ["fileinto Junk", "keep"]),
    ('require "fileinto"; fileinto "inbox"; keep;', ["keep"]),
    ('require "fileinto"; fileinto "Junk/"; ', None),
    ('require ["fileinto", "copy"]; fileinto :copy "Junk";', ["fileinto Junk", "keep"]),
    ('require "copy"; redirect :copy "a@b.test";', ["redirect a@b.test", "keep"]),
    ('require "reject"; reject "no";', ["reject no"]),
    ('require "ereject"; ereject "no";', ["ereject no"]),
    ("if true { discard; } elsif true { keep; } else { keep; }", []),
    ("if false { keep; } elsif true { discard; } else { keep; }", []),
    ("if false { keep; } elsif false { keep; } else { discard; }", []),
    ("if false { discard; } elsif false { discard; }", ["keep"]),
    ("if not true { discard; }", ["keep"]),
    ("if allof (true, true) { discard; }", []),
    ("if allof (true, false) { discard; }", ["keep"]),
    ("if anyof (false, true) { discard; }", []),
    ("if anyof (false, false) { discard; }", ["keep"]),
]


@pytest.mark.parametrize(("script", "actions"), ACTIONS)
def test_actions(script: str, actions: list[str] | None) -> None:
    if actions is None:
        assert faults(script) == ["line 1, column 21: 'Junk/': a level of the mailbox name is empty"]
    else:
        assert decide(script) == actions


ERRORS = [
    ('require "reject"; reject "a"; reject "b";', "line 1: reject goes with no other action, and only once"),
    ('require "reject"; keep; reject "b";', "line 1: reject goes with no other action, and only once"),
    ('require "reject";\nreject "b";\nkeep;', "line 3: nothing goes with reject"),
    (
        "".join(f'redirect "a{number}@b.test";\n' for number in range(limits.REDIRECTS + 1)),
        f"line {limits.REDIRECTS + 1}: a script redirects a message at most {limits.REDIRECTS} times",
    ),
    (
        'require "fileinto";' + "".join(f'fileinto "a{number}";\n' for number in range(limits.ACTIONS + 1)),
        f"line {limits.ACTIONS + 1}: a script takes at most {limits.ACTIONS} actions",
    ),
    (
        'require ["fileinto", "variables"]; set "a" "x*"; fileinto "${a}";',
        "line 1: 'x*': a mailbox name has no control characters and no wildcards",
    ),
    ('require "variables"; set "a" "nobody"; redirect "${a}";', "line 1: 'nobody' is not a mail address"),
]


@pytest.mark.parametrize(("script", "error"), ERRORS)
def test_errors_keep_the_message(script: str, error: str) -> None:
    assert decide(script) == [f"error {error}"]


TRUE = [
    'header "subject" "Grüße from  alice"',
    'header :is "SUBJECT" "Grüße FROM  alice"',
    'header :contains ["x-nothing", "subject"] ["nothing", "from"]',
    'header :contains "x-number" ""',
    'header :comparator "i;octet" "subject" "Grüße from  Alice"',
    'header :matches "subject" "*"',
    'header :matches "subject" "Gr??e *"',
    'header :matches "subject" "* from*Al?ce"',
    'header :matches "subject" "*f?om*"',
    'header :matches "subject" "*?o?*l*"',
    'header :is "x-two" "second"',
    'address "from" "alice@alpha.test"',
    'address :is :all "from" "ALICE@alpha.test"',
    'address :localpart "from" "alice"',
    'address :domain ["from", "to"] "beta.test"',
    'address :contains :all "to" "carol+list@"',
    'address "cc" "eve@delta.test"',
    'exists "subject"',
    'exists ["From", "date"]',
    "size :over 10",
    f"size :under {len(MESSAGE) + 1}",
    "not false",
    "true",
]
FALSE = [
    'header :comparator "i;octet" "subject" "Grüße FROM  Alice"',
    'header "x-nothing" ""',
    'header :contains "x-nothing" ""',
    'header :matches "subject" "Gr?e*"',
    'header :matches "x-number" "4"',
    'header :matches "x-number" "4??"',
    'header :matches "x-number" "?"',
    'header :matches "x-number" "*3*"',
    'header :matches "x-number" "*?3?*"',
    'header :matches "subject" "*?Q?*"',
    'header :matches "subject" "*?Q?*"',
    'header :matches "x-number" "4*42"',
    'header :matches "x-number" "\\\\?2"',
    'address "from" "Alice A"',
    'address "cc" "team"',
    'address "from" ""',
    'exists ["from", "x-nothing"]',
    f"size :over {len(MESSAGE)}",
    f"size :under {len(MESSAGE)}",
    "false",
]


@pytest.mark.parametrize("test", TRUE)
def test_true(test: str) -> None:
    assert holds(test)


@pytest.mark.parametrize("test", FALSE)
def test_false(test: str) -> None:
    assert not holds(test)


# What a field holds, a test on it, and its value
ADDRESSES = [
    ("MAILER-DAEMON", 'address "from" "mailer-daemon"', True),  # RFC 5228 §2.7.4: not valid, so it has no parts
    ("MAILER-DAEMON", 'address :contains "from" "daemon"', True),
    ("MAILER-DAEMON", 'address :matches :localpart "from" "*"', False),
    ("MAILER-DAEMON", 'address :matches :domain "from" "*"', False),
    ("MAILER-DAEMON", 'address :matches :user "from" "*"', False),
    ("a+b", 'address :matches :detail "from" "*"', False),
    ("MAILER-DAEMON", 'address :count "eq" "from" "1"', True),
    ("Foo  <user>", 'address :contains "from" "<user>"', True),
    ("<>", 'address "from" "<>"', True),
    ("a@b.test, plain", 'address :contains "from" "plain"', False),
    ("a@b.test, plain", 'address "from" "a@b.test"', True),
    ("undisclosed-recipients:;", 'address :contains "from" "undisclosed"', False),  # RFC 5228 §5.1
    ("undisclosed-recipients:;", 'address :count "eq" "from" "0"', True),
    ("undisclosed;", 'address "from" "undisclosed;"', True),
    ("", 'address :contains "from" ""', False),
    ("=?utf-8?q?J=C3=B6rg?=", 'address "from" "jörg"', True),
    ('"a b"@c.test', 'address "from" "\\"A B\\"@c.test"', True),
    ('"a b"@c.test', 'address "from" "a b@c.test"', False),
    ('"a b"@c.test', 'address :localpart "from" "a b"', True),
    ('"ab"@c.test', 'address "from" "ab@c.test"', True),
    ("A <a@b.test> x", 'address "from" "a@b.test"', True),
    ("a@b..test", 'address :domain "from" "b..test"', False),
    ("a@b..test", 'address "from" "a@b..test"', True),
    ("A <a b@c.test>", 'address :matches :domain "from" "*"', False),
    ('A <a"b"@c.test>', 'address :matches :localpart "from" "*"', False),
    ("A <a@b.test, B <b@b.test>", 'address :localpart "from" "a"', False),
    ("A <a@b.test, B <b@b.test>", 'address :localpart "from" "b"', True),
    ("a..b.@c.test", 'address :localpart "from" "a..b."', True),
]


@pytest.mark.parametrize(("value", "test", "result"), ADDRESSES)
def test_addresses_as_they_come(value: str, test: str, result: bool) -> None:
    message = f"From: {value}\r\n\r\n".encode()
    assert holds(test, require="relational subaddress", message=message) is result


ENVELOPES = [
    ('envelope "from" "alice@alpha.test"', True),
    ('envelope :domain ["from", "to"] "beta.test"', True),
    ('envelope "TO" "bob+inbox@beta.test"', True),
    ('envelope ["from", "to"] "alice@alpha.test"', True),
    ('envelope :localpart "to" "bob"', False),
    ('envelope "from" ""', False),
]


@pytest.mark.parametrize(("test", "value"), ENVELOPES)
def test_envelope(test: str, value: bool) -> None:
    assert holds(test, require="envelope") is value


def test_an_envelope_with_a_quoted_local_part() -> None:
    assert holds('envelope "from" "\\"a b\\"@c.test"', require="envelope", sender=("a b", "c.test"))
    assert holds('envelope :localpart "from" "a b"', require="envelope", sender=("a b", "c.test"))


@pytest.mark.parametrize("part", ["", ":all", ":localpart", ":domain"])
def test_the_null_reverse_path_is_the_empty_string(part: str) -> None:
    assert holds(f'envelope {part} "from" ""', require="envelope", sender=None)


def test_the_null_reverse_path_is_no_address() -> None:
    """RFC 5231 §4.2: the envelope "from" will be 0 if the MAIL FROM is empty."""
    test = 'envelope :count "eq" "from" "0"'
    assert holds(test, require="envelope relational", sender=None)
    assert not holds(test, require="envelope relational")


def test_parts_of_the_envelope_that_there_are_not() -> None:
    assert faults('require "envelope"; if envelope "by" "" { }') == [
        "line 1, column 24: 'by' is no part of an envelope: from, to"
    ]
    script = 'require ["envelope", "variables"]; set "a" "by"; if envelope "${a}" "" { }'
    assert decide(script) == ["error line 1: 'by' is no part of an envelope: from, to"]


def test_addresses_that_are_none_are_left_out() -> None:
    message = b'From: nobody, <a@>, x y z, "q r"@s.test, (c) t@u.test\r\n\r\n'
    for address, value in ((r"\"q r\"@s.test", True), ("t@u.test", True), ("nobody", False), ("a@", False)):
        assert holds(f'address "from" "{address}"', message=message) is value


NUMERIC = [
    ('header :comparator "i;ascii-numeric" "x-number" "042"', True),
    ('header :value "lt" "x-two" "f_"', True),  # RFC 4790 §9.2.1: FIRST is before F_
    ('header :comparator "i;ascii-numeric" "x-number" "42nd"', True),
    ('header :comparator "i;ascii-numeric" "x-number" "43"', False),
    ('header :comparator "i;ascii-numeric" "subject" "none"', True),  # both are infinite
    ('header :value "lt" :comparator "i;ascii-numeric" "x-number" "100"', True),
    ('header :value "gt" :comparator "i;ascii-numeric" "x-number" "100"', False),
    ('header :value "ge" :comparator "i;ascii-numeric" "x-number" "42"', True),
    ('header :value "le" :comparator "i;ascii-numeric" "x-number" "x"', True),
    ('header :value "le" :comparator "i;ascii-numeric" "x-number" "42"', True),
    ('header :value "le" :comparator "i;ascii-numeric" "x-number" "41"', False),
    ('header :value "ne" :comparator "i;ascii-numeric" "x-number" "41"', True),
    ('header :value "eq" :comparator "i;ascii-numeric" "x-number" "42"', True),
    ('header :value "lt" "x-number" "5"', True),
    ('header :value "gt" "x-number" "5"', False),
    ('header :value "GT" "x-number" "100"', True),
    ('header :count "eq" "x-two" "2"', True),
    ('header :count "eq" "x-nothing" "0"', True),
    ('header :count "gt" :comparator "i;ascii-numeric" ["x-two", "subject"] ["9", "2"]', True),
    ('address :count "eq" "to" "2"', True),
    ('header :comparator "i;unicode-casemap" "subject" "GRÜSSE FROM  ALICE"', False),  # ß has no simple titlecase
    ('header :comparator "i;unicode-casemap" :contains "subject" "gRÜ"', True),
    ('header :comparator "i;unicode-casemap" :matches "subject" "gr?*"', True),
    ('header :comparator "i;unicode-casemap" "x-number" "42"', True),
]


@pytest.mark.parametrize(("test", "value"), NUMERIC)
def test_comparators_and_relations(test: str, value: bool) -> None:
    require = "relational comparator-i;ascii-numeric comparator-i;unicode-casemap"
    assert holds(test, require=require) is value


def test_numbers_have_no_substrings() -> None:
    require = 'require ["comparator-i;ascii-numeric", "relational"];'
    assert faults(f'{require} if header :contains :comparator "i;ascii-numeric" "a" "b" {{ }}') == [
        "line 1, column 58: i;ascii-numeric knows no :contains"
    ]
    assert faults(f'{require} if header :value "xx" "a" "b" {{ }}') == [
        "line 1, column 65: 'xx' is no relation: gt, ge, lt, le, eq, ne"
    ]
    assert faults(f"{require} if header :value {{ }}") == ["line 1, column 65: :value takes a relation"]


WORK = [
    # "?" between stars is tried at each place
    'require "body"; if body :matches "*?x?*" { }',
    'require "body";' + 'if body :contains "x" { }' * 3000,
]


@pytest.mark.parametrize("script", WORK)
def test_work_is_limited(script: str) -> None:
    message = b"\r\n" + b"y" * 200_000
    done = outcome(script, message)
    assert done == Outcome((File(),), done.error)
    assert done.error is not None
    assert done.error.endswith("the script takes too long")


def test_a_plain_keep_is_known() -> None:
    assert outcome("").is_plain_keep
    assert not outcome("discard;").is_plain_keep
    assert not outcome('keep; redirect "a@b.test";').is_plain_keep


def test_what_a_script_requires_is_kept() -> None:
    assert compiled('require ["fileinto", "copy"];').required == {"fileinto", "copy"}


# RFC 5228 §5.1, and the fields with addresses in RFC 5322 §3.6, RFC 2076 and RFC 8098
ADDRESS_FIELDS = (
    "from to cc bcc sender reply-to return-path delivered-to x-original-to resent-from resent-to resent-cc resent-bcc"
    " resent-sender resent-reply-to envelope-to errors-to return-receipt-to disposition-notification-to apparently-to"
    " abuse-reports-to x-complaints-to x-beenthere x-admin mail-followup-to mail-reply-to"
)


@pytest.mark.parametrize("name", ADDRESS_FIELDS.split())
def test_fields_with_addresses(name: str) -> None:
    message = f"{name}: Some One <one@b.test>\r\n\r\n".encode()
    assert holds(f'address "{name.upper()}" "one@b.test"', message=message)


@pytest.mark.parametrize("message", [b"\r\nSubject: x\r\n\r\nbody\r\n", b"\nSubject: x\n\nbody\n"])
def test_a_message_that_begins_with_an_empty_line_has_no_fields(message: bytes) -> None:
    assert not holds('exists "subject"', message=message)


@pytest.mark.parametrize(
    ("key", "value"),
    [("1" * 300, True), ("1" * 299 + "2", False), ("1" * 301, False), ("x", False)],
)
def test_numbers_of_very_many_digits_are_infinite(key: str, value: bool) -> None:
    message = b"X-Number: %b\r\n\r\n" % (b"1" * 300)
    test = f'header :comparator "i;ascii-numeric" "x-number" "{key}"'
    assert holds(test, require="comparator-i;ascii-numeric", message=message) is value
    infinite = b"X-Number: %b\r\n\r\n" % (b"2" * 301)
    assert holds(test, require="comparator-i;ascii-numeric", message=infinite) is (key in {"x", "1" * 301})


def test_octets_of_an_address_that_are_no_utf_8_hide_nothing_else() -> None:
    message = b"From: <\xff@a.test>, <b@\xff.test>, c@d.test\r\n\r\n"
    for key in ("\ufffd@a.test", "b@\ufffd.test", "c@d.test"):
        assert holds(f'address "from" "{key}"', message=message)


def test_numbers_have_all_ten_digits() -> None:
    for key, value in (("1234567890", True), ("01234567890", True), ("12345678", False), ("1234567891", False)):
        test = f'header :comparator "i;ascii-numeric" "x-number" "{key}"'
        message = b"X-Number: 1234567890 and more\r\n\r\n"
        assert holds(test, require="comparator-i;ascii-numeric", message=message) is value
