"""Random Sieve scripts from a seed, each with a message and an envelope.

A script is a list of commands that can each be left out. What it finds is seen by its actions and flags, or (`edits`)
by the header section of a message that it redirects, into which it writes its variables.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.golden.structure.dovecot import Generator
from tests.interop.beside.messages import Faults
from tests.interop.beside.words import (
    ADDRESSES,
    COPIES,
    DATES,
    EDITED,
    FIELDS,
    FLAGGED,
    FLAGS,
    MAILBOXES,
    MODIFIERS,
    NUMBERS,
    PARTS,
    RECIPIENTS,
    RELATIONS,
    REQUIRED,
    SENDERS,
    VARIABLES,
    WORDS,
    ZONES,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

WILD = re.compile(r"\\.|\?", re.DOTALL)
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}()\[\],;]|[^\s"{}()\[\],;]+', re.DOTALL)
SPECIAL = re.compile(r"[.\\\[\](){}*+?^$|]")


@dataclass
class Case:
    """What both are asked."""

    edits: bool
    commands: list[str]
    message: bytes
    sender: str
    recipient: str
    required: list[str] = field(default_factory=lambda: list(REQUIRED))
    last: str = ""

    @property
    def script(self) -> str:
        """Return the script whole."""
        names = ", ".join(f'"{name}"' for name in self.required)
        return "\n".join([f"require [{names}];", *self.commands, self.last, ""])


class Scripts:
    """Makes the script of one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.edits = self.chance(0.6)
        self.constant = self.chance(0.5)  # behind a constant test pigeonhole does not look for faults
        self.message = self._message(seed)
        head = re.sub(
            rb"\r\n(?=[ \t])", b"", self.message.partition(b"\r\n\r\n")[0].replace(b"=?utf-8?q?Jo=65rg?=", b"Joerg")
        ).decode("utf-8", "replace")
        self.values = [line.partition(":")[2].strip() for line in head.split("\r\n")] or [""]
        self.encoded = self.chance(0.3)

    def _message(self, seed: int) -> bytes:
        content = Generator(seed).entity().replace(b"\r\n\t", b"\r\n ").replace(b"base64", b"8bit")
        content = content.replace(b"=?utf-8?q?J=C3=B6rg?=", b"=?utf-8?q?Jo=65rg?=")
        head = [f"Date: {self.random.choice(DATES)}\r\n".encode()] if self.chance(0.4) else []
        head += [f"X-A: {self.word()}\r\n".encode() for _ in range(self.random.randint(0, 3))]
        if self.chance(0.3):
            head.append(f"Received: from a by b; {self.random.choice(DATES)}\r\n".encode())
        if head and self.chance(0.5):
            content = re.sub(rb"(?m)^Date: .*\r\n", b"", content)
        content = b"".join(head) + content
        content = Faults(self.random).make(content)[1] if not self.edits and self.chance(0.15) else content
        # pigeonhole edits no other messages, and has no body where it has no octets
        return content if content.partition(b"\r\n\r\n")[2] else content + b"\r\n\r\nx\r\n"

    def make(self, length: int = 12) -> Case:
        """Return the script."""
        commands = [self.command() for _ in range(self.random.randint(1, length))]
        required = [*REQUIRED, *["encoded-character"] * self.encoded]
        if not self.constant and self.chance(0.15) and ":zone" not in " ".join(commands):  # see ZONES
            commands = self.spoilt(commands)
        case = Case(
            self.edits, commands, self.message, self.random.choice(SENDERS), self.random.choice(RECIPIENTS), required
        )
        if self.edits:
            names = [*VARIABLES[1:], *FLAGGED[1:], *map(str, range(4))]
            written = "|".join(f"${{{name}}}" for name in names)
            lengths = " ".join(f'set :length "l{number}" "${{{name}}}";' for number, name in enumerate(names))
            shown = " ".join(f"${{l{number}}}" for number in range(len(names)))
            case.last = f'addheader "X-Values" "{written}|"; {lengths} addheader "X-Lengths" "{shown}";\n'
            case.last += "".join(f'if hasflag "{flag}" {{ addheader "X-Flag" "{flag}"; }}\n' for flag in FLAGS[5:7])
            case.last += 'redirect "edits@a.test";'
        return case

    def spoilt(self, commands: list[str]) -> list[str]:
        """Leave out a word, or have it twice, or exchange it."""
        words = TOKEN.findall("\n".join(commands))
        at = self.random.randrange(len(words))
        words[at : at + 1] = self.random.choice([[], [words[at]] * 2, [self.random.choice(words)]])
        return [" ".join(words)]

    # pieces

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def some(self, choices: Sequence[str], most: int = 3) -> list[str]:
        return self.random.choices(choices, k=self.random.randint(1, most))

    def word(self) -> str:
        return self.random.choice(WORDS)

    def value(self) -> str:
        """Return a text that may be in the message."""
        text = self.random.choice(self.values)
        if self.chance(0.5) and len(text) > 1:
            first, last = sorted(self.random.sample(range(len(text) + 1), 2))
            text = text[first:last]
        return text if self.chance(0.7) else self.word()

    def quoted(self, text: str) -> str:
        """Write a string in one of its forms."""
        if self.encoded and text and self.chance(0.3):
            at = self.random.randrange(len(text))
            octets = " ".join(f"{octet:02X}" for octet in text[at].encode())
            code = self.random.choice(
                [f"${{hex:{octets}}}", f"${{HEX: {octets.lower()} }}", f"${{unicode:{ord(text[at]):04x}}}"]
            )
            return f'"{self.escaped(text[:at])}{code}{self.escaped(text[at + 1 :])}"'
        return f'"{self.escaped(text)}"'

    def escaped(self, text: str) -> str:
        return text.replace("\\", "\\\\").replace('"', '\\"')

    def reference(self) -> str:
        name = self.random.choice([*VARIABLES, "A", "0", "1", "2", "3", "none"])
        return f"${{{name}}}"

    def filled(self, text: str) -> str:
        """Put a reference to a variable into some texts."""
        if self.chance(0.25):
            at = self.random.randint(0, len(text))
            text = text[:at] + self.reference() + text[at:]
        elif self.chance(0.03):
            text += self.random.choice(["${", "$", "${}", "${a", "${ a}", "${a-b}", "${${a}}", "$${a}", "${01}"])
        return text

    def listed(self, texts: Sequence[str]) -> str:
        if len(texts) == 1 and self.chance(0.8):
            return self.quoted(texts[0])
        return "[" + ", ".join(map(self.quoted, texts)) + "]"

    def wildcards(self, text: str) -> str:
        """Make a pattern that may match the text."""
        text = re.sub(r"[\\*?]", lambda match: self.random.choice(["\\", "\\", ""]) + match[0], text)
        for _ in range(self.random.randint(0, 3)):
            first, last = sorted(self.random.choices(range(len(text) + 1), k=2))
            wild = "*" if self.chance(0.7) else "?" * min(last - first, 3)
            text = text[:first] + wild + (text[last:] if self.chance(0.7) else text[first:])
        text = re.sub(r"(?<!\\)((?:\\\\)*)\\\Z", r"\1", text)
        if "*" in text:  # beside "*" pigeonhole does not always find what "?" stands for
            return WILD.sub(lambda match: "" if match[0] == "?" else match[0], text)
        return text

    def expression(self, text: str) -> str:
        """Make a regular expression that may match the text."""
        pieces = [SPECIAL.sub(r"\\\g<0>", character) for character in text[:24]]
        for _ in range(self.random.randint(0, 3)):
            first, last = sorted(self.random.choices(range(len(pieces) + 1), k=2))
            inner = "".join(pieces[first:last])
            pieces[first:last] = [
                self.random.choice(
                    [
                        "(.*)",
                        ".+",
                        "[a-z]+",
                        "([A-Za-z0-9.]*)",
                        "[^ ]*",
                        f"({inner})",
                        f"({inner}|x)",
                        "([0-9]{1,3})",
                        "(.?)",
                    ]
                )
            ]
        start, end = self.random.choice(["", "^", ".*"]), self.random.choice(["", "$"])
        return start + "".join(pieces) + end

    # tests

    def matching(self, *, counts: bool = True, default: bool = True) -> tuple[str, list[str]]:
        """Return tags, and keys that go with them."""
        kind = self.random.choice(
            ["", ":is", ":contains", ":contains", ":matches", ":matches", ":regex", ":value", ":count"]
        )
        if kind == ":count" and not counts:
            kind = ":is"
        comparators = [] if not default else [""]
        if kind == ":value":
            comparators = ["i;octet", "i;ascii-numeric"]
        elif kind == ":count":
            comparators += ["i;ascii-numeric"] * 3
        else:
            comparators += ["i;octet", "i;ascii-casemap"]
        comparator = self.random.choice(comparators)
        if kind in {":value", ":count"}:
            keys = self.some(NUMBERS if kind == ":count" or comparator.endswith("c") else [self.value()])
            kind += f' "{self.random.choice(RELATIONS)}"'
        elif kind == ":matches":
            keys = [self.wildcards(self.value()) for _ in range(self.random.randint(1, 2))]
        elif kind == ":regex":
            keys = [self.expression(self.value())]
        else:
            keys = [self.value() for _ in range(self.random.randint(1, 3))]
        if ":regex" not in kind:
            keys = [self.filled(key) for key in keys]
        tags = [kind] + ([f':comparator "{comparator}"'] if comparator else [])
        self.random.shuffle(tags)
        return " ".join(tags), keys

    def index(self, tags: str = "") -> str:
        if ":count" in tags:  # RFC 5260 §6: one or none; pigeonhole counts none
            return ""
        return self.random.choice(
            ["", "", "", f":index {self.random.randint(1, 3)} ", ":index 1 :last ", ":last :index 2 "]
        )

    def test(self, depth: int = 0) -> str:
        """Return a test."""
        kinds = [self.header, self.header, self.address, self.envelope, self.exists, self.size, self.date, self.now]
        kinds += [self.string, self.hasflag, self.mailboxexists]
        kinds += [] if self.edits else [self.body]  # behind an edit pigeonhole may not see the body
        if depth < 2 and self.chance(0.25):
            inner = [self.test(depth + 1) for _ in range(self.random.randint(1, 3))]
            return self.random.choice([f"allof({', '.join(inner)})", f"anyof ({', '.join(inner)})", f"not {inner[0]}"])
        if self.constant and depth == 0 and self.chance(0.05):  # within others pigeonhole takes none but them
            return self.random.choice(["true", "false", "TRUE"])
        return self.random.choice(kinds)()

    def header(self) -> str:
        tags, keys = self.matching()
        names = list(dict.fromkeys(self.some(FIELDS)))  # with :index pigeonhole counts the fields of a name once
        return f"header {self.index(tags)}{tags} {self.listed(names)} {self.listed(keys)}"

    def address(self) -> str:
        tags, keys = self.matching()
        part = self.random.choice(["", ":all ", ":localpart ", ":domain ", ":user ", ":detail "])
        names = list(dict.fromkeys(self.some(ADDRESSES, 2)))
        return f"address {self.index(tags)}{part}{tags} {self.listed(names)} {self.listed(keys)}"

    def envelope(self) -> str:
        tags, keys = self.matching()
        part = self.random.choice(["", ":all ", ":localpart ", ":domain ", ":user ", ":detail "])
        keys += self.some(["alice", "bob", "Alpha.test", "inbox", "BOB+inbox@beta.test", "b*", ""], 1)
        return f"envelope {part}{tags} {self.listed(self.some(['from', 'to', 'TO'], 2))} {self.listed(keys)}"

    def exists(self) -> str:
        return f"exists {self.listed(self.some(FIELDS, 2))}"

    def size(self) -> str:
        limit = self.random.choice(["0", "1K", "1M", "500", str(len(self.message)), str(len(self.message) - 1), "2k"])
        return f"size {self.random.choice([':over', ':under'])} {limit}"

    def zone(self) -> str:
        return self.random.choice(["", f':zone "{self.random.choice(ZONES)}" '])

    def date(self) -> str:
        tags, keys = self.matching()
        zone = self.random.choice([self.zone(), ":originalzone "])
        keys += self.some(["2026", "*-*", "0*", "1", "02", "+0100", "*2*:*"], 2) if ":regex" not in tags else []
        name = self.random.choice(["Date", "date", "Received", "X-None", "Subject"])
        return f'date {zone}{tags} "{name}" "{self.random.choice(PARTS)}" {self.listed(keys)}'

    def now(self) -> str:
        fixed = ['"year" :value "ge"', '"date" :matches', '"zone" :is', '"iso8601" :contains', '"year" :count "eq"']
        part, _, tags = self.random.choice(fixed).partition(" ")
        keys = self.some(["2020", "????-??-??", "+0000", "-0500", "T", "1"])
        return f"currentdate {self.zone()}{tags} {part} {self.listed(keys)}"

    def body(self) -> str:
        tags, keys = self.matching()
        types = self.some(["text", "text/plain", "TEXT/html", "message/rfc822", "multipart", "", "image", "text/"], 2)
        part = self.random.choice([":raw", ":text", "", f":content {self.listed(types)}"])
        return f"body {part} {tags} {self.listed(keys)}"

    def string(self) -> str:
        tags, keys = self.matching(default=False)
        return f"string {tags} {self.listed([self.filled(self.value()) for _ in range(2)])} {self.listed(keys)}"

    def hasflag(self) -> str:
        tags, keys = self.matching()
        if ":matches" in tags or ":value" in tags:  # RFC 5232 §2: a list of flags; pigeonhole has one key
            keys = [re.sub(r"\s|\$", "", key) or "x" for key in keys]
        keys = self.some(FLAGS) if tags in {"", ":is", ":contains"} else keys
        return f"hasflag {tags} {self.variable()}{self.listed(keys)}"

    def mailboxexists(self) -> str:
        return f"mailboxexists {self.listed(self.some([*MAILBOXES, 'inbox'], 2))}"

    # commands

    def variable(self) -> str:
        return f'"{self.random.choice(FLAGGED)}" ' if self.chance(0.3) else ""

    def command(self, depth: int = 0) -> str:
        """Return a command, and what belongs to it."""
        kinds = [self.set, self.flag] + ([self.edit, self.edit] if self.edits else [self.action])
        if depth < 3 and self.chance(0.6 if depth == 0 else 0.25):
            return self.nest(depth + 1)
        return self.random.choice(kinds)()

    def block(self, depth: int) -> str:
        inside = [self.command(depth) for _ in range(self.random.randint(0 if depth > 1 else 1, 2))]
        return "{ " + " ".join(inside) + " }"

    def nest(self, depth: int) -> str:
        words = [f"if {self.test()} {self.block(depth)}"]
        while self.chance(0.3):
            words.append(f"elsif {self.test()} {self.block(depth)}")
        if self.chance(0.3):
            words.append(f"else {self.block(depth)}")
        return "\n  ".join(words)

    def set(self) -> str:
        chosen = [f"{name} " for name in self.random.sample(MODIFIERS, self.random.choice([0, 0, 0, 1, 1, 2]))]
        if self.constant or self.chance(0.9):  # two of one precedence are an error
            chosen = [name for name in chosen if name not in {":upper ", ":lowerfirst "}]
        name, value = self.random.choice(VARIABLES), self.filled(self.filled(self.value()))
        value += "x" * (value.lower() == f"${{{name.lower()}}}")  # pigeonhole makes it empty
        return f'set {"".join(chosen)}"{name}" {self.quoted(value)};'

    def flag(self) -> str:
        word = self.random.choice(["addflag", "addflag", "setflag", "removeflag"])
        return f"{word} {self.variable()}{self.flags()};"

    def flags(self) -> str:
        return self.listed([flag + "${none}" * self.chance(0.25) for flag in self.some(FLAGS)])

    def action(self) -> str:
        kind = self.random.random()
        flags = f":flags {self.flags()} " if self.chance(0.3) else ""
        if kind < 0.25:
            return f"keep {flags};"
        if kind < 0.65:
            copy, create = ":copy " * self.chance(0.4), ":create " * self.chance(0.2)
            box = self.random.choice(COPIES if copy else MAILBOXES)
            return f"fileinto {copy}{create}{flags}{self.quoted(box)};"
        if kind < 0.8:
            if self.chance(0.4):
                return f"redirect :copy {self.quoted(self.random.choice(['c@d.test', 'Name <c.e@d.test>']))};"
            return f"redirect {self.quoted(self.random.choice(['a@b.test', 'A.B+c@d.test', 'Name <a@b.test>']))};"
        return self.random.choice(["discard;", "discard;", "stop;", 'reject "no";'])

    def edit(self) -> str:
        name = self.quoted(self.random.choice(EDITED))
        if self.chance(0.5):
            value = self.filled(self.value().strip())  # around it pigeonhole leaves white space
            name = self.quoted(self.random.choice(EDITED[:-1]))  # not To: what is no address there is settled
            return f"addheader {':last ' * self.chance(0.4)}{name} {self.quoted(value)};"
        if self.chance(0.4):
            return f"deleteheader {self.index()}{name};"
        tags, keys = self.matching(counts=False)  # pigeonhole ends
        return f"deleteheader {self.index()}{tags} {name} {self.listed(keys)};"
