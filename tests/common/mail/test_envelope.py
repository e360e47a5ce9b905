"""An envelope for some of its recipients."""

from __future__ import annotations

from postroad.mail.address import Address
from postroad.mail.envelope import BodyType, Envelope, Recipient

TO = tuple(Recipient(Address(name, "beta.test")) for name in "abc")
WHOLE = Envelope(Address("alice", "alpha.test"), TO, BodyType.SEVEN_BIT, True, 7, (("ENVID", "x"),))


def test_only_some_recipients_and_all_else_as_it_is() -> None:
    some = Envelope(Address("alice", "alpha.test"), (TO[0], TO[2]), BodyType.SEVEN_BIT, True, 7, (("ENVID", "x"),))
    assert WHOLE.only([0, 2]) == some


def test_all_of_them_are_the_envelope_itself() -> None:
    assert WHOLE.only([0, 1, 2]) is WHOLE


def test_what_mail_has_not_said_is_absent() -> None:
    assert Envelope(None) == Envelope(None, (), None, False, None, ())


def test_the_sender_of_a_report_is_empty() -> None:
    assert Envelope(None).sender == ""
    assert WHOLE.sender == "alice@alpha.test"
