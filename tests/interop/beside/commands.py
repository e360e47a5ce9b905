"""Random sequences of IMAP commands from a seed: valid ones, and some that are a little wrong.

In a command `<<V INBOX>>` stands for the mailbox's UIDVALIDITY, `<<M INBOX 2>>` for its HIGHESTMODSEQ at the second
moment, and `<<N INBOX 2>>` for the number behind that: each server has its own. `<<M INBOX>>` alone makes a moment.
"""

from __future__ import annotations

import base64
import quopri
import random
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.golden.structure.dovecot import Generator

if TYPE_CHECKING:
    from collections.abc import Callable

MADE = ("INBOX", "Drafts", "Sent", "Trash", "Junk", "Archive")  # with the account
NAMES = ("a", "b", "Work", "&AOQ-", "x y", "&-", 'q"t', "(p)", "A", "c.d", "NIL", "back\\slash", "z]")
KEYWORDS = ("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "work", "$Forwarded", "Work", "NonJunk")
WORDS = (
    "alpha",
    "beta",
    "lorem",
    "Zurich",
    "fwd",
    "alice",
    "a.test",
    "nothing",
    "LIDDELL",
    "x1",
    "",
    "=C3",
    "mixed",
    "J\xf6rg",
    "gr\xfc\xdfe",
    "\u20ac",
    "K\xd6LN",
    "alpha</b>",
)
FIELDS = ("From", "To", "Subject", "Message-ID", "Content-Type", "X-None", "date", "CC", "In-Reply-To")
DATES = ("1-Jan-2020", "02-Feb-2021", "15-Mar-2022", "31-Dec-2019", "1-Nov-2026", "30-Nov-2026")
TIMES = (
    "01-Jan-2020 00:00:00 +0000",
    " 2-Feb-2021 23:59:59 -0100",
    "15-Mar-2022 12:00:00 +0530",
    "31-Dec-2019 23:59:59 +0000",
    "02-Feb-2021 10:11:12 +0000",
)
SYSTEM = ("SEEN", "ANSWERED", "FLAGGED", "DELETED", "DRAFT")
PLAIN_KEYS = ("ALL", *SYSTEM, *(f"UN{flag}" for flag in SYSTEM))
STATUS = ("MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "SIZE")
SORTS = ("ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO")

TEXT = "Gr\xfc\xdfe aus K\xf6ln, 5 \u20ac = lorem\r\n<b>alpha</b> &amp; beta\r\n"


def _encoded(day: int, subject: str, kind: str, charset: str, encoding: str) -> bytes:
    """Return a message with that text."""
    header = (
        f"Date: {day} Feb 2021 1{day}:00:00 +0100\r\nFrom: =?utf-8?q?J=C3=B6rg?= <joerg@a.test>\r\n"
        f"Message-ID: <e{day}@a>\r\nReferences: <e{day - 1}@a>\r\nSubject: {subject}\r\n"
        f"Content-Type: text/{kind}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    text = TEXT.encode(charset)
    if encoding == "base64":
        text = base64.encodebytes(text).replace(b"\n", b"\r\n")
    if encoding == "quoted-printable":
        text = quopri.encodestring(text)
    return header.encode() + text


ENCODED = (
    _encoded(1, "=?utf-8?q?Gr=C3=BC=C3=9Fe?= alpha", "plain", "utf-8", "quoted-printable"),
    _encoded(2, "Re: =?utf-8?b?R3LDvMOfZQ==?= alpha", "plain", "utf-8", "base64"),
    _encoded(3, "=?iso-8859-1?q?K=F6ln?=", "html", "iso-8859-15", "quoted-printable"),
    _encoded(4, "[list] Re: Koeln (fwd)", "html", "utf-16", "base64"),
    _encoded(5, "fwd: koeln", "plain", "utf-8", "8bit"),
)


OR_OF_UNSET_FLAGS = re.compile(r"\bOR\b.*\b(UN|NOT \(*)(SEEN|DRAFT|FLAGGED|ANSWERED|DELETED)\b.*\b(UN|NOT \(*)[SDFA]")


@dataclass
class Step:
    """One command of one session, without its tag."""

    who: int
    command: bytes
    spoilt: bool = False  # there may be a fault in it, so that it may be refused as NO or as BAD
    loose: bool = False  # the sessions have not been told of each other's changes, so only what becomes of it counts


@dataclass
class Sequence:
    """Makes the commands of one seed; it has a rough picture of what there is."""

    seed: int
    random: random.Random = field(init=False)
    messages: Generator = field(init=False)
    boxes: dict[str, int] = field(init=False)
    steps: list[Step] = field(init=False, default_factory=list)
    selected: list[str] = field(init=False)
    moments: dict[str, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.messages = Generator(self.seed)
        self.boxes = dict.fromkeys(MADE, 0)
        self.selected = [""] * self.random.choice((1, 1, 1, 2, 3))
        self.examined = [False] * len(self.selected)
        self.loose = len(self.selected) > 1 and self.chance(0.3)
        # RFC 3501 section 6.4.4: what has no Date is not found by it; Dovecot takes it for 1970.
        self.dated = self.chance(0.7)
        self.by_date = ["BEFORE", "ON", "SINCE", *(["SENTBEFORE", "SENTON", "SENTSINCE"] if self.dated else [])]
        self.condstore = self.random.random() < 0.35
        self.qresync = self.condstore and self.random.random() < 0.5

    def make(self, length: int = 25) -> list[Step]:
        """Return the commands."""
        for who in range(len(self.selected)):
            if self.condstore:
                self.add(who, "ENABLE " + ("QRESYNC" if self.qresync else "CONDSTORE"))
        for _ in range(self.random.randint(1, 5)):
            self.append(0, "INBOX")
        if self.condstore:
            self.add(0, "<<M INBOX>>")
            self.moments["INBOX"] = 1
        for who in range(len(self.selected)):
            self.select(who, "INBOX")
        kinds: list[tuple[int, Callable[[int], None]]] = [
            (8, self.fetch),
            (4, self.store),
            (6, self.search),
            (2, self.sort),
            (2, self.thread),
            (3, self.copy),
            (2, self.expunge),
            (4, self.any_append),
            (1, self.catenate),
            (3, self.any_select),
            (2, self.leave),
            (3, self.status),
            (4, self.names),
            (3, self.create),
            (1, self.delete),
            (2, self.rename),
            (2, self.subscribe),
            (2, self.small),
            (1, self.metadata),
            (1, self.quota),
            (2, self.spoilt),
        ]
        weights = [weight for weight, _ in kinds]
        while len(self.steps) < length + 8:
            who = self.random.randrange(len(self.selected))
            self.random.choices(kinds, weights)[0][1](who)
            if self.condstore and self.random.random() < 0.15:
                box = self.selected[who] or "INBOX"
                self.add(who, f"<<M {box}>>")
                self.moments[box] = self.moments.get(box, 0) + 1
        return self.steps

    # pieces

    def add(self, who: int, command: str | bytes) -> None:
        if isinstance(command, str) and not command.startswith("<<") and self.chance(0.1):
            word, blank, rest = command.partition(" ")
            command = word.lower() + blank + rest
        octets = command if isinstance(command, bytes) else command.encode("latin-1")
        self.steps.append(Step(who, octets, loose=self.loose))

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def astring(self, text: str) -> str:
        """Write a string in one of the forms that it may have."""
        form = self.random.random() if text.isascii() else 1.0
        text = text.encode().decode("latin-1")
        if form < 0.6 and re.fullmatch(r"[A-Za-z0-9&./$=+,\]-]+", text) and text.upper() != "NIL":
            return text
        if form < 0.9:
            return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        # what is beyond ASCII is UTF-8, as octets
        return f"{{{len(text)}{self.random.choice(['', '+'])}}}\r\n{text}"

    def known(self) -> str:
        return self.random.choice(list(self.boxes))

    def maybe_known(self) -> str:
        if self.chance(0.05):
            return "nope"
        name = self.known()
        return self.random.choice([name, "inbox", "InBox"]) if name == "INBOX" else name

    def count(self, who: int) -> int:
        return max(self.boxes.get(self.selected[who], 0), 1)

    def number(self, who: int) -> str:
        if self.chance(0.01):
            return self.random.choice(["0", "4294967295", "4294967296"])
        return "*" if self.chance(0.1) else str(self.random.randint(1, self.count(who) + self.chance(0.1)))

    def numbers(self, who: int, *, uid: bool = False) -> str:
        kind = self.random.random()
        if kind < 0.25:
            return "1:*"
        if kind < 0.55:
            return self.number(who)
        if kind < 0.62 and self.chance(0.4):
            return "$"
        if self.chance(0.1):
            return f"*:{self.number(who)}" if uid else "1:*"  # as below
        pieces = [
            self.number(who) if self.chance(0.5) else f"{self.number(who)}:{self.number(who)}"
            for _ in range(self.random.randint(1, 3))
        ]
        # RFC 3501 section 9, seq-number: Dovecot takes numbers that no message has, if there is a * behind a comma.
        return ",".join(pieces).replace("*", "1") if len(pieces) > 1 else pieces[0]

    def uid(self) -> str:
        return "UID " if self.loose or self.chance(0.45) else ""

    def flags(self) -> str:
        chosen = self.random.sample(KEYWORDS, self.random.randint(0, 3))
        if self.chance(0.15) and "\\Deleted" not in chosen:
            chosen.append("\\Deleted")
        if "work" in chosen:
            chosen = [flag for flag in chosen if flag != "Work"]  # Dovecot loses what is behind such a pair
        return "(" + " ".join(chosen) + ")"

    def modseq(self, who: int) -> str:
        box = self.selected[who]
        if not self.moments.get(box):
            return ""
        return f"<<M {box} {self.random.randint(1, self.moments[box])}>>"

    # commands

    def message(self) -> bytes:
        """Return a message whose encodings are what they say: what is told of broken ones is settled elsewhere."""
        if self.chance(0.2):
            return self.random.choice(ENCODED)
        content = self.messages.entity().replace(b"base64", b"8bit")
        if self.dated and b"\r\nDate: " not in b"\r\n" + content.partition(b"\r\n\r\n")[0]:
            content = b"Date: Tue, 3 Feb 2026 01:02:03 +0000\r\n" + content
        return content

    def literal(self, content: bytes) -> bytes:
        return b"{%d%b}\r\n%b" % (len(content), self.random.choice([b"", b"+", b"+"]), content)

    def append(self, who: int, box: str) -> None:
        command = b"APPEND " + self.astring(box).encode("latin-1")
        for _ in range(1 if self.chance(0.85) else self.random.randint(2, 3)):
            if self.chance(0.5):
                command += b" " + self.flags().encode()
            command += b' "' + self.random.choice(TIMES).encode() + b'" ' + self.literal(self.message())
            if box in self.boxes:
                self.boxes[box] += 1
        self.add(who, command)

    def catenate(self, who: int) -> None:
        if self.loose:
            return
        box = self.known()
        # Texts come first: Dovecot takes those that follow a URL of nothing for commands.
        texts = ["TEXT {18+}\r\nSubject: pieced\r\n\r\n", "TEXT {7}\r\nlorem\r\n"]
        sections = ["", "/;SECTION=TEXT", "/;SECTION=HEADER.FIELDS%20(FROM)", "/;SECTION=1"]
        pieces = texts[: self.random.randint(1, 2)]  # a message of no octets is refused here
        for _ in range(self.random.randint(0, 2)):
            pieces.append(f'URL "/INBOX/;UID={self.number(who)}{self.random.choice(sections)}"')
        self.boxes[box] += 1
        self.add(who, f'APPEND {self.astring(box)} "{self.random.choice(TIMES)}" CATENATE ({" ".join(pieces)})')

    def any_append(self, who: int) -> None:
        if self.loose:
            return  # Dovecot tells of it later, behind CREATE for one; until then its UID is nobody's there
        self.append(who, self.maybe_known())

    def select(self, who: int, box: str) -> None:
        parameters = ""
        if self.qresync and self.chance(0.4) and self.moments.get(box):
            moment = f"<<M {box} {self.random.randint(1, self.moments[box])}>>"
            known = self.random.choice(["", f" 1:{self.random.randint(1, 9)}"])
            parameters = f" (QRESYNC (<<V {box}>> {moment}{known}))"
        elif self.condstore and self.chance(0.3):
            parameters = " (CONDSTORE)"
        self.examined[who] = self.chance(0.15)
        self.add(who, f"{'EXAMINE' if self.examined[who] else 'SELECT'} {self.astring(box)}{parameters}")
        self.selected[who] = box if box in self.boxes else ""

    def any_select(self, who: int) -> None:
        self.select(who, "INBOX" if self.chance(0.4) else self.maybe_known())

    def leave(self, who: int) -> None:
        if self.chance(0.5):
            self.add(who, self.random.choice(["CLOSE", "UNSELECT"]))
            self.selected[who] = ""
            self.select(who, self.known())

    def status(self, who: int) -> None:
        items = self.random.sample(STATUS, self.random.randint(1, len(STATUS)))
        if self.condstore and self.chance(0.3):
            items.append("HIGHESTMODSEQ")
        self.add(who, f"STATUS {self.astring(self.maybe_known())} ({' '.join(items)})")

    def fetch_item(self) -> str:
        choose = self.random.choice
        part = choose(["", "1", "2", "1.1", "2.1", "3", "1.2.1", "9"])
        section = choose(["", "HEADER", "TEXT", "MIME"]) if part else choose(["", "HEADER", "TEXT"])
        if self.chance(0.3):
            names = " ".join(self.astring(name) for name in self.random.sample(FIELDS, self.random.randint(1, 3)))
            section = f"HEADER.FIELDS{choose(['', '.NOT'])} ({names})"
        where = ".".join(piece for piece in (part, section) if piece)
        partial = f"<{choose([0, 0, 1, 5, 100, 9999])}.{choose([1, 10, 100, 4294967295])}>" if self.chance(0.3) else ""
        return choose(
            [
                *("FLAGS", "UID", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY", "BODYSTRUCTURE"),
                *("RFC822", "RFC822.HEADER", "RFC822.TEXT", "SAVEDATE", "PREVIEW"),
                f"BODY.PEEK[{where}]{partial}",
                f"BODY[{where}]{partial}",
                f"BODY.PEEK[{where}]{partial}",
                *(["MODSEQ"] if self.condstore else []),
            ]
        )

    def fetch(self, who: int) -> None:
        if self.chance(0.1):
            part = self.random.choice(["1", "2", "1.1", "2.1", "3", "1.2.1", "9"])
            items = self.random.choice([f"BINARY.PEEK[{part}]", f"BINARY.SIZE[{part}]", f"BINARY.PEEK[{part}]<1.20>"])
        elif self.chance(0.15):
            items = self.random.choice(["ALL", "FAST", "FULL"])
        else:
            items = " ".join(dict.fromkeys(self.fetch_item() for _ in range(self.random.randint(1, 3))))
            items = items if " " not in items and self.chance(0.5) else f"({items})"
        since = self.modseq(who) if self.chance(0.25) else ""
        changed = f" (CHANGEDSINCE {since})" if since else ""
        if since and not items.startswith("("):
            items = f"({items})"  # Dovecot takes what follows PREVIEW and BINARY for theirs
        uid = self.uid()
        if since and uid and self.qresync and self.chance(0.4):
            changed = f" (CHANGEDSINCE {since} VANISHED)"
        numbers = self.numbers(who)
        if numbers == "$":  # its end, for Dovecot
            changed = changed.replace(" VANISHED", "")
        self.add(who, f"{uid}FETCH {numbers} {items}{changed}")

    def store(self, who: int) -> None:
        if self.examined[who]:
            return
        since = self.modseq(who) if self.chance(0.3) else ""
        unchanged = f"(UNCHANGEDSINCE {since}) " if since else ""
        how = self.random.choice(["FLAGS", "+FLAGS", "-FLAGS", "+FLAGS", "FLAGS.SILENT", "+FLAGS.SILENT"])
        # RFC 7162 section 3.1.12: it should fail only where a flag has changed that it names; Dovecot's always does.
        how = how.strip("+-") if since else how
        flags = self.flags()
        flags = flags[1:-1] if self.chance(0.3) and flags != "()" else flags
        self.add(who, f"{self.uid()}STORE {self.numbers(who)} {unchanged}{how} {flags}")

    def key(self, who: int, depth: int = 0) -> str:
        choose = self.random.choice
        if depth < 3 and self.chance(0.3):
            inner = [self.key(who, depth + 1) for _ in range(2)]
            return choose([f"NOT {inner[0]}", f"OR {inner[0]} {inner[1]}", f"({inner[0]} {inner[1]})", f"({inner[0]})"])
        flag = choose(PLAIN_KEYS)
        word = self.astring(choose(WORDS))
        date = choose(DATES)
        date = f'"{date}"' if self.chance(0.2) else date
        keys = [
            *(flag, flag, flag),
            f"KEYWORD {choose(['work', 'WORK', '$forwarded', 'nonjunk', 'none'])}",
            f"UNKEYWORD {choose(['work', 'none'])}",
            f"{choose(['FROM', 'TO', 'CC', 'BCC', 'SUBJECT', 'BODY', 'TEXT'])} {word}",
            f"HEADER {self.astring(choose(FIELDS))} {word}",
            f"{choose(self.by_date)} {date}",
            f"{choose(['LARGER', 'SMALLER'])} {choose([0, 100, 300, 1000, 4294967295])}",
            f"UID {self.numbers(who, uid=True)}",
            self.numbers(who),
        ]
        # RFC 3501 section 6.4.4, NOT: the messages that do not match; Dovecot finds none that way.
        if depth == 0 and (since := self.modseq(who)):
            keys.append(f"MODSEQ {since.replace('M', 'N', 1)}")
        return choose(keys)

    def keys(self, who: int) -> str:
        # RFC 3501 section 6.4.4, NOT and OR: Dovecot draws out a key that is on both sides, behind NOT ( ) too. With
        # OR UNSEEN UNDRAFT it leaves out what is seen and no draft.
        while True:
            keys = " ".join(self.key(who) for _ in range(self.random.choice((1, 1, 2, 3))))
            words = [word.strip("()") for word in keys.split() if word not in {"NOT", "OR"}]
            if ("NOT (" not in keys or len(set(words)) == len(words)) and not OR_OF_UNSET_FLAGS.search(keys):
                return keys

    def returned(self) -> str:
        if self.chance(0.5):
            return ""
        options = self.random.sample(["MIN", "MAX", "ALL", "COUNT", "SAVE"], self.random.randint(0, 3))
        if self.chance(0.2) and "ALL" not in options:
            options.append(f"PARTIAL {self.random.choice(['1:2', '2:5', '1:100', '50:60'])}")
        return f"RETURN ({' '.join(options)}) "

    def search(self, who: int) -> None:
        charset = self.random.choice(["UTF-8", "utf-8", "US-ASCII", "x-none"])
        keys = self.keys(who)
        charset = "UTF-8" if not keys.isascii() else charset
        charset = f"CHARSET {charset} " if self.chance(0.2) or not keys.isascii() else ""
        self.add(who, f"{self.uid()}SEARCH {self.returned()}{charset}{keys}")

    def sort(self, who: int) -> None:
        criteria = [
            self.random.choice(["", "", "REVERSE "]) + name
            for name in self.random.sample(SORTS, self.random.randint(1, 3))
        ]
        returned = self.returned().replace("SAVE", "COUNT")
        self.add(who, f"{self.uid()}SORT {returned}({' '.join(criteria)}) UTF-8 {self.keys(who)}")

    def thread(self, who: int) -> None:
        how = self.random.choice(["ORDEREDSUBJECT", "REFERENCES", "REFS"])
        keys = self.keys(who)
        if how == "ORDEREDSUBJECT" or not re.search(r"\d|\*|\$", keys):  # else Dovecot may fail an assertion
            self.add(who, f"{self.uid()}THREAD {how} UTF-8 {keys}")

    def copy(self, who: int) -> None:
        if self.loose:
            return  # RFC 3501 section 6.4.8: UIDs of nothing are ignored; Dovecot refuses those that have been expunged
        box = self.maybe_known()
        if box in self.boxes:
            self.boxes[box] += self.count(who)
        how = self.random.choice(["COPY", "MOVE"]) if not self.examined[who] else "COPY"
        self.add(who, f"{self.uid()}{how} {self.numbers(who)} {self.astring(box)}")

    def expunge(self, who: int) -> None:
        if self.examined[who]:
            return
        self.add(who, "EXPUNGE" if not self.loose and self.chance(0.6) else f"UID EXPUNGE {self.numbers(who)}")

    def pattern(self) -> str:
        choose = self.random.choice
        name = choose([*self.boxes, *NAMES])
        # RFC 3501 section 5.1.3: what is on the wire is matched; Dovecot matches the characters that it means.
        cut = 0 if "&" in name else self.random.randint(0, len(name))
        return choose(
            [
                "*",
                "%",
                "%/%",
                "*%",
                "inbox*",
                "INBOX/%",
                "%*%",
                "*/*",
                name,
                name[:cut] + "*",
                name[:cut] + "%",
                "*" + name[cut:],
                name + "/%",
                "",
            ]
        )

    def names(self, who: int) -> None:
        kind = self.random.random()
        reference = self.random.choice(['""', '""', '""', "a", "a/", "INBOX"])
        if kind < 0.25:
            self.add(who, f"LSUB {reference} {self.astring(self.pattern())}")
        elif kind < 0.55:
            self.add(who, f"LIST {reference} {self.astring(self.pattern())}")
        else:
            options = self.random.choice(["", "", "(SUBSCRIBED) ", "(SPECIAL-USE) ", "(SUBSCRIBED RECURSIVEMATCH) "])
            # RFC 5258 section 3: an empty one of several is ignored; Dovecot matches the reference with it.
            several = self.chance(0.3)
            patterns = (
                [self.astring(self.pattern() or "%") for _ in range(2)] if several else [self.astring(self.pattern())]
            )
            pattern = patterns[0] if len(patterns) == 1 else f"({' '.join(patterns)})"
            returned = self.random.sample(["SUBSCRIBED", "CHILDREN", "SPECIAL-USE"], self.random.randint(0, 3))
            if self.chance(0.4):
                items = self.random.sample(STATUS, self.random.randint(1, 3))
                returned.append(f"STATUS ({' '.join(items)})")
            end = f" RETURN ({' '.join(returned)})" if returned or self.chance(0.3) else ""
            self.add(who, f"LIST {options}{reference} {pattern}{end}")

    def new_name(self) -> str:
        parents: list[str] = ["", *(box + "/" for box in self.boxes if box.count("/") < 2 and box not in MADE[1:])]
        return self.random.choice(parents) + self.random.choice(NAMES)

    def create(self, who: int) -> None:
        name = self.new_name() if self.chance(0.9) else self.known()
        self.add(who, f"CREATE {self.astring(name)}")
        self.boxes.setdefault(name, 0)

    def below(self, name: str) -> bool:
        return any(box.startswith(name + "/") for box in self.boxes)

    def leaves(self) -> list[str]:
        """Return mailboxes that may go: nobody has them open, nothing is below them."""
        return [box for box in self.boxes if box not in MADE and box not in self.selected and not self.below(box)]

    def delete(self, who: int) -> None:
        leaves = self.leaves()
        if self.chance(0.1) or not leaves:
            self.add(who, f"DELETE {self.astring(self.random.choice(['INBOX', 'nope', 'a/b/c/d']))}")
            return
        name = self.random.choice(leaves)
        self.add(who, f"DELETE {self.astring(name)}")
        del self.boxes[name]
        self.moments.pop(name, None)

    def rename(self, who: int) -> None:
        movable = [
            box
            for box in self.boxes
            if box not in MADE and not any(held == box or held.startswith(box + "/") for held in self.selected)
        ]
        if not movable or self.chance(0.1):
            self.add(who, f"RENAME {self.astring('nope')} {self.astring(self.known())}")
            return
        old, new = self.random.choice(movable), self.new_name()
        if new == old or new.startswith(old + "/") or new in self.boxes:
            return
        self.add(who, f"RENAME {self.astring(old)} {self.astring(new)}")
        for box in [box for box in self.boxes if box == old or box.startswith(old + "/")]:
            self.boxes[new + box[len(old) :]] = self.boxes.pop(box)
            self.moments.pop(box, None)

    def subscribe(self, who: int) -> None:
        command = self.random.choice(["SUBSCRIBE", "SUBSCRIBE", "UNSUBSCRIBE"])
        self.add(who, f"{command} {self.astring(self.maybe_known())}")

    def small(self, who: int) -> None:
        choices = [
            "NOOP",
            "CHECK",
            "NAMESPACE",
            "IDLE",
            "ID NIL",
            'ID ("name" "x")',
            "CAPABILITY",
            "NOOP",
            "MYRIGHTS INBOX",
        ]
        command = self.random.choice(choices)
        self.add(who, "IDLE\r\nDONE" if command == "IDLE" else command)

    def metadata(self, who: int) -> None:
        entry = self.random.choice(["/private/comment", "/shared/comment", "/private/vendor/x/y"])
        box = self.astring(self.random.choice(["", self.known()]))
        if box == '""' and (entry.startswith("/shared") or self.condstore):
            return  # the first is not for everybody, and for the second Dovecot changes INBOX's HIGHESTMODSEQ
        if self.chance(0.5):
            value = self.random.choice(["NIL", '"one"', '"t w o"', "{3+}\r\nabc"])
            self.add(who, f"SETMETADATA {box} ({entry} {value})")
        else:
            self.add(who, f"GETMETADATA {box} ({entry})")

    def quota(self, who: int) -> None:
        self.add(who, self.random.choice(["GETQUOTAROOT INBOX", f"GETQUOTAROOT {self.astring(self.known())}"]))

    def spoilt(self, who: int) -> None:
        """Repeat a command of before with a fault in it, if it has no literal."""
        if self.loose:
            return
        whole = [step.command for step in self.steps if b"\r\n" not in step.command and b"<<" not in step.command]
        if not whole:
            return
        command = self.random.choice(whole)
        if not re.match(rb"(UID )?(FETCH|SEARCH|SORT|THREAD)|STATUS|LIST|LSUB|GET|ENABLE|NAMESPACE", command):
            return
        at = self.random.randrange(len(command))
        mark = self.random.choice([b"", b"", b"(", b")", b'"', b" ", b"0", b":", b",", b"*", b"x", b"["])
        changed = command[:at] + mark + command[at + (mark == b"" or self.chance(0.5)) :]
        self.steps.append(Step(who, changed, spoilt=True))
