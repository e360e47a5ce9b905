"""Messages as octets (RFC 1035 §4, EDNS(0): RFC 6891): the one module that imports dnslib.

dnslib packs the fixed part of records and the RDATA of RFC 1035's types, and it reads headers and questions. The rest
is done here: names are read with every bound checked (dnslib's reader runs away on chains of pointers, refuses labels
that are not UTF-8 and takes names of any length); names are written without compression pointers to offsets that 14
bits can't hold; the flags of a response start from zero, not from the query's; OPT is read and written by hand.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import dnslib
from dnslib.buffer import BufferError as DnslibBufferError
from dnslib.label import DNSBuffer, DNSLabel

from postroad.dns.name import MAX_NAME, Name
from postroad.dns.rdata import AAAA, CNAME, DNAME, IN, MX, NS, PTR, SOA, SRV, TXT, A, Rdata, Type
from postroad.value import value

if TYPE_CHECKING:
    from postroad.dns.zone import RRset
    from postroad_dns.lookup import Answer

HEADER = 12  # octets; RFC 1035 §4.1.1
QUERY = 0  # the OPCODE of a standard query
# RFC 1035 §4.1.1: QR | OPCODE | AA | TC | RD | RA | Z | RCODE, with AD and CD of RFC 4035 in what was Z.
_QR, _AA, _TC, _RD = 0x8000, 0x0400, 0x0200, 0x0100
_POINTER = 0xC0  # RFC 1035 §4.1.4: the two high bits of a length octet that is a pointer
_MAX_POINTER = 0x3FFF
# Pointers per name. A name has at most 127 labels (RFC 1035 §2.3.4), and no encoder writes a pointer to a pointer, but
# a chain of thousands, which as many names point to, would keep the server busy for seconds with one message.
_MAX_POINTERS = 127
_OPT = struct.Struct("!BHHBBHH")  # RFC 6891 §6.1.2: root, OPT, payload size, extended RCODE, version, flags, RDLEN
_DO = 0x8000

# RFC 1035 §4.2.1: without EDNS a UDP message has at most 512 octets.
PLAIN_PAYLOAD = 512
# The size that passes every usual path unfragmented, as RFC 6891 §6.2.5 recommends (DNS flag day 2020).
PAYLOAD = 1232
EDNS_VERSION = 0


@value
class Question:
    """The question section's one entry."""

    name: Name
    type: int
    cls: int


@value
class Edns:
    """The content of the requestor's OPT record (RFC 6891 §6.1)."""

    version: int
    payload: int  # the largest UDP message that it takes, octets
    dnssec_ok: bool


@value
class Query:
    """A request, as far as it could be read.

    `question` is None unless the query has exactly one. `malformed` says that the octets are not a well-formed query,
    although the fields here could be read.
    """

    id: int
    opcode: int
    recursion_desired: bool
    question: Question | None = None
    edns: Edns | None = None
    malformed: bool = False


class _Malformed(Exception):  # noqa: N818 - caught where it is raised, one call up
    """The octets break off or break a rule."""


class _Buffer(DNSBuffer):  # type: ignore[misc] # dnslib has no types
    """dnslib's buffer, with its reading and writing of names replaced."""

    data: bytearray
    offset: int
    names: dict[tuple[bytes, ...], int]

    def decode_name(self, last: int = -1) -> DNSLabel:  # noqa: ARG002 - dnslib's signature
        """Read a name, following pointers strictly backwards (RFC 1035 §4.1.4: "a prior occurrence")."""
        data, offset = self.data, self.offset
        end = -1  # where reading continues: after the first pointer
        floor = offset  # each pointer must lead before the octets read so far, so this ends
        labels: list[bytes] = []
        length = 1  # of the name, with the root's octet
        pointers = 0
        try:
            while size := data[offset]:
                if size < 0x40:
                    label = bytes(data[offset + 1 : offset + 1 + size])
                    length += size + 1
                    if length > MAX_NAME:
                        raise _Malformed
                    labels.append(label)
                    offset += size + 1
                    continue
                pointer = ((size << 8) | data[offset + 1]) & _MAX_POINTER
                # RFC 6891 §5: label types 0b01 and 0b10 are no longer in use.
                pointers += 1
                if size < _POINTER or not HEADER <= pointer < floor or pointers > _MAX_POINTERS:
                    raise _Malformed
                if end < 0:
                    end = offset + 2
                offset = floor = pointer
        except IndexError:
            raise _Malformed from None
        self.offset = end if end >= 0 else offset + 1
        return DNSLabel(labels)

    def encode_name(self, name: DNSLabel) -> None:
        """Write a name, with a pointer for the longest suffix that was written before (RFC 1035 §4.1.4)."""
        labels = name.label
        folded = tuple(label.lower() for label in labels)
        for index, label in enumerate(labels):
            suffix = folded[index:]
            pointer = self.names.get(suffix)
            if pointer is not None:
                self.pack("!H", _POINTER << 8 | pointer)
                return
            # A pointer has 14 bits, so no pointer leads to a name that starts beyond them.
            if self.offset <= _MAX_POINTER:
                self.names[suffix] = self.offset
            self.append(bytes((len(label),)) + label)
        self.append(b"\0")

    def cut(self, offset: int) -> None:
        """Remove everything from `offset` on."""
        del self.data[offset:]
        self.offset = offset


def decode(packet: bytes) -> Query | None:
    """Read a query; None if it must not be answered: it is too short for a header, or is a response.

    Two servers that answered each other's responses would never end.
    """
    head = decode_header(packet)
    if head is None:
        return None
    buffer = _Buffer(packet)
    header = dnslib.DNSHeader.parse(buffer)
    questions: list[Question] = []
    opts: list[Edns] = []
    malformed = False
    try:
        for _ in range(header.q):
            entry = dnslib.DNSQuestion.parse(buffer)
            questions.append(Question(Name(entry.qname.label), entry.qtype, entry.qclass))
        for _ in range(header.a + header.auth + header.ar):
            _read_record(buffer, opts)
    except (_Malformed, DnslibBufferError, dnslib.DNSError):
        malformed = True
    if head.opcode == QUERY:
        # RFC 9619: a query asks one question. It has nothing in answer and authority, nor octets after its end.
        malformed |= len(questions) != 1 or header.a + header.auth > 0 or buffer.remaining() > 0
    malformed |= len(opts) > 1  # RFC 6891 §6.1.1
    question = questions[0] if len(questions) == header.q == 1 else None
    return replace(head, question=question, edns=opts[0] if opts else None, malformed=malformed)


def decode_header(packet: bytes) -> Query | None:
    """Read only the header; None if `decode` would return None."""
    if len(packet) < HEADER or packet[2] & 0x80:
        return None
    return Query(int.from_bytes(packet[:2], "big"), (packet[2] >> 3) & 0xF, bool(packet[2] & 1))


def _read_record(buffer: _Buffer, opts: list[Edns]) -> None:
    """Read one record and keep it if it is OPT."""
    owner = buffer.decode_name()
    kind, cls, ttl, length = buffer.unpack("!HHIH")
    rdata = buffer.get(length)
    if kind != Type.OPT:
        return
    opts.append(Edns((ttl >> 16) & 0xFF, max(cls, PLAIN_PAYLOAD), bool(ttl & _DO)))
    # RFC 6891 §6.1.2: the owner is the root; the RDATA is whole options, none of which is known here.
    if owner.label or not whole_options(rdata):
        raise _Malformed


def whole_options(rdata: bytes) -> bool:
    """Whether the octets are whole EDNS options, each as long as it says (RFC 6891 §6.1.2)."""
    offset = 0
    while offset + 4 <= len(rdata):
        offset += 4 + int.from_bytes(rdata[offset + 2 : offset + 4], "big")
    return offset == len(rdata)


def encode(query: Query, answer: Answer, limit: int) -> bytes:
    """Write the response to a query in at most `limit` octets.

    Additional records that do not fit are left out. If the answer, the authority section or glue does not fit, all
    three are left out and TC is set (RFC 2181 §9, RFC 9471 §3). The header, the question and OPT are always there
    (RFC 6891 §7).
    """
    buffer = _Buffer(bytes(HEADER))
    buffer.offset = HEADER
    opt = b""
    if query.edns is not None:
        flags = _DO if query.edns.dnssec_ok else 0  # RFC 3225 §3: copied
        opt = _OPT.pack(0, Type.OPT, PAYLOAD, answer.rcode >> 4, EDNS_VERSION, flags, 0)
    room = limit - len(opt)
    if query.question is not None:
        label = DNSLabel(query.question.name.labels)
        dnslib.DNSQuestion(label, query.question.type, query.question.cls).pack(buffer)
    start = buffer.offset
    sections = (answer.answer, answer.authority, answer.glue)
    counts = [sum(_write(buffer, rrset) for rrset in rrsets) for rrsets in sections]
    truncated = buffer.offset > room
    if truncated:
        buffer.cut(start)
        counts = [0, 0, 0]
    else:
        for rrset in answer.additional:
            before = buffer.offset
            written = _write(buffer, rrset)
            if buffer.offset > room:
                buffer.cut(before)
                break
            counts[2] += written
    buffer.append(opt)
    # RD is copied (RFC 1035 §4.1.1), but of a query alone: no flag comes back with an opcode that is not known here
    # (RFC 8906 §8.1.4). RA, Z and AD are 0, and CD too (RFC 4035 §3.1.6).
    flags = _QR | query.opcode << 11 | answer.rcode & 0xF
    recursion_desired = query.recursion_desired and query.opcode == QUERY
    flags |= (answer.authoritative and _AA) | (truncated and _TC) | (recursion_desired and _RD)
    questions = int(query.question is not None)
    header = dnslib.DNSHeader(query.id, flags, questions, counts[0], counts[1], counts[2] + bool(opt))
    head = _Buffer()
    header.pack(head)
    buffer.data[:HEADER] = head.data
    return bytes(buffer.data)


def _write(buffer: _Buffer, rrset: RRset) -> int:
    """Write the records of a set in the form of RFC 1035 §4.1.3, and return their number."""
    owner = DNSLabel(rrset.owner.labels)
    for rdata in rrset.rdatas:
        dnslib.RR(owner, rrset.type, IN, rrset.ttl, _rd(rdata)).pack(buffer)
    return len(rrset.rdatas)


def _rd(rdata: Rdata) -> dnslib.RD:
    """Make dnslib's object of our RDATA. Only names of RFC 1035's own types are compressed (RFC 3597 §4)."""
    match rdata:
        case A(address):
            return dnslib.A(tuple(address.packed))
        case AAAA(address):
            return dnslib.AAAA(tuple(address.packed))
        case NS(target):
            return dnslib.NS(_label(target))
        case CNAME(target):
            return dnslib.CNAME(_label(target))
        case PTR(target):
            return dnslib.PTR(_label(target))
        case DNAME(target):
            return dnslib.RD(target.octets())  # RFC 6672 §2.5: never compressed
        case MX(preference, exchange):
            return dnslib.MX(_label(exchange), preference)
        case TXT(strings):
            return dnslib.TXT(strings)
        case SRV(priority, weight, port, target):
            return dnslib.SRV(priority, weight, port, _label(target))
        case SOA(mname, rname, serial, refresh, retry, expire, minimum):
            return dnslib.SOA(_label(mname), _label(rname), (serial, refresh, retry, expire, minimum))
    return dnslib.RD(rdata.data)


def _label(name: Name) -> DNSLabel:
    return DNSLabel(name.labels)


def written(packet: bytes) -> list[str]:
    """Return a message as text: its question, the kind of message, and its records, for people to read."""
    buffer = _Buffer(packet)
    lines = ["a malformed query"]
    try:
        header = dnslib.DNSHeader.parse(buffer)
        flags = [name for name in ("aa", "tc", "rd", "ra") if getattr(header, name)]
        questions = [dnslib.DNSQuestion.parse(buffer) for _ in range(header.q)]
        asked = [f"{_written(each.qname)} {_class(each.qclass)} {dnslib.QTYPE[each.qtype]}" for each in questions]
        lines = [", ".join(asked) or "no question", " ".join([str(dnslib.RCODE[header.rcode]), *flags])]
        for _ in range(header.a + header.auth + header.ar):
            record = dnslib.RR.parse(buffer)
            if record.rtype == Type.OPT:
                lines.append(f"OPT payload {record.rclass}")
            else:
                kind = dnslib.QTYPE[record.rtype]
                lines.append(f"{_written(record.rname)} {record.ttl} {_class(record.rclass)} {kind} {record.rdata}")
    except (_Malformed, DnslibBufferError, dnslib.DNSError, UnicodeDecodeError):
        lines.append("malformed")
    return lines


def _class(number: int) -> str:
    return "IN" if number == IN else f"CLASS{number}"  # RFC 3597 §5


def _written(name: DNSLabel) -> str:
    return str(Name(name.label))
