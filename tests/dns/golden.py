"""The golden answers: questions beside what is answered, as text."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from postroad_dns.responder import Responder
from tests.dns.world import GOLDEN, golden_catalog

QUESTIONS = [
    line for line in (GOLDEN / "questions").read_text().splitlines() if line.strip() and not line.startswith("#")
]


def query(question: str) -> dns.message.QueryMessage:
    name, _, kind = question.rpartition(" ")
    return dns.message.make_query(name, dns.rdatatype.from_text(kind), use_edns=0, payload=1232, flags=0)


def render(question: str, response: dns.message.Message) -> str:
    lines = [f"? {question}", f"{dns.rcode.to_text(response.rcode())} {dns.flags.to_text(response.flags)}"]
    for title, section in (("an", response.answer), ("au", response.authority), ("ad", response.additional)):
        lines.extend(f"{title} {line}" for rrset in section for line in rrset.to_text().splitlines())
    return "\n".join(lines) + "\n"


def rendered() -> dict[str, str]:
    """Return what is answered to each question."""
    responder = Responder(golden_catalog())
    answers = {}
    for question in QUESTIONS:
        response = responder.udp(query(question).to_wire())
        assert response is not None
        answers[question] = render(question, dns.message.from_wire(response, one_rr_per_rrset=False))
    return answers


def kept() -> dict[str, str]:
    """Return what the file says."""
    blocks = (GOLDEN / "answers").read_text().split("\n\n")
    return {block.splitlines()[0].removeprefix("? "): block.rstrip("\n") + "\n" for block in blocks if block.strip()}


if __name__ == "__main__":
    (GOLDEN / "answers").write_text("\n".join(rendered().values()))
