from __future__ import annotations

import dns.rcode
import pytest

from postroad.dns.name import Name
from postroad.dns.rdata import CNAME, Type
from postroad.dns.zone import Catalog
from postroad_dns import lookup
from tests.dns import golden
from tests.dns.world import zone

TOP = "$ORIGIN example.\n@ 9 SOA ns admin 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"


@pytest.mark.parametrize("question", golden.QUESTIONS)
def test_golden(question: str, answers: tuple[dict[str, str], dict[str, str]]) -> None:
    rendered, kept = answers
    assert rendered[question] == kept[question], "see tests/golden/dns/answers; python -m tests.dns.golden rewrites it"


@pytest.fixture(scope="module")
def answers() -> tuple[dict[str, str], dict[str, str]]:
    return golden.rendered(), golden.kept()


def ask(text: str, name: str, kind: int) -> lookup.Answer:
    return lookup.lookup(Catalog.of((zone(TOP + text),)), Name.parse(name), kind)


def test_response_codes_are_those_that_are_registered() -> None:
    assert {code.name: int(code) for code in lookup.Rcode} == {
        code.name: int(dns.rcode.from_text(code.name)) for code in lookup.Rcode
    }


def test_a_long_chain_of_aliases_is_followed_so_far_and_no_further() -> None:
    chain = "\n".join(f"a{number} CNAME a{number + 1}" for number in range(30))
    answer = ask(f"{chain}\na30 A 192.0.2.1\n", "a0.example.", Type.A)
    assert answer.rcode is lookup.Rcode.NOERROR
    assert len(answer.answer) == lookup.MAX_ALIASES + 1
    assert ask(f"{chain}\na30 A 192.0.2.1\n", "a20.example.", Type.A).answer[-1].type == Type.A


def test_a_loop_of_aliases_is_told_once() -> None:
    answer = ask("a CNAME b\nb CNAME c\nc CNAME b\n", "a.example.", Type.A)
    assert answer.rcode is lookup.Rcode.NOERROR
    assert [str(rrset.owner) for rrset in answer.answer] == ["a.example.", "b.example.", "c.example."]


def test_a_dname_to_a_name_too_long() -> None:
    long = ".".join(("x" * 60,) * 4)
    answer = ask(f"d DNAME {long}.\n", f"{'y' * 60}.d.example.", Type.A)
    assert (answer.rcode, answer.authoritative) == (lookup.Rcode.YXDOMAIN, True)
    assert [rrset.type for rrset in answer.answer] == [Type.DNAME]


@pytest.mark.parametrize(
    ("kind", "ends"), [(Type.A, Type.A), (Type.TXT, None), (Type.CNAME, Type.CNAME), (Type.ANY, Type.CNAME)]
)
def test_a_dname_leads_from_below_its_owner_to_below_its_target(kind: int, ends: int | None) -> None:
    # RFC 6672 §2.2, §3.1: the labels before the owner stay
    answer = ask("old DNAME new\na.b.new A 192.0.2.7\n", "a.B.old.example.", kind)
    assert (answer.rcode, answer.authoritative) == (lookup.Rcode.NOERROR, True)
    dname, cname, *rest = answer.answer
    assert (str(dname.owner), dname.type) == ("old.example.", Type.DNAME)
    assert (str(cname.owner), cname.type, cname.ttl) == ("a.B.old.example.", Type.CNAME, dname.ttl)
    assert cname.rdatas == (CNAME(Name.parse("a.B.new.example.")),)
    assert [(str(rrset.owner), rrset.type) for rrset in rest] == (
        [("a.B.new.example.", Type.A)] if ends == Type.A else []
    )
    assert [rrset.type for rrset in answer.authority] == ([Type.SOA] if ends is None else [])


def test_a_dname_to_itself_ends() -> None:
    answer = ask("d DNAME x.d\n", "a.d.example.", Type.A)
    assert answer.rcode is lookup.Rcode.NOERROR
    assert answer.authoritative
    assert len(answer.answer) <= 2 * lookup.MAX_ALIASES + 2
    answer = ask("d DNAME @\n@ DNAME d\n", "a.d.example.", Type.A)
    assert answer.answer[-1].rdatas == (CNAME(Name.parse("a.d.example.")),) or len(answer.answer) > lookup.MAX_ALIASES


def test_the_parent_answers_for_ds_at_a_cut_and_refers_for_what_is_below() -> None:
    text = "a NS ns.b\na NS ns.a\nns.a A 192.0.2.5\n"
    at = ask(text, "a.example.", 43)
    assert (at.authoritative, at.answer, [rrset.type for rrset in at.authority]) == (True, (), [Type.SOA])
    below = ask(text, "www.a.example.", 43)
    assert (below.authoritative, [rrset.type for rrset in below.authority]) == (False, [Type.NS])
    assert ask(text, "a.example.", Type.A).authority == below.authority


def test_glue_of_a_sibling_comes_along_but_is_not_required() -> None:
    answer = ask("a NS ns.b\na NS ns.a\nns.a A 192.0.2.5\nb NS ns.b\nns.b A 192.0.2.6\n", "www.a.example.", Type.A)
    assert not answer.authoritative
    assert [str(rrset.owner) for rrset in answer.glue] == ["ns.a.example."]
    assert [str(rrset.owner) for rrset in answer.additional] == ["ns.b.example."]


def test_the_cut_itself_is_referred_but_for_its_ds() -> None:
    text = "a NS ns.b\nb NS ns.b\nns.b A 192.0.2.6\n"
    for kind in (Type.A, Type.NS, Type.ANY):
        answer = ask(text, "a.example.", kind)
        assert not answer.authoritative
        assert [rrset.type for rrset in answer.authority] == [Type.NS]
        assert answer.answer == ()
    answer = ask(text, "a.example.", Type.DS)  # RFC 4035 §3.1.4.1
    assert answer.authoritative
    assert [rrset.type for rrset in answer.authority] == [Type.SOA]


def test_an_exchanger_behind_a_cut_has_no_additional_records() -> None:
    answer = ask("@ MX 1 m.b\nb NS ns.b\nns.b A 192.0.2.6\nm.b A 192.0.2.7\n", "example.", Type.MX)
    assert answer.additional == ()
    assert answer.glue == ()


def test_the_root_zone() -> None:
    root = zone(". SOA ns. admin. 1 2 3 4 5\n. NS ns.\nns. A 192.0.2.1\n* MX 5 ns.\n", ".")
    catalog = Catalog.of((root,))
    assert lookup.lookup(catalog, Name.parse("a.b.c."), Type.MX).answer[0].owner == Name.parse("a.b.c.")
    assert lookup.lookup(catalog, Name.parse("."), Type.DS).rcode is lookup.Rcode.NOERROR
    assert lookup.lookup(catalog, Name.parse("x.ns."), Type.A).rcode is lookup.Rcode.NXDOMAIN


def test_ds_at_the_apex_without_the_parent() -> None:
    answer = ask("", "example.", Type.DS)
    assert answer.authoritative
    assert answer.authority[0].ttl == 5


def test_ds_of_what_is_in_no_zone() -> None:
    assert ask("", "other.", Type.DS) == lookup.REFUSED
