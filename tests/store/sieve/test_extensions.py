"""Each extension: its commands, tests and tags, in tables; and what a script without it may not use."""

from __future__ import annotations

import pytest

from postroad_store.sieve import limits
from postroad_store.sieve.compiler import compile_script
from postroad_store.sieve.errors import InvalidScript
from postroad_store.sieve.extensions.date import _PARTS
from postroad_store.sieve.message import Message
from postroad_store.sieve.registry import EXTENSIONS, CannotHide, Registry
from postroad_store.sieve.run import run
from tests.store.sieve.toy import MESSAGE, Around, compiled, decide, faults, holds, outcome

# variables (RFC 5229); what is set is seen in the name of a mailbox
VARIABLES = [
    ('set "a" "x"; fileinto "${a}";', "x"),
    ('set "A" "x"; fileinto "${a}${A}y";', "xxy"),
    ('fileinto "x${unset}";', "x"),
    ('set "a" "ACME"; fileinto "${BAD${a}";', "${BADACME"),
    ('fileinto "&${}!";', "&${}!"),
    ('set "a" "x"; fileinto "\\${a}";', "x"),
    ('set "a" "x"; fileinto "$${a}";', "$x"),
    ('set :lower "a" "ÄXy"; fileinto "${a}";', "Äxy"),
    ('set :upper "a" "xYß"; fileinto "${a}";', "XYß"),
    ('set :upperfirst "a" "xY"; fileinto "${a}";', "XY"),
    ('set :lowerfirst "a" "XY"; fileinto "${a}";', "xY"),
    ('set :upperfirst :lower "a" "xYZ"; fileinto "${a}";', "Xyz"),
    ('set :length "a" "äbc"; fileinto "${a}";', "3"),
    ('set :length :upper "a" "äbc"; fileinto "${a}";', "3"),
    ('set :quotewildcard "a" "x*"; if string :matches "x*" "${a}" { fileinto "yes"; }', "yes"),
    ('set :quotewildcard "a" "x*"; if string :matches "xy" "${a}" { } else { fileinto "no"; }', "no"),
    ('set :quotewildcard "a" "b.c"; fileinto "${a}";', "b.c"),
    (r'if string :matches "a\\" "a\\" { fileinto "yes"; }', "yes"),  # a backslash at the end is itself
    (r'if string :matches "a\\b" "a\\\\b" { fileinto "yes"; }', "yes"),
    (r'if string :matches "ab" "\\a\\b" { fileinto "yes"; }', "yes"),
    (r'if string :matches "a?*" "a\\?\\*" { fileinto "yes"; }', "yes"),
    (r'if string :matches "abc" "a\\?\\*" { } else { fileinto "no"; }', "no"),
    ('if header :matches "x-number" "?*" { fileinto "${1}-${2}-${0}-${3}${01}"; }', "4-2-42-4"),
    ('if header :matches "subject" "*from*" { fileinto "${1}.${2}"; }', "Grüße .  Alice"),
    ('if anyof (true, header :matches "x-number" "*") { fileinto "x${1}"; }', "x"),
    ('if header :matches "x-number" "*" { } if header :is "x-number" "42" { fileinto "${1}"; }', "42"),
    ('if header :matches "x-number" "*" { } if header :matches "x-number" "9*" { } fileinto "${1}";', "42"),
    (
        'if header :matches :comparator "i;unicode-casemap" "subject" "GR*" { fileinto "${1}"; }',
        "U\u0308ßE FROM  ALICE",
    ),
    (f'set "{"n" * 64}" "x"; fileinto "${{{"n" * 64}}}";', "x"),
    ('if string "a" ["b", "A"] { fileinto "yes"; }', "yes"),
    # RFC 5051 §2: each character is decomposed by itself, and no mark changes its place
    ('if string :comparator "i;unicode-casemap" "\u1e0d\u0307" "D\u0323\u0307" { fileinto "yes"; }', "yes"),
    (
        'if string :comparator "i;unicode-casemap" "d\u0307\u0323" "d\u0323\u0307" { } else { fileinto "no"; }',
        "no",
    ),
    ('if string :count "eq" ["", "a"] "1" { fileinto "yes"; }', "yes"),
    ('if string " a" "a" { } else { fileinto "no"; }', "no"),
    (
        'if address :matches "to" "c@*" { } elsif address :matches "to" ["x", "*@**.test"] { fileinto "${2}${3}"; }',
        "beta",
    ),
]


@pytest.mark.parametrize(("script", "mailbox"), VARIABLES)
def test_variables(script: str, mailbox: str) -> None:
    require = 'require ["variables", "fileinto", "relational", "comparator-i;unicode-casemap"];'
    assert decide(require + script) == [f"fileinto {mailbox}"]


BAD_VARIABLES = [
    ('set "1" "x";', "24: '1' is not the name of a variable"),
    ('set "a b" "x";', "24: 'a b' is not the name of a variable"),
    ('set "global.a" "x";', "24: 'global.a' is not the name of a variable"),
    (f'set "{"a" * 65}" "x";', "24: a variable's name has at most 64 characters"),
    (f'set "a" "{"x" * 20_000}";', "24: a variable's value has at most 16384 characters"),
    ('set "${a}" "x";', "28: a constant string is needed, without variables"),
    ('set :lower :upper "a" "x";', "35: :upper and :lower do not go together"),
    ('set :foo "a" "x";', "28: set has no :foo"),
    ('set :lower :lower "a" "x";', "35: :lower and :lower do not go together"),
    ('redirect "${33}";', "33: the highest match variable is 32"),
    ('redirect "${12345678901234567890}";', "33: the highest match variable is 32"),
    ('redirect "${foo.bar}";', "33: the script has required no extension that has variables in foo"),
    (f'redirect "${{{"a" * 65}}}";', "33: a variable's name has at most 64 characters"),
]


@pytest.mark.parametrize(("script", "fault"), BAD_VARIABLES)
def test_variables_that_are_none(script: str, fault: str) -> None:
    assert faults(f'require ["variables"];  {script}'.replace("  ", " ")) == [f"line 1, column {fault}"]


def test_variables_have_limits() -> None:
    many = "".join(f'set "a{number}" "x";' for number in range(limits.VARIABLES + 1))
    assert decide(f'require "variables"; {many}') == [
        f"error line 1: a script has at most {limits.VARIABLES} variables"
    ]
    doubled = 'set "a" "0123456789abcdef";' + 'set "a" "${a}${a}";' * 30
    script = f'require ["variables", "fileinto"]; {doubled} set :length "a" "${{a}}"; fileinto "${{a}}";'
    assert decide(script) == [f"fileinto {limits.VALUE}"]
    long = 'set "a" "0123456789abcdef";' + 'set "a" "${a}${a}";' * 10 + 'set :length "b" "' + "${a}" * 40 + '";'
    assert decide(f'require ["variables", "fileinto"]; {long} fileinto "${{b}}";') == [f"fileinto {limits.TEXT}"]


# encoded-character (RFC 5228 §2.4.2.4)
ENCODED = [
    ("$${hex:40}", "$@"),
    ("${hex: 40 }", "@"),
    ("${HEX: 40}", "@"),
    ("${hex:40", "${hex:40"),
    ("${hex:400}", "${hex:400}"),
    ("${hex:4${hex:30}}", "${hex:40}"),
    ("${unicode:40}", "@"),
    ("${unicode:41 42  43}", "ABC"),
    ("${ unicode:40}", "${ unicode:40}"),
    ("${UNICODE:40}", "@"),
    ("${UnICoDE:0000040}", "@"),
    ("${Unicode:40}", "@"),
    ("${Unicode:Cool}", "${Unicode:Cool}"),
    ("${unicode:200000}", None),
    ("${Unicode:DF01}", None),
    ("${unicode:D7FF}", "\ud7ff"),
    ("${unicode:D800}", None),  # RFC 5228 §2.4.2.4: "0 - D7FF / E000 - 10FFFF"
    ("${unicode:DFFF}", None),
    ("${unicode:E000}", "\ue000"),
    ("${unicode:10FFFF}", "\U0010ffff"),
    ("${unicode:110000}", None),
    ("${unicode:1234567890}", None),
    ("${hex:c3 a4}", "ä"),
    ("${hex:c3}${hex:a4}", "ä"),
    ("${hex:c3}", None),
    ("${hex:4 1}", "\x04\x01"),
    ("plain", "plain"),
    ("${foo}", "${foo}"),
]


@pytest.mark.parametrize(("written", "meant"), ENCODED)
def test_encoded_characters(written: str, meant: str | None) -> None:
    script = f'require ["encoded-character", "reject"]; reject "{written}";'
    if meant is None:
        (fault,) = faults(script)
        assert fault.startswith("line 1, column 49: ")
    else:
        assert decide(script) == [f"reject {meant}"]


def test_encoded_characters_come_before_variables() -> None:
    script = 'require ["encoded-character", "variables", "fileinto"]; set "name" "x"; fileinto "a${hex:24 7b 4e}ame}";'
    assert decide(script) == ["fileinto ax"]
    assert decide('require "reject"; reject "${hex:40}";') == ["reject ${hex:40}"]


# imap4flags (RFC 5232)
FLAGS = [
    ('setflag "\\\\seen"; keep;', "keep \\Seen"),
    ('setflag "\\\\seen";', "keep \\Seen"),
    ('setflag "a"; setflag "b";', "keep b"),
    ('addflag ["a", "b  A"]; addflag "c";', "keep a b c"),
    ('addflag "a b c"; removeflag ["B", "x"];', "keep a c"),
    ('addflag ["", "  ", "\\\\Recent", "\\\\foo", "ä", "a(b"];', "keep"),
    (f'addflag "{"a" * 200} {"b" * 201}";', f"keep {'a' * 200}"),
    ('addflag "a"; keep :flags "b"; ', "keep b"),
    ('addflag "a"; fileinto :flags ["b", "\\\\DELETED"] "Junk";', "fileinto Junk b \\Deleted"),
    ('addflag "a"; fileinto "Junk"; removeflag "a"; fileinto "Junk";', "fileinto Junk"),  # the last list wins
    ('addflag "v" "a b"; fileinto :flags "${v}" "Junk";', "fileinto Junk a b"),
    ('addflag "v" "a b"; removeflag "V" "a"; addflag "${v}x";', "keep bx"),
    ('setflag "v" "a"; if hasflag "v" "A" { fileinto "yes"; }', "fileinto yes"),
    ('addflag "a B"; if hasflag ["x", "b"] { discard; }', None),
    ('addflag "a b"; if hasflag "b x" { discard; }', None),
    ('addflag "a b"; if hasflag :contains "c" { discard; }', "keep a b"),
    ('addflag "junk"; if hasflag :contains "un" { discard; }', None),
    ('addflag "v" "a b"; addflag "w" "c"; if hasflag :count "eq" ["v", "w"] "3" { discard; }', None),
    ('addflag "a b"; if hasflag :count "ge" "2" { discard; }', None),
    ('addflag "ab"; if hasflag :regex "^[^ ]b$" { discard; }', None),  # a space within an expression separates nothing
    ("keep :flags [];", ""),
]


@pytest.mark.parametrize(("script", "action"), FLAGS)
def test_flags(script: str, action: str | None) -> None:
    require = 'require ["imap4flags", "variables", "fileinto", "relational", "regex"];'
    if action == "":
        assert faults(require + script)
    else:
        assert decide(require + script) == ([] if action is None else [action])


def test_variables_of_flags_need_variables() -> None:
    assert faults('require "imap4flags"; setflag "v" "a";') == [
        'line 1, column 23: setflag with a variable needs require "variables"'
    ]
    assert faults('require ["imap4flags", "variables"]; if hasflag ["v", "1"] "a" { }') == [
        "line 1, column 41: '1' is not the name of a variable"
    ]


SUBADDRESSES = [
    ('address :user "to" "carol"', True),
    ('address :detail :count "eq" "to" "2"', True),  # RFC 5231 §4.2: all addresses, whichever part is named
    ('address :localpart :count "eq" "from" "1"', True),
    ('envelope :detail :count "eq" ["from", "to"] "2"', True),
    ('address :detail "to" "list"', True),
    ('address :user "from" "alice"', True),
    ('address :detail "from" ""', False),
    ('address :detail :matches "from" "*"', False),
    ('envelope :detail "to" "inbox"', True),
    ('address :user "to" "carol+list"', False),
]


@pytest.mark.parametrize(("test", "value"), SUBADDRESSES)
def test_subaddress(test: str, value: bool) -> None:
    assert holds(test, require="subaddress envelope relational") is value


REGEX = [
    ('header :regex "x-number" "^[0-9]{2}$"', True),
    ('header :regex "x-number" "^4$"', False),
    (f'header :regex "x-number" "{"4|" * 511}42"', True),  # of 1,024 characters
    ('header :regex "subject" "FROM +(alice|bob)"', True),
    ('header :regex :comparator "i;octet" "subject" "FROM"', False),
    ('header :regex "subject" ["x", "Gr.{2}e"]', True),
    ('header :regex "subject" "[[:space:]]{2}"', True),
    (r'header :regex "x-number" "^\\d\\d$"', True),
    (r'header :regex "subject" "\\bFrom\\b"', True),
    (r'header :regex "subject" "\\bro"', False),
]


@pytest.mark.parametrize(("test", "value"), REGEX)
def test_regex(test: str, value: bool) -> None:
    assert holds(test, require="regex") is value


def test_regex_sets_match_variables() -> None:
    script = (
        'require ["regex", "variables", "fileinto"];'
        'if header :regex "subject" "(x)?f(ro|r)(m)" { fileinto "${0}-${1}-${2}-${3}"; }'
    )
    assert decide(script) == ["fileinto from--ro-m"]


@pytest.mark.parametrize(("pattern", "value"), [("^two", False), ("^one", True), ("three$", True), ("one$", False)])
def test_regex_anchors_are_the_ends_of_the_whole_value(pattern: str, value: bool) -> None:
    test = f'if string :regex "one\ntwo\nthree" "{pattern}" {{ discard; }}'
    assert decide(f'require ["regex", "variables"]; {test}') == ([] if value else ["keep"])


@pytest.mark.parametrize("pattern", ["one..two", "^one.*two$", "e[^n]{2}t"])
def test_in_a_regex_a_line_end_is_a_character_like_others(pattern: str) -> None:
    """POSIX has it so unless REG_NEWLINE is asked for."""
    test = f'if string :regex "one\ntwo" "{pattern}" {{ discard; }}'
    assert decide(f'require ["regex", "variables"]; {test}') == []


@pytest.mark.parametrize("pattern", ["(", "(?:a)", "(?i)a", "[z-a]", "(a)\\\\1", "x" * 1025, "((a{100}){100}){100}"])
def test_regex_that_can_not_be_used(pattern: str) -> None:
    (fault,) = faults(f'require "regex"; if header :regex "subject" "{pattern}" {{ }}')
    assert "regular expression" in fault
    script = f'require ["regex", "variables"]; set "a" "{pattern}"; if header :regex "subject" "${{a}}" {{ }}'
    (said,) = decide(script)
    assert said.startswith("error line 1: ")


def test_a_regex_takes_as_much_as_it_can() -> None:
    script = 'require ["regex", "variables", "fileinto"]; if header :regex "x-number" "4|42" { fileinto "${0}"; }'
    assert decide(script) == ["fileinto 42"]


def test_regex_can_be_quoted() -> None:
    script = (
        'require ["regex", "variables", "fileinto"]; set :quoteregex "a" "4*2";'
        'if header :regex "x-number" "${a}" { } else { fileinto "${a}"; }'
    )
    assert decide(script) == ["error line 1: '4\\\\*2': a mailbox name has no control characters and no wildcards"]
    script = 'require ["regex", "variables"]; set :quoteregex "a" "(42)"; if string :regex "x(42)y" "${a}" { discard; }'
    assert decide(script) == []
    assert faults('require ["regex", "variables"]; set :quoteregex :quotewildcard "a" "";') == [
        "line 1, column 49: :quotewildcard and :quoteregex do not go together"
    ]


DATES = [
    ("date", ':zone "+0100"', '"date" "year" "2026"', True),
    ("date", ':zone "+0100"', '"date" "month" "03"', True),
    ("date", ':zone "+0100"', '"date" "day" "01"', True),
    ("date", ':zone "+0100"', '"date" "date" "2026-03-01"', True),
    ("date", ':zone "+0000"', '"date" "julian" "61100"', True),
    ("date", ':zone "+0100"', '"date" "hour" "13"', True),
    ("date", ':zone "-0230"', '"date" "hour" "09"', True),
    ("date", ':zone "-0230"', '"date" "minute" "30"', True),
    ("date", ":originalzone", '"date" "hour" "07"', True),
    ("date", ":originalzone", '"date" "zone" "-0500"', True),
    ("date", "", '"date" "hour" "12"', True),
    ("date", "", '"date" "zone" "+0000"', True),
    ("date", "", '"date" "second" "00"', True),
    ("date", "", '"date" "time" "12:00:00"', True),
    ("date", "", '"date" "iso8601" "2026-03-01T12:00:00Z"', True),
    ("date", ':zone "+0530"', '"date" "iso8601" "2026-03-01T17:30:00+05:30"', True),
    ("date", "", '"date" "std11" "Sun, 01 Mar 2026 12:00:00 +0000"', True),
    ("date", "", '"date" "weekday" "0"', True),
    ("date", "", '"date" "DATE" "2026-03-01"', True),
    ("date", "", '"received" "second" "05"', True),
    ("date", "", '"subject" "year" "2026"', False),
    ("date", "", '"x-nothing" "year" "2026"', False),
    ("date", ':count "eq"', '"date" "year" "1"', True),
    ("date", ':count "eq"', '"subject" "year" "0"', True),
    ("date", ':value "ge"', '"date" "date" "2026-02-28"', True),
    ("date", ":index 1", '"date" "hour" "12"', True),
    ("date", ":index 2", '"date" "hour" "12"', False),
    ("currentdate", "", '"date" "2026-03-01"', True),
    ("currentdate", ':zone "+0200"', '"hour" "14"', True),
    ("date", ':zone "+2359"', '"date" "time" "11:59:00"', True),
    ("currentdate", ":matches", '"iso8601" "2026*"', True),
    ("currentdate", ':count "eq"', '"year" "1"', True),
]


@pytest.mark.parametrize(("name", "tags", "arguments", "value"), DATES)
def test_dates(name: str, tags: str, arguments: str, value: bool) -> None:
    assert holds(f"{name} {tags} {arguments}", require="date relational index") is value


@pytest.mark.parametrize(
    "date",
    [
        *(
            "Fri, 32 Jan 2026 01:00:00 +0000",
            "29 Feb 2025 01:00:00 +0000",
            "yesterday",
            "",
            "31 Dec 9999 23:00:00 -1200",
        ),
        *("1 Jan 2026 24:00:00 +0000", "1 Jan 2026 23:60:00 +0000", "1 Jan 2026"),
        *("1 Jan 2026 23:59:61 +0000", "1 Jan 2026 01:00:00 +2400", "Thu, 1 Foo 2026 01:00:00 +0000"),
    ],
)
def test_dates_that_are_none(date: str) -> None:
    message = f"Date: {date}\r\n\r\n".encode()
    assert not holds('date :matches "date" "year" "*"', require="date", message=message)


# RFC 5322 §3.3, §4.3, in any order of comments and white space
DATES_AS_THEY_COME = [
    ("(c) Thu (d), 1 (e) Feb 2024 03 : 04 : 05 +0000 (f;g)", "2024-02-01T03:04:05Z"),
    ("1 Feb 24 03:04 GMT", "2024-02-01T03:04:00Z"),
    ("Sun, 31 Dec 2023 23:59:60 +0000", "2023-12-31T23:59:59Z"),  # a leap second
    ("Thu, 1 Feb 2024 03:04:05 PDT", "2024-02-01T03:04:05-07:00"),
    ("Thu, 1 Feb 2024 03:04:05 X", "2024-02-01T03:04:05Z"),
    ("Thu, 1 Feb 50 03:04:05 +0130", "1950-02-01T03:04:05+01:30"),
    ("Mon, 1 Feb 2024 03:04:05 +0000", "2024-02-01T03:04:05Z"),  # a Thursday: RFC 5260 §4, "or other formats"
    ("Thu, 1 Feb 2024 03:04:05 +0000 or so", "2024-02-01T03:04:05Z"),
    ("Thu, 1 Feb 124 03:04:05 -0000", "2024-02-01T03:04:05Z"),
    ("from a (b; c) by d; Thu, 1 Feb 2024 03:04:05 +0100 (CET; or so)", "2024-02-01T03:04:05+01:00"),
]


@pytest.mark.parametrize(("date", "read"), DATES_AS_THEY_COME)
def test_dates_as_they_come(date: str, read: str) -> None:
    message = f"Date: {date}\r\n\r\n".encode()
    assert holds(f'date :originalzone "date" "iso8601" "{read}"', require="date", message=message)


def test_a_date_without_zone_is_in_utc() -> None:
    message = b"Date: 1 Jan 2026 10:00:00 -0000\r\n\r\n"
    assert holds('date :originalzone "date" "zone" "+0000"', require="date", message=message)


BAD_DATES = [
    (
        'date "date" "era" "2026"',
        f"'era' is no part of a date: {', '.join(_PARTS)}",
    ),
    ('date :zone "CET" "date" "year" "2026"', "'CET' is no time zone such as +0100"),
    ('currentdate :zone "+9900" "year" "2026"', "'+9900' is no time zone such as +0100"),
    ('currentdate :zone "+2400" "year" "2026"', "'+2400' is no time zone such as +0100"),
]


@pytest.mark.parametrize(("test", "fault"), BAD_DATES)
def test_dates_that_are_faults(test: str, fault: str) -> None:
    assert faults(f'require "date"; if {test} {{ }}') == [f"line 1, column 20: {fault}"]


def test_only_names_that_no_field_can_have_are_worth_a_warning() -> None:
    script = 'require ["date", "variables"]; set "a" "date"; if date "{}" "year" "2026" {{ discard; }}'
    assert compiled(script.format("date")).warnings == compiled(script.format("${a}")).warnings == ()
    assert compiled(script.format("a b")).warnings == ("line 1, column 51: no header field has the name 'a b'",)
    assert decide(script.format("${a}")) == []
    (warning,) = compiled('if address ["to", "a b"] "x" { }').warnings
    assert warning == "line 1, column 4: no header field has the name 'a b'"


def test_dates_by_variables_are_errors_of_the_run() -> None:
    require = 'require ["date", "variables"]; set "a" "x";'
    assert decide(require + 'if date :zone "${a}" "date" "year" "1" { }') == [
        "error line 1: 'x' is no time zone such as +0100"
    ]
    (said,) = decide(require + 'if currentdate "${a}" "1" { }')
    assert said.startswith("error line 1: 'x' is no part of a date")


INDEXES = [
    ('header :index 1 "x-two" "first"', True),
    ('header :index 2 "x-two" "second"', True),
    ('header :index 3 "x-two" "second"', False),
    ('header :index 1 :last "x-two" "second"', True),
    ('header :last :index 2 "x-two" "first"', True),
    ('header :index 3 ["x-two", "x-number"] "42"', True),
    ('address :index 2 ["to", "cc"] "dave@delta.test"', True),
    ('address :index 1 "to" "carol+list@beta.test"', True),
    ('date :index 2 :originalzone :matches "date" "day" "*"', False),
    ('date :index 2 :last :originalzone :matches "date" "day" "*"', False),
]


@pytest.mark.parametrize(("test", "value"), INDEXES)
def test_index(test: str, value: bool) -> None:
    assert holds(test, require="index date") is value


def test_last_needs_index() -> None:
    assert faults('require "index"; if header :last "a" "b" { }') == ["line 1, column 21: :last needs :index"]
    assert faults('require "index"; if header :index 0 "a" "b" { }') == ["line 1, column 28: :index is at least 1"]


MAILBOXES = [
    ('mailboxexists "Junk"', True),
    ('mailboxexists ["Junk", "Lists/sieve"]', True),
    ('mailboxexists ["Junk", "None"]', False),
    ('specialuse_exists "\\\\Junk"', True),
    ('specialuse_exists ["\\\\Junk", "\\\\Sent"]', False),
    ('specialuse_exists "Junk" "\\\\Junk"', True),
    ('specialuse_exists "Lists/sieve" "\\\\Junk"', False),
    ('specialuse_exists "None" "\\\\Junk"', False),
]


@pytest.mark.parametrize(("test", "value"), MAILBOXES)
def test_mailboxes(test: str, value: bool) -> None:
    assert holds(test, require="mailbox special-use") is value


ANNOTATIONS = [
    ('metadata "INBOX" "/private/comment" "mine"', True),
    ('metadata :contains "INBOX" "/private/comment" ["x", "in"]', True),
    ('metadata "Junk" "/private/comment" "mine"', False),
    ('metadata :matches "INBOX" "/private/none" "*"', False),
    ('metadataexists "INBOX" "/private/comment"', True),
    ('metadataexists "INBOX" ["/private/comment", "/private/none"]', False),
    ('servermetadata "/shared/comment" ""', True),
    ('servermetadata "/shared/comment" "mine"', False),
    ('servermetadata "/private/comment" ""', False),
    ('servermetadataexists "/shared/comment"', True),
    ('servermetadataexists ["/shared/comment", "/shared/admin"]', False),
]


@pytest.mark.parametrize(("test", "value"), ANNOTATIONS)
def test_annotations(test: str, value: bool) -> None:
    assert holds(test, require="mboxmetadata servermetadata") is value


def test_mailboxes_by_use_and_mailboxes_to_be_made() -> None:
    require = 'require ["fileinto", "mailbox", "special-use"];'
    assert decide(require + 'fileinto :create "New";') == ["fileinto New create"]
    assert decide(require + 'fileinto :specialuse "\\\\Junk" "Spam";') == ["fileinto Spam use \\Junk"]
    assert decide(require + 'fileinto "New"; fileinto :create "New";') == ["fileinto New create"]


@pytest.mark.parametrize("use", ["Junk", "", "\\\\", "\\\\Ju nk", "\\\\J\u00fcnk", "\\\\a\\\\b", "\\\\Junk*"])
def test_what_is_no_use_of_a_mailbox_is_an_error(use: str) -> None:
    require = 'require ["fileinto", "special-use", "variables"];'
    said = "is no use of a mailbox, such as \\Junk"
    assert said in faults(f'{require} fileinto :specialuse "{use}" "Spam";')[0]
    assert said in decide(f'{require} set "use" "{use}"; fileinto :specialuse "${{use}}" "Spam";')[0]


ENVIRONMENT = [
    ('environment "name" "postroad"', True),
    ('environment "NAME" "Postroad"', True),
    ('environment :contains "phase" "ur"', True),
    ('environment "none" ""', False),
    ('environment :matches "none" "*"', False),
    ('environment :count "eq" "none" "0"', False),
    ('environment :count "eq" "remote-host" "0"', True),
    ('environment "remote-host" ""', True),
    ('environment :count "eq" "name" "1"', True),
]


@pytest.mark.parametrize(("test", "value"), ENVIRONMENT)
def test_environment(test: str, value: bool) -> None:
    assert holds(test, require="environment relational") is value


# ihave (RFC 5463)
IHAVE = [
    ('if ihave "fileinto" { fileinto "Junk"; }', ["fileinto Junk"]),
    ('if ihave ["fileinto", "copy"] { } fileinto :copy "Junk";', ["fileinto Junk", "keep"]),
    ('if ihave "foo" { foo "bar"; } else { discard; }', []),
    ('if ihave "foo" { if foo :bar { } }', ["keep"]),
    ('if ihave ["fileinto", "foo"] { fileinto "Junk"; }', ["keep"]),
    ('if not ihave "foo" { bar; }', ["error line 1: bar is not a command"]),
    ('if not ihave "foo" { if bar { } }', ["error line 1: bar is not a test"]),
    ('if ihave "foo" { } elsif bar { } else { }', ["error line 1: bar is not a test"]),
    ('if ihave "variables" { discard; }', ["keep"]),
    ('error "so it is";', ["error line 1: so it is"]),
]


@pytest.mark.parametrize(("script", "actions"), IHAVE)
def test_ihave(script: str, actions: list[str]) -> None:
    assert decide(f'require "ihave"; {script}') == actions


def test_ihave_of_what_is_required_is_true() -> None:
    assert decide('require ["ihave", "variables"]; if ihave "variables" { discard; }') == []
    assert faults('require ["ihave", "variables"]; if ihave "${a}" { }') == [
        "line 1, column 42: a constant string is needed, without variables"
    ]


# editheader (RFC 5293)
EDITS = [
    ('addheader "X-New" "value";', b"X-New: value\r\nA: 1\r\nA: 2\r\nB: 3\r\n\r\n"),
    ('addheader :last "X-New" "value";', b"A: 1\r\nA: 2\r\nB: 3\r\nX-New: value\r\n\r\n"),
    ('addheader "X-New" "a  \n b";', b"X-New: a b\r\nA: 1\r\nA: 2\r\nB: 3\r\n\r\n"),
    ('addheader "X-New" " a  b\tc ";', b"X-New: a  b\tc\r\nA: 1\r\nA: 2\r\nB: 3\r\n\r\n"),
    ('addheader "X-New" "\u00fc";', b"X-New: =?utf-8?b?w7w=?=\r\nA: 1\r\nA: 2\r\nB: 3\r\n\r\n"),
    ('deleteheader "a";', b"B: 3\r\n\r\n"),
    ('deleteheader :index 1 "a";', b"A: 2\r\nB: 3\r\n\r\n"),
    ('deleteheader :index 1 :last "a";', b"A: 1\r\nB: 3\r\n\r\n"),
    ('deleteheader "a" "2";', b"A: 1\r\nB: 3\r\n\r\n"),
    ('deleteheader :contains "a" ["x", "1"];', b"A: 2\r\nB: 3\r\n\r\n"),
    ('deleteheader :index 1 "a" "2";', None),
    ('deleteheader :contains "b";', b"A: 1\r\nA: 2\r\n\r\n"),  # without patterns, whatever the match type
    ('require "regex"; deleteheader :regex "b";', b"A: 1\r\nA: 2\r\n\r\n"),
    ('deleteheader "x";', None),
    ('addheader "A" "0"; deleteheader :index 1 "A"; addheader "C" "4";', b"C: 4\r\nA: 1\r\nA: 2\r\nB: 3\r\n\r\n"),
]


@pytest.mark.parametrize(("script", "header"), EDITS)
def test_edits(script: str, header: bytes | None) -> None:
    done = outcome(f'require "editheader"; {script}', b"A: 1\r\nA: 2\r\nB: 3\r\n\r\nbody")
    (kept,) = done.actions
    assert kept.header == header  # type: ignore[union-attr]


# RFC 5293 §4, RFC 2047 §5: in addresses only words of names and comments may be encoded
EDITED_ADDRESSES = [
    ("a@b.test, ü <c@d.test>", b"a@b.test, =?utf-8?b?w7w=?= <c@d.test>"),
    (r"\"ü, x\" <c@d.test>,e@f.test", b"=?utf-8?b?w7wsIHg=?= <c@d.test>, e@f.test"),
    ("Carol D. ü <c@d.test>", b"=?utf-8?b?Q2Fyb2wgRC4gw7w=?= <c@d.test>"),
    (r"\"Carol, D\" <c@d.test>, ü <e@f.test>", b'"Carol, D" <c@d.test>, =?utf-8?b?w7w=?= <e@f.test>'),
    ("c@d.test (ü), (plain) e@f.test", b"c@d.test (=?utf-8?b?w7w=?=), (plain) e@f.test"),
    ("ü: c@d.test;", b"=?utf-8?b?w7w=?=: c@d.test;"),
    (r"\"\\\"ü\\\"\" <c@d.test>", b"=?utf-8?b?IsO8Ig==?= <c@d.test>"),
    (r"\"a b\"@c.test, ü <\"c d\"@e.test>", b'"a b"@c.test, =?utf-8?b?w7w=?= <"c d"@e.test>'),
    (r"\"a b\" @c.test, ü <c@d.test>", b'"a b" @c.test, =?utf-8?b?w7w=?= <c@d.test>'),
    ("@, ü <c@d.test>", b"@, =?utf-8?b?w7w=?= <c@d.test>"),
    (", ü <c@d.test>", b", =?utf-8?b?w7w=?= <c@d.test>"),
]


@pytest.mark.parametrize(("value", "written"), EDITED_ADDRESSES)
def test_addresses_stay_addresses(value: str, written: bytes) -> None:
    done = outcome(f'require "editheader"; addheader "Cc" "{value}";', b"\r\nbody")
    (kept,) = done.actions
    assert kept.header == b"Cc: " + written + b"\r\n\r\n"  # type: ignore[union-attr]


def test_long_lists_of_addresses_are_folded() -> None:
    value = ", ".join(f"{chr(0x430) * 40} <a{number}@b.test>" for number in range(3))
    done = outcome(f'require "editheader"; addheader "To" "{value}";', b"\r\nbody")
    (kept,) = done.actions
    lines = kept.header.removesuffix(b"\r\n\r\n").split(b"\r\n")  # type: ignore[union-attr]
    assert all(len(line) <= 78 for line in lines)
    words = b"".join(lines).split()
    assert all(len(word) <= 75 for word in words)
    assert [word for word in words if word.startswith(b"<")] == [b"<a0@b.test>,", b"<a1@b.test>,", b"<a2@b.test>"]


@pytest.mark.parametrize("value", ["\u00fc@b.test", "x <\u00fc@b.test>", "<a@\u00fc.test>"])
def test_an_address_cannot_be_encoded(value: str) -> None:
    assert decide(f'require "editheader"; addheader "To" "{value}";') == [
        "error line 1: an address beyond ASCII cannot be encoded"
    ]


def test_edits_are_seen_by_what_follows() -> None:
    require = 'require ["editheader", "fileinto", "copy"];'
    script = 'keep; addheader "X-A" "1"; if header "x-a" "1" { fileinto "Junk"; redirect :copy "a@b.test"; }'
    assert decide(require + script) == ["keep", "fileinto Junk edited", "redirect a@b.test edited"]
    assert decide(require + 'keep; addheader "X-A" "1"; keep;') == ["keep"]  # RFC 5293 §7: once, either of them


@pytest.mark.parametrize(
    ("edit", "size"),
    [('addheader "B" "2"', 18), ('addheader :last "B" "2"', 18), ('deleteheader "A"', 6), ('deleteheader "B"', 12)],
)
def test_the_size_is_that_of_the_edited_message(edit: str, size: int) -> None:
    """RFC 5293 §7 has tests look at "the current state"; the size is that of what is kept."""
    script = f"if not size :under 12 {{ {edit}; if not anyof (size :over {size}, size :under {size}) {{ discard; }} }}"
    assert decide(f'require "editheader"; {script}', b"A: 1\r\n\r\nbody") == []


def test_fields_that_stay() -> None:
    message = b"Return-Path: <>\r\nReceived: x\r\nAuto-Submitted: no\r\nSubject: x\r\n\r\n"
    script = 'require "editheader"; deleteheader "Received"; deleteheader "auto-submitted"; deleteheader "return-path";'
    assert outcome(script, message).is_plain_keep


def test_long_fields_are_folded() -> None:
    done = outcome('require "editheader"; addheader "X-Long" "' + "word " * 50 + '";', b"\r\nbody")
    (kept,) = done.actions
    lines = kept.header.split(b"\r\n")  # type: ignore[union-attr]
    assert all(len(line) <= 78 for line in lines)
    assert len(lines) > 4


@pytest.mark.parametrize("value", ["word " * 3 + "x" * 2000, "a" + " " * 2000 + "b"])
def test_a_word_that_is_too_long_for_a_line_is_encoded(value: str) -> None:
    """RFC 5293 §4: encoded "to be compliant with RFC 2822", whose lines have at most 998 octets."""
    script = f'require "editheader"; addheader "X-Long" "{value}"; if not header "x-long" "{value}" {{ discard; }}'
    (kept,) = outcome(script, b"\r\nbody").actions
    assert all(len(line) <= 78 for line in kept.header.split(b"\r\n"))  # type: ignore[union-attr]


def test_edits_have_faults_and_limits() -> None:
    assert faults('require "editheader"; addheader "a b" "c"; deleteheader "d:";') == [
        "line 1, column 23: 'a b' is not the name of a header field",
        "line 1, column 44: 'd:' is not the name of a header field",
    ]
    script = 'require ["editheader", "variables"]; set "a" "x y"; addheader "${a}" "c";'
    assert decide(script) == ["error line 1: 'x y' is not the name of a header field"]
    script = 'require "editheader"; ' + 'addheader "X" "' + "x" * 4000 + '";'
    many = script + 'addheader "X" "' * 0 + "".join(f'addheader "X" "{"x" * 4000}";' for _ in range(20))
    assert decide(many) == [f"error line 1: a script adds at most {limits.EDITED} octets of header fields"]


# duplicate (RFC 7352)
def test_duplicates() -> None:
    require = 'require "duplicate"; if duplicate {} {{ discard; }}'
    assert decide(require.format("")) == ["remember 604800", "keep"]
    assert decide(require.format(":seconds 60")) == ["remember 60", "keep"]
    assert decide(require.format(":seconds 99999999")) == ["remember 7776000", "keep"]
    assert decide(require.format(":seconds 0")) == ["keep"]
    assert decide(require.format(':header "x-nothing"')) == ["keep"]
    assert decide(require.format(':header "a b"')) == ["keep"]
    (first, _) = outcome(require.format("")).actions
    (named, _) = outcome(require.format(':header "Message-ID"')).actions
    (unique, _) = outcome(require.format(':uniqueid "<1@alpha.test>"')).actions
    (handled, _) = outcome(require.format(':handle "x"')).actions
    assert first == named == unique != handled
    seen = frozenset({first.key})  # type: ignore[union-attr]
    assert decide(require.format(""), remembered=seen) == []
    assert decide(require.format(":last"), remembered=seen) == ["remember 604800"]
    assert decide(require.format(':handle "x"'), remembered=seen) == ["remember 604800", "keep"]
    assert faults(require.format(':header "a" :uniqueid "b"')) == [
        "line 1, column 47: :uniqueid and :header do not go together"
    ]


# include (RFC 6609)
SCRIPTS = {
    "junk": 'require "fileinto"; fileinto "Junk";',
    "stop": "stop;",
    "return": 'require "include"; return; discard;',
    "self": 'require "include"; include "self";',
    "loop": 'require "include"; include "pool";',
    "pool": 'require "include"; include "loop";',
    "once": 'require "include"; include :once "once"; discard;',
    "local": 'require "variables"; set "a" "changed";',
    "shared": 'require ["include", "variables"]; global "b"; set "b" "shared";',
    "reads": 'require ["include", "variables", "fileinto"]; fileinto "x${global.b}${b}";',
    "matches": 'require ["variables", "fileinto"]; fileinto "x${1}"; if string :matches "new" "*" { keep; }',
    "bad": "foo;",
    "global junk": "discard;",
    **{f"deep{number}": f'require "include"; include "deep{number + 1}";' for number in range(20)},
    "deep20": "discard;",
}
INCLUDES = [
    ('include "junk";', ["fileinto Junk"]),
    ('include :personal "junk"; keep;', ["fileinto Junk", "keep"]),
    ('include :global "junk";', []),
    ('include "stop"; discard;', ["keep"]),
    ('include "return"; discard;', []),
    ("return; discard;", ["keep"]),
    ('include :optional "none"; discard;', []),
    ('include "none";', ["error line 1: there is no script none to include"]),
    ('include "self";', ["error line 1: the script self includes itself"]),
    ('include "loop";', ["error line 1: the script loop includes itself"]),
    ('include "deep11";', []),
    ('include "deep10";', ["error line 1: scripts include each other more than 10 deep"]),
    ('include "deep0";', ["error line 1: scripts include each other more than 10 deep"]),
    ('include "once";', []),
    ('include :once "junk"; include :once "junk";', ["fileinto Junk"]),
    ('set "a" "mine"; include "local"; fileinto "${a}";', ["fileinto mine"]),
    ('global "b"; include "shared"; fileinto "${b}";', ["fileinto shared"]),
    ('include "shared"; fileinto "x${b}${global.b}";', ["fileinto xshared"]),
    ('set "global.b" "set"; include "reads";', ["fileinto xset"]),
    ('include "reads";', ["fileinto x"]),
    (
        'if string :matches "mine" "*" { include "matches"; fileinto "${1}"; }',
        ["fileinto x", "keep", "fileinto mine"],
    ),
    ('set "b" "x"; global "b";', ["error line 1: the variable b was set before it was declared global"]),
    ('include "local"; ' * 40, ["error line 1: the script takes too long"]),
]


@pytest.mark.parametrize(("script", "actions"), INCLUDES)
def test_includes(script: str, actions: list[str]) -> None:
    assert decide(f'require ["include", "variables", "fileinto"]; {script}', scripts=SCRIPTS) == actions


def test_the_active_script_counts_as_included() -> None:
    """RFC 6609 §3.2: a script that includes itself with ":once" "MUST be considered previously included"."""
    script = 'require ["include", "fileinto", "copy"]; include {} "mine"; fileinto :copy "Junk";'
    once, plain = script.format(":once"), script.format("")
    for source, actions in ((once, 2), (plain, 1)):
        done = run(compiled(source), Message(MESSAGE), Around(scripts={"mine": source}), name="mine")
        assert len(done.actions) == actions
        assert done.error == (None if source is once else "line 1: the script mine includes itself")
    done = run(compiled(once), Message(MESSAGE), Around(scripts={"mine": "discard;"}), name="other")
    assert len(done.actions) == 1
    script = script.format(":once :global")
    done = run(compiled(script), Message(MESSAGE), Around(scripts={"global mine": "discard;"}), name="mine")
    assert len(done.actions) == 1


def test_includes_that_are_faults() -> None:
    assert faults('require "include"; include "a\u2028b";') == [
        "line 1, column 20: 'a\\u2028b' is not the name of a script"
    ]
    assert faults('require "include"; include "";') == ["line 1, column 20: '' is not the name of a script"]
    assert faults('require "include"; global "a";') == ['line 1, column 20: global needs require "variables"']
    assert faults('require ["include", "variables"]; global "1";') == [
        "line 1, column 35: '1' is not the name of a variable"
    ]
    assert faults('require ["include", "variables"]; set "global.12" "a";') == [
        "line 1, column 35: '12' is not the name of a variable"
    ]
    assert faults('require ["include", "variables"]; include "${a}";') == [
        "line 1, column 43: a constant string is needed, without variables"
    ]
    assert faults('require "include"; include :global :personal "a";') == [
        "line 1, column 36: :personal and :global do not go together"
    ]


# What can be hidden


@pytest.mark.parametrize(
    "name",
    [
        extension.capability
        for extension in EXTENSIONS
        if "octet" not in extension.capability and "ascii-casemap" not in extension.capability
    ],
)
def test_a_hidden_extension_is_unknown(name: str) -> None:
    poorer = Registry(without=[name])
    assert name not in poorer.advertised.split()
    with pytest.raises(InvalidScript, match="there is no extension"):
        compile_script(f'require "{name}";'.encode(), poorer)
    assert name in Registry().advertised.split()


def test_what_implies_a_hidden_extension_is_hidden_too() -> None:
    assert "vacation-seconds" not in Registry(without=["vacation"]).advertised


def test_what_can_not_be_hidden() -> None:
    with pytest.raises(CannotHide, match="foo cannot be hidden; these can: fileinto, reject"):
        Registry(without=["foo"])
    with pytest.raises(CannotHide):
        Registry(without=["comparator-i;octet"])


def test_no_word_works_without_its_capability() -> None:
    for extension in EXTENSIONS:
        for word in extension.words:
            script = f"{word.name};" if word.run is not None else f"if {word.name} {{ }}"
            (fault,) = faults(script)
            assert f'{word.name} needs require "{extension.capability}"' in fault


def test_a_variable_may_have_so_many_characters() -> None:
    script = 'require ["variables", "fileinto"]; set "a" "%s"; if string :is "${a}" "%s" { fileinto "yes"; }'
    assert decide(script % (("x" * 16_384,) * 2)) == ["fileinto yes"]
