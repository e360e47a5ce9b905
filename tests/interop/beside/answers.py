"""Read what an IMAP server answers, and take away what two exact servers may say otherwise."""

from __future__ import annotations

import bisect
import hashlib
import re
from dataclasses import dataclass, field
from typing import TypeAlias

Value: TypeAlias = "str | bytes | list[Value] | None"

ATOM = re.compile(rb'(?:[^\s()\[{"]|\[[^\]\r\n]*\])+|\[')
# RFC 5530 and others: codes that tell more and that a server need not give.
OPTIONAL = re.compile(
    r"nonexistent|alreadyexists|cannot|clientbug|noperm|inuse|serverbug|limit|overquota|useattr|expunged|parse|toobig"
    r"|badcharset|unknown-cte|metadata|badurl|unavailable|hasflags|mailboxid|closed|contactadmin|badevent|noupdate"
)


class _Reader:
    def __init__(self, octets: bytes) -> None:
        self.octets, self.at = octets, 0

    def line(self) -> list[Value]:
        """Read values until the line ends."""
        values: list[Value] = []
        while self.octets[self.at : self.at + 2] != b"\r\n":
            if self.octets[self.at : self.at + 1] == b" ":
                self.at += 1
            else:
                values.append(self.value())
        self.at += 2
        return values

    def rest(self) -> bytes:
        """Read the line to its end as it is."""
        end = self.octets.index(b"\r\n", self.at)
        text, self.at = self.octets[self.at : end], end + 2
        return text

    def value_after_space(self) -> Value:
        self.at += 1
        return self.value()

    def value(self) -> Value:
        octets, at = self.octets, self.at
        if octets[at : at + 1] == b"(":
            self.at += 1
            values: list[Value] = []
            while octets[self.at : self.at + 1] != b")":
                if octets[self.at : self.at + 1] == b" ":
                    self.at += 1
                else:
                    values.append(self.value())
            self.at += 1
            return values
        if octets[at : at + 1] == b'"':
            match = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL).match(octets, at)
            assert match is not None, octets[at : at + 60]
            self.at = match.end()
            return re.sub(rb"\\(.)", rb"\1", match[1], flags=re.DOTALL)
        if match := re.compile(rb"~?\{(\d+)\}\r\n").match(octets, at):
            self.at = match.end() + int(match[1])
            return octets[match.end() : self.at]
        match = ATOM.match(octets, at)
        assert match is not None, octets[at : at + 60]
        self.at = match.end()
        word = match[0].decode("latin-1")
        return None if word.upper() == "NIL" else word


@dataclass
class Answer:
    """What one command was answered: each response as it can be compared."""

    status: str = ""
    responses: list[str] = field(default_factory=list)
    fetched: dict[int, dict[str, Value]] = field(default_factory=dict)  # items by message number, as of the command
    exists: int | None = None
    expunged: int = 0

    def lines(self) -> list[str]:
        """Return it in an order that is the same for all."""
        told = [f"FETCH {number} {shown(sorted_items(items))}" for number, items in self.fetched.items()]
        return [self.status, *sorted([*self.responses, *told])]

    @property
    def refused(self) -> bool:
        """Whether the answer is NO or BAD."""
        return not self.status.startswith("OK")


@dataclass
class Ear:
    """What is known of one server, so that its own numbers can be compared with another's."""

    login: str
    validities: dict[str, str] = field(default_factory=dict)  # by mailbox
    moments: dict[str, list[int]] = field(default_factory=dict)  # HIGHESTMODSEQ at times, by mailbox

    def rank(self, mailbox: str, modseq: str) -> str:
        """Say between which moments a mod-sequence lies."""
        return f"M{bisect.bisect_left(self.moments.get(mailbox, []), int(modseq))}"

    def hear(self, octets: bytes, tag: bytes, command: bytes, mailbox: str) -> Answer:
        """Read the answer to a command; the mailbox is the one that is selected."""
        octets = octets.replace(self.login.encode(), b"USER")
        reader, answer = _Reader(octets), Answer()
        fetched = answer.fetched
        places = list(range(1, 3000))  # by number now, the number when the command came
        expunged: list[int] = []
        while reader.at < len(octets):
            word = reader.value()
            if word == "+":
                reader.rest()
                continue
            if word != "*":
                assert word == tag.decode(), (word, octets)
                answer.status = self.condition(reader.rest(), mailbox)
                continue
            here = reader.at
            first = reader.value_after_space()
            if isinstance(first, str) and first.upper() in {"OK", "NO", "BAD", "BYE", "PREAUTH"}:
                reader.at = here + 1
                told = self.condition(reader.rest(), mailbox)
                if "[" in told:
                    answer.responses.append(told)
                continue
            reader.at = here
            values = reader.line()
            kind = str(values[1]).upper() if len(values) > 1 and str(values[0]).isdigit() else ""
            if kind == "FETCH":
                items = fetched.setdefault(places[int(str(values[0])) - 1], {})
                items.update(self.items(values[2], mailbox))
            elif kind == "EXPUNGE":
                expunged.append(places.pop(int(str(values[0])) - 1))
                answer.expunged += 1
                answer.exists = None if answer.exists is None else answer.exists - 1
            elif kind == "EXISTS":
                answer.exists = int(str(values[0]))
            elif kind != "RECENT":
                answer.responses += self.data(values, command, mailbox)
        if b"UID" not in command.upper():
            for items in fetched.values():
                items.pop("UID", None)  # RFC 7162 section 3.2.4 wants it beside MODSEQ; others may give it
        if expunged:
            answer.responses.append(f"EXPUNGED {sorted(expunged)}")
        return answer

    def condition(self, text: bytes, mailbox: str) -> str:
        """Return OK, NO or BAD, with a code that matters."""
        match = re.match(rb"\s*(\w+) ?(\[(?:[^\]\"]|\"(?:[^\"\\]|\\.)*\")*\])?", text)
        assert match is not None, text
        condition, code = match[1].decode().upper(), match[2]
        if code is None:
            return condition
        values = _Reader(code[1:-1] + b"\r\n").line()
        name = str(values[0]).lower()
        if OPTIONAL.fullmatch(name) or name in {"highestmodseq", "permanentflags"}:
            # RFC 7162 section 3.1.2.1: Dovecot gives HIGHESTMODSEQ to those who have asked for it.
            return condition
        if name in {"uidvalidity", "unseen", "uidnext"}:
            return f"{condition} [{name} {'V' if name == 'uidvalidity' else str(values[1])}]"
        if name in {"appenduid", "copyuid"}:
            return f"{condition} [{name} V {' '.join(str(value) for value in values[2:])}]"
        return f"{condition} [{' '.join(str(value).lower() for value in values)}]"

    def items(self, value: Value, mailbox: str) -> dict[str, Value]:
        """Return the items of a FETCH response by their names."""
        assert isinstance(value, list), value
        by_name: dict[str, Value] = {}
        for name, item in zip(value[::2], value[1::2], strict=True):
            key = str(name).upper().replace('"', "")
            if key == "FLAGS":
                by_name[key] = flags(item)
            elif key == "MODSEQ":
                assert isinstance(item, list)
                by_name[key] = self.rank(mailbox, str(item[0]))
            elif key in {"SAVEDATE", "PREVIEW"}:  # RFC 8970 section 4: the text is the server's to choose
                by_name[key] = "something" if item is not None else None
            else:
                by_name[key] = item
        return by_name

    def data(self, values: list[Value], command: bytes, mailbox: str) -> list[str]:
        """Return what other untagged responses say."""
        kind = str(values[0]).upper()
        if kind in {"SEARCH", "SORT"}:
            numbers = [value for value in values[1:] if isinstance(value, str)]
            if values[1:] and isinstance(values[-1], list):
                numbers.append(self.rank(mailbox, str(values[-1][1])))
            return [f"{kind} {' '.join(sorted(numbers) if kind == 'SEARCH' else numbers)}"]
        if kind == "ESEARCH":
            words = [shown(value) for value in values[1:] if not isinstance(value, list)]
            if "MODSEQ" in words:
                at = words.index("MODSEQ") + 1
                words[at] = self.rank(mailbox, words[at])
            return [f"{kind} {' '.join(words)}"]
        if kind == "STATUS":
            name, counts = name_of(values[1]), values[2]
            assert isinstance(counts, list)
            pairs = dict(zip((str(key).upper() for key in counts[::2]), counts[1::2], strict=True))
            pairs.pop("RECENT", None)
            if "UIDVALIDITY" in pairs:
                pairs["UIDVALIDITY"] = "V"
            if "HIGHESTMODSEQ" in pairs:
                pairs["HIGHESTMODSEQ"] = self.rank(name, str(pairs["HIGHESTMODSEQ"]))
            return [f"{kind} {name!r} {sorted(pairs.items())}"]
        if kind in {"LIST", "LSUB"}:
            return self.listed(kind, values, command)
        if kind == "FLAGS":  # Dovecot makes keywords of those that are searched for
            return []
        if kind == "VANISHED":
            return [f"{kind} {shown(values[1:])}"]
        if kind == "ENABLED":  # RFC 5161 section 3.2: Dovecot sends none where nothing was enabled
            return []
        if kind == "MYRIGHTS":
            return [f"{kind} {name_of(values[1])} {''.join(sorted(shown(values[2])))}"]
        if kind == "THREAD" and b"REFS" in command.upper():  # whose order is open where dates are the same
            return [f"{kind} {sorted(shown(value) for value in values[1:])}"]
        if kind in {"CAPABILITY", "ID", "BYE"}:
            return [kind]
        return [shown(values)]

    @staticmethod
    def listed(kind: str, values: list[Value], command: bytes) -> list[str]:
        """Return a line of LIST; children are told to those who ask (RFC 5258 section 4)."""
        assert isinstance(values[1], list)
        attributes = {str(attribute).lower() for attribute in values[1]} - {"\\marked", "\\unmarked"}
        upper = command.upper()
        if b"CHILDREN" not in upper:
            attributes -= {"\\haschildren", "\\hasnochildren"}
        if b"SPECIAL-USE" not in upper:
            attributes -= {"\\drafts", "\\sent", "\\trash", "\\junk", "\\archive"}
        more = shown(values[4:]).replace("'", "")  # RFC 5258 section 6: CHILDINFO may be quoted or not
        return [f"{kind} {sorted(attributes)} {shown(values[2])} {name_of(values[3])!r} {more}"]


def name_of(value: Value) -> str:
    name = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return "INBOX" if name.upper() == "INBOX" else name


def flags(value: Value) -> str:
    assert isinstance(value, list), value
    return " ".join(sorted({str(flag).lower() for flag in value} - {"\\recent"}))


def sorted_items(items: dict[str, Value]) -> list[Value]:
    flat: list[Value] = []
    for name in sorted(items):
        flat += [name, items[name]]
    return flat


def shown(value: Value) -> str:
    """Write a value, so that equal ones look alike."""
    if value is None:
        return "NIL"
    if isinstance(value, list):
        return f"({' '.join(shown(each) for each in value)})"
    if isinstance(value, str):
        return value
    if len(value) > 200:
        return f"{value[:100]!r}...{value[-40:]!r} ({len(value)}, {hashlib.sha256(value).hexdigest()[:8]})"
    return repr(value)[1:]
