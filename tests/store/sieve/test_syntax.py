"""The grammar of scripts, and what is refused before a script runs: each fault with its place."""

from __future__ import annotations

import pytest

from postroad_store.sieve import limits
from postroad_store.sieve.compiler import compile_script
from postroad_store.sieve.errors import InvalidScript
from tests.store.sieve.toy import compiled, decide, faults, registry

GOOD = [
    "",
    "\n\n# nothing\n",
    "keep;",
    "KEEP;",
    "/* a comment\n over lines */ keep; # and one more",
    "keep; # without a line end",
    "if true { } elsif false { } else { }",
    "IF TRUE { keep; }",
    "if allof (true, not false, anyof (false, size :over 1K)) { stop; }",
    'if header :comparator "i;octet" :contains ["a", "b"] "c" { discard; }',
    "redirect text:\na@b.test\n.\n;",
    "redirect TEXT:  # why\r\na@b.test\r\n.\r\n;",
    'redirect "Some One <a@b.test>";',
    'redirect "<a@b.test>";',
    'redirect "\\"a b\\"@b.test";',
    'require "fileinto"; require ["envelope", "variables"];',
    'require ["copy"];',
    'if header "a b" "c" { }',  # RFC 5228 §2.4.2.2
    'if address "a b" "c" { }',
    'if exists "a:" { }',
    'require "date"; if date "a b" "year" "2026" { }',
    'if address :all "Resent-From" "x" { }',
    "if size :under 9223372036854775807 { }",
    'require "comparator-i;octet"; require "comparator-i;ascii-casemap";',
    'require ["variables"]; set "a" "${}${1x}${a b}";',
]


@pytest.mark.parametrize("script", GOOD)
def test_scripts_that_are_valid(script: str) -> None:
    assert faults(script) == []


FAULTS = [
    ("keep", "1, column 5: ';' is missing after a command; there is the end of the script"),
    ("keep keep;", "1, column 1: keep takes no test"),
    ("keep\n\n  ];", "3, column 3: ';' is missing after a command; there is ']'"),
    ("}", "1, column 1: a command or a test is missing; there is '}'"),
    ('"keep";', "1, column 1: a command or a test is missing; there is 'keep'"),
    ("if true { keep; ", "1, column 17: '}' is missing at the end of a block; there is the end of the script"),
    ("if anyof (true true) { }", "1, column 11: true takes no test"),
    ("if anyof (true; true) { }", "1, column 15: ')' is missing at the end of a list of tests; there is ';'"),
    ("if anyof () { }", "1, column 11: a command or a test is missing; there is ')'"),
    ('redirect ["a@b.test" ;', "1, column 22: ']' is missing at the end of a list of strings; there is ';'"),
    ("redirect [];", "1, column 11: a string is missing; there is ']'"),
    ("redirect [a];", "1, column 11: a string is missing; there is 'a'"),
    ('redirect "a', "1, column 10: a string has no end"),
    ("keep; /* a", "1, column 7: a comment has no end"),
    ("keep; %", "1, column 7: '%' is not a part of Sieve"),
    ("redirect text:\na@b.test\n", '1, column 10: a text has no end: a line with nothing but "."'),
    ("if size :over 9223372036854775808 { }", "1, column 15: a number is at most 9223372036854775807"),
    ("if size :over 99999999999999999999999999G { }", "1, column 15: a number is at most 9223372036854775807"),
    ("ke\0ep;", "1, column 3: a script has no NUL"),
    ("\0keep;", "1, column 1: a script has no NUL"),
    ("keep;\r\n# a\rb", "2, column 4: a line ends with CRLF or LF, not with CR alone"),
    ("foo;", "1, column 1: foo is not a command"),
    ("true;", "1, column 1: true is a test, and no command"),
    ("if keep { }", "1, column 4: keep is a command, and no test"),
    ("if foo { }", "1, column 4: foo is not a test"),
    ("else { keep; }", "1, column 1: else must follow an if or an elsif"),
    ('if header "a" { }', "1, column 4: header takes a list of strings, a list of strings; there are fewer"),
    ("elsif { keep; }", "1, column 1: elsif takes one test"),
    ("if true { } keep; elsif true { }", "1, column 19: elsif must follow an if or an elsif"),
    ("if true { } else { } else { }", "1, column 22: else must follow an if or an elsif"),
    ("if { keep; }", "1, column 1: if takes one test"),
    ("if (true) { keep; }", "1, column 1: if takes one test"),
    ("if true, false { keep; }", "1, column 8: ';' is missing after a command; there is ','"),
    ("if true;", "1, column 1: if takes a block"),
    ("keep { }", "1, column 1: keep takes no block"),
    ('keep ";";', "1, column 1: keep takes no arguments; there are more"),
    ('redirect "," "a@b.test";', "1, column 1: redirect takes a string; there are more"),
    ("if not (true) { }", "1, column 4: not takes one test"),
    ("if anyof true { }", "1, column 4: anyof takes a list of tests"),
    ("if true (true) { }", "1, column 4: true takes no test"),
    ("keep 1;", "1, column 1: keep takes no arguments; there are more"),
    ("redirect;", "1, column 1: redirect takes a string; there are fewer"),
    ('redirect "a@b.test" "c@d.test";', "1, column 1: redirect takes a string; there are more"),
    ('redirect ["a@b.test"];', "1, column 10: redirect takes a string here"),
    ("redirect 1;", "1, column 10: redirect takes a string here"),
    ('redirect :copy "a@b.test";', '1, column 10: :copy needs require "copy"'),
    ('keep :comparator "i;octet";', "1, column 6: keep has no :comparator"),
    ("keep :is;", "1, column 6: keep has no :is"),
    ('header :all "a" "b";', "1, column 1: header is a test, and no command"),
    ('if header :all "a" "b" { }', "1, column 11: header has no :all"),
    ('redirect :foo "a@b.test";', "1, column 10: redirect has no :foo"),
    ('redirect "a@b.test" :foo;', "1, column 21: :foo must be in front of the other arguments of redirect"),
    ('redirect "nobody";', "1, column 1: 'nobody' is not a mail address"),
    ('redirect "a@b.test, c@d.test";', "1, column 1: 'a@b.test, c@d.test' is not a mail address"),
    ('redirect "a@-.test";', "1, column 1: 'a@-.test' is not a mail address"),
    ('redirect "a b@c.test";', "1, column 1: 'a b@c.test' is not a mail address"),
    ('redirect "a. b@c.test";', "1, column 1: 'a. b@c.test' is not a mail address"),
    ('redirect "a@b.test>";', "1, column 1: 'a@b.test>' is not a mail address"),
    ('redirect "a@b.test (x";', "1, column 1: 'a@b.test (x' is not a mail address"),
    ('redirect "x, y <a@b.test>";', "1, column 1: 'x, y <a@b.test>' is not a mail address"),
    ('redirect "x: y <a@b.test>";', "1, column 1: 'x: y <a@b.test>' is not a mail address"),
    ('redirect "x <a@b.test;>";', "1, column 1: 'x <a@b.test;>' is not a mail address"),
    ('redirect "<@d.test:a@c.test>";', "1, column 1: '<@d.test:a@c.test>' is not a mail address"),
    ('if header "a" :is "b" { }', "1, column 15: :is must be in front of the other arguments of header"),
    ('if header "a" 1 { }', "1, column 15: header takes a list of strings here"),
    ('if header :is :contains "a" "b" { }', "1, column 15: :contains and :is do not go together"),
    (
        'if header :comparator "i;octet" :comparator "i;octet" "a" "b" { }',
        "1, column 33: :comparator and :comparator do not go together",
    ),
    ("if header :comparator { }", "1, column 11: :comparator takes the name of a comparator"),
    ('if header :comparator 1 "a" "b" { }', "1, column 23: :comparator takes a constant string here"),
    ('if header :comparator "i;foo" "a" "b" { }', "1, column 11: there is no comparator 'i;foo' here"),
    (
        'if header :comparator "i;ascii-numeric" "a" "b" { }',
        '1, column 11: i;ascii-numeric needs require "comparator-i;ascii-numeric"',
    ),
    ('if header :regex "a" "b" { }', '1, column 11: :regex needs require "regex"'),
    ('if header :all "a" "b" { }', "1, column 11: header has no :all"),
    ('if address :user "from" "b" { }', '1, column 12: :user needs require "subaddress"'),
    ('if address :all :domain "from" "b" { }', "1, column 17: :domain and :all do not go together"),
    ('if address "subject" "b" { }', "1, column 4: subject is no header field with addresses"),
    ("if size 1 { }", "1, column 4: size needs :over or :under"),
    ("if size :over :under 1 { }", "1, column 15: :under and :over do not go together"),
    ('fileinto "a";', '1, column 1: fileinto needs require "fileinto"'),
    ('if envelope "from" "a" { }', '1, column 4: envelope needs require "envelope"'),
    ('require "foo";', "1, column 9: there is no extension 'foo' here"),
    ("require 1;", "1, column 1: require takes a list of strings"),
    ('require "fileinto" true;', "1, column 1: require takes a list of strings"),
    ('require "fileinto" { }', "1, column 1: require takes a list of strings"),
    ('keep; require "fileinto";', "1, column 7: require must be in front of all other commands"),
    ('if true { require "fileinto"; }', "1, column 11: require must be in front of all other commands"),
]


@pytest.mark.parametrize(("script", "fault"), FAULTS)
def test_scripts_that_are_not(script: str, fault: str) -> None:
    assert faults(script) == [f"line {fault}"]


def test_all_faults_are_told_up_to_a_limit() -> None:
    assert faults("foo;\nif true { bar; }\nbaz;") == [
        "line 1, column 1: foo is not a command",
        "line 2, column 11: bar is not a command",
        "line 3, column 1: baz is not a command",
    ]
    assert len(faults("foo;" * 50)) == limits.FAULTS
    with pytest.raises(InvalidScript) as raised:
        compiled("foo; bar;")
    assert str(raised.value) == "line 1, column 1: foo is not a command\r\nline 1, column 6: bar is not a command"


def test_what_is_not_utf_8_has_its_place() -> None:
    with pytest.raises(InvalidScript) as raised:
        compile_script(b"keep;\n# \xff", registry())
    assert str(raised.value) == "line 2, column 3: the script is not UTF-8"
    for octets, place in (
        (b"keep;\r\n\r\n\n# \xff", "line 4, column 3"),
        (b"\xff", "line 1, column 1"),
        ("# ü".encode() + b"\xff\n\xff", "line 1, column 4"),
    ):
        with pytest.raises(InvalidScript) as raised:
            compile_script(octets, registry())
        assert str(raised.value) == f"{place}: the script is not UTF-8"


def test_the_size_is_limited() -> None:
    assert faults("#" + "x" * (limits.SCRIPT - 1)) == []
    assert faults("#" + "x" * limits.SCRIPT) == [f"line 1, column 1: a script has at most {limits.SCRIPT} octets"]


def test_the_nesting_is_limited() -> None:
    assert faults("if true {" * (limits.NESTING - 1) + "}" * (limits.NESTING - 1)) == []
    for deep in ("if true {" * 100 + "}" * 100, "if " + "not " * 100 + "true { }", "if " + "anyof (" * 100 + ") { }"):
        (fault,) = faults(deep)
        assert fault.endswith(f"blocks and tests are nested more than {limits.NESTING} deep")


STRINGS = [
    ('"a\\"b\\\\c\\d"', 'a"b\\cd'),
    ('"a\nb"', "a\r\nb"),
    ("text:\na\n..b\n.c\n.\n", "a\r\n.b\r\n.c\r\n"),
    ("text:\n.\n", ""),
    ("text: # why\na\n.\n", "a\r\n"),
]


@pytest.mark.parametrize(("written", "meant"), STRINGS)
def test_strings(written: str, meant: str) -> None:
    assert decide(f'require "reject"; reject {written};') == [f"reject {meant}"]


@pytest.mark.parametrize(
    ("number", "size"),
    [
        ("1K", 1024),
        ("2k", 2048),
        ("1M", 1 << 20),
        ("1G", 1 << 30),
        ("7", 7),
        ("0" * 19 + "5", 5),
        ("9223372036854775807", (1 << 63) - 1),
    ],
)
def test_numbers(number: str, size: int) -> None:
    program = compiled(f"if size :over {number} {{ }}")
    assert program.steps[0].tests[0].arguments == (size,)


@pytest.mark.parametrize("number", ["9223372036854775808", "8589934592G", "9" * 21, "0" * 20 + "5"])
def test_numbers_that_are_too_large(number: str) -> None:
    (fault,) = faults(f"if size :over {number} {{ }}")
    assert fault == "line 1, column 15: a number is at most 9223372036854775807"


def test_an_error_has_the_line_of_the_innermost_command() -> None:
    script = 'require "variables";\nif true {\n  if true {\n\n    redirect "${a}";\n  }\n}'
    assert decide(script) == ["error line 5: '' is not a mail address"]


def test_names_that_no_field_has_are_worth_a_warning() -> None:
    program = compiled('require "date"; if anyof (header "a:" "b", date "c d" "year" "1") { }')
    assert program.warnings == (
        "line 1, column 27: no header field has the name 'a:'",
        "line 1, column 44: no header field has the name 'c d'",
    )
