"""IMAP and POP3, 10,000 messages of 2 KiB, against Dovecot: time in milliseconds, both sides warm, no TLS on either."""

from __future__ import annotations

import base64
import random
import statistics
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

from bench.clients import ImapClient, Pop3Client
from bench.placement import on_one_processor
from bench.table import Row, at_most, interleave
from bench.waiting import Others

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MESSAGES = 10_000
LARGE = 1_000
BIG = 200_000  # messages of a mailbox that a session opens while others work
CHANGED = 100_000  # messages that a session asks for, changes and removes while others work
WAIT = 50.0  # milliseconds that others may wait meanwhile
HEADER_VIEW = (
    "FETCH 1:* (UID RFC822.SIZE FLAGS INTERNALDATE BODY.PEEK[HEADER.FIELDS "
    "(From To Cc Bcc Subject Date Message-ID Priority X-Priority References Newsgroups In-Reply-To "
    "Content-Type Reply-To)])"
)
WORDS = (
    "post",
    "road",
    "mail",
    "relay",
    "queue",
    "spool",
    "store",
    "zone",
    "packet",
    "letter",
    "route",
    "horse",
    "inn",
)

Place = tuple[str, int, int]  # address, IMAP port, POP3 port
User = tuple[str, str]


def messages(count: int, size: int, seed: int) -> list[bytes]:
    """Return messages of about `size` octets, as different from each other as letters are."""
    dice = random.Random(seed)
    contents = []
    for number in range(count):
        head = (
            f"Received: from client.test ([127.0.0.1]) by mx.test with ESMTP id {number:08};\r\n"
            f"\tMon, 23 Nov 2026 10:{number // 60 % 60:02}:{number % 60:02} +0000\r\n"
            f"From: {dice.choice(WORDS).title()} {dice.choice(WORDS)} <{dice.choice(WORDS)}{number}@alpha.test>\r\n"
            f"To: Bob Builder <bob@beta.test>\r\nSubject: {' '.join(dice.choices(WORDS, k=6))}\r\n"
            f"Date: Mon, 23 Nov 2026 10:{number // 60 % 60:02}:{number % 60:02} +0000\r\n"
            f"Message-ID: <{seed}.{number}@alpha.test>\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        )
        body = []
        length = len(head)
        while length < size:
            line = " ".join(dice.choices(WORDS, k=11)) + "\r\n"
            body.append(line)
            length += len(line)
        contents.append((head + "".join(body))[: size - 2].encode() + b"\r\n")
    return contents


def _pairs(ours: tuple[Place, User], peer: tuple[Place, User]) -> tuple[ImapClient, ImapClient]:
    return tuple(ImapClient(place[0], place[1], *user) for place, user in (ours, peer))  # type: ignore[return-value]


def _login(place: Place, user: User) -> float:
    """Return the median milliseconds from connecting to the OK of LOGIN."""
    times = []
    for _ in range(30):
        started = time.perf_counter()
        client = ImapClient(place[0], place[1], *user)
        times.append((time.perf_counter() - started) * 1000)
        client.__exit__()
    return sorted(times)[len(times) // 2]


def _select(place: Place, user: User) -> float:
    """Return the median milliseconds of SELECT in a session that has just logged in, as clients give it."""
    times = []
    for _ in range(15):
        with ImapClient(place[0], place[1], *user) as client:
            times.append(client.timed("SELECT INBOX"))
    return statistics.median(times)


def _status(place: Place, user: User) -> Callable[[], float]:
    """Measure STATUS of INBOX in a session that has not selected it, as clients give it."""

    def measure() -> float:
        with ImapClient(place[0], place[1], *user) as client:
            return statistics.median(client.timed(STATUS) for _ in range(15))

    return measure


STATUS = "STATUS INBOX (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)"
SORT = "SORT (SUBJECT REVERSE DATE) UTF-8 ALL"
THREAD = "THREAD REFERENCES UTF-8 ALL"
# What is measured, the command, how often in a round (its median counts), and the floor against sdbox.
SHORT_COMMANDS = (("SELECT again", "SELECT INBOX", 15, 1.0), ("NOOP", "NOOP", 100, 1.5))
COMMANDS = (
    ("FETCH flags", "FETCH 1:* (FLAGS)", 5, 0.7),
    ("FETCH ENVELOPE", "FETCH 1:* (ENVELOPE)", 3, 0.2),
    ("header view", HEADER_VIEW, 3, 0.8),
    ("SEARCH TEXT", "SEARCH TEXT nowhere-to-be-found", 3, 0.03),
    ("SEARCH FROM", "SEARCH FROM horse77", 3, 0.06),
    ("SEARCH by flag", "SEARCH ANSWERED", 15, 1.0),
    ("SORT, repeated", SORT, 3, 0.5),
    ("THREAD, repeated", THREAD, 3, 0.5),
)
# NOOPs of one session while others search: how many sessions, and what each of them asks for.
SEARCHED = 39 << 20  # octets of a message, its body in base64
SEARCHES = (
    ("another session searches", 1, "SEARCH BODY nowhere"),
    ("ten search by 60 keys each", 10, "SEARCH " + " ".join(f"NOT TEXT nowhere-{number}" for number in range(60))),
)
NOOP_EVERY = 0.002  # seconds
NOOPS_FOR = 2.0  # seconds
NOOP_FLOOR = 50.0  # milliseconds, of the 99th of 100
FLAG_ALL = "STORE 1:* +FLAGS (\\Flagged)"
FLAG_ALL_SILENTLY = "STORE 1:* +FLAGS.SILENT (\\Flagged)"
SINGLES = 200  # commands that are given one by one


def rows(
    ours: tuple[Place, User], peer: tuple[Place, User], peer_name: str, rounds: int, masters: Sequence[int]
) -> Iterator[Row]:
    """Fill both INBOXes, then measure row by row. Floors are those against sdbox.

    `masters` are the process IDs of both sides. Commands that are over in microseconds are measured on one processor.
    """
    mine, theirs = _pairs(ours, peer)
    sides: list[tuple[ImapClient, User]] = [(mine, ours[1]), (theirs, peer[1])]
    sorts = all(b" SORT" in client.command("CAPABILITY") for client, _ in sides)  # an older Postroad does not
    commands = [each for each in COMMANDS if sorts or each[1] not in (SORT, THREAD)]
    for client, _ in sides:
        client.empty()
        client.append(messages(MESSAGES, 2048, 1))
        client.command("SELECT INBOX")
        client.command("STORE 1:5000 +FLAGS.SILENT (\\Answered)")
        for _, text, _, _ in (*SHORT_COMMANDS, *commands):  # once unmeasured: caches are warm on both sides
            client.command(text)
    strict = peer_name == "dovecot sdbox"

    def row(name: str, floor: float) -> Row:
        return Row(f"IMAP {name}", "ms", at_most(floor) if strict else None, peer_name=peer_name)

    with on_one_processor(masters):
        yield interleave(row("LOGIN", 0.6), rounds, lambda: _login(*ours), lambda: _login(*peer))
        yield interleave(row("SELECT, a session's first", 1.0), rounds, lambda: _select(*ours), lambda: _select(*peer))
        yield interleave(row("STATUS", 1.0), rounds, _status(*ours), _status(*peer))
        for name, text, times, floor in SHORT_COMMANDS:
            yield interleave(row(name, floor), rounds, _median(mine, text, times), _median(theirs, text, times))
    for name, text, times, floor in commands:
        yield interleave(row(name, floor), rounds, _median(mine, text, times), _median(theirs, text, times))
    message = messages(1, 2048, 5)
    for name, text in (("SORT after an arrival", SORT), ("THREAD after an arrival", THREAD)) if sorts else ():
        both = (_after_an_arrival(client, message, text) for client in (mine, theirs))
        yield interleave(row(name, 0.5), rounds, *both)
    for name, text in (("STORE on all", FLAG_ALL), ("STORE .SILENT on all", FLAG_ALL_SILENTLY)):
        yield interleave(row(name, 1.0), rounds, _flag_all(mine, text), _flag_all(theirs, text))
    with on_one_processor(masters):
        yield interleave(row("STORE one by one", 1.5), rounds, _flag_each(mine), _flag_each(theirs))

    small = messages(LARGE, 2048, 2)

    def append(client: ImapClient, count: int, window: int) -> Callable[[], float]:
        def measure() -> float:
            client.empty()
            return client.append(small[:count], window=window)

        return measure

    yield interleave(
        row("1,000 APPENDs, pipelined", 0.15), rounds, append(mine, LARGE, 200), append(theirs, LARGE, 200)
    )
    name = f"{SINGLES} APPENDs, one by one"
    yield interleave(row(name, 0.6), rounds, append(mine, SINGLES, 1), append(theirs, SINGLES, 1))
    for client, _ in sides:
        client.empty()
        client.append(messages(LARGE, 8192, 3))
        client.command("SELECT INBOX")
        client.command(f"FETCH 1:{LARGE} (BODY.PEEK[])")
    whole = f"FETCH 1:{LARGE} (BODY.PEEK[])"
    yield interleave(row("1,000 bodies of 8 KiB", 0.8), rounds, lambda: mine.timed(whole), lambda: theirs.timed(whole))

    def one_by_one(client: ImapClient) -> Callable[[], float]:
        commands = [b"FETCH %d (BODY.PEEK[])" % number for number in range(1, LARGE + 1)]

        def measure() -> float:
            started = time.perf_counter()
            client.pipeline(commands, window=LARGE)
            return (time.perf_counter() - started) * 1000

        return measure

    yield interleave(row("the same, pipelined one by one", 1.0), rounds, one_by_one(mine), one_by_one(theirs))
    for client, _ in sides:
        client.command("UNSELECT")

    def retrieve(place: Place, user: User) -> Callable[[], float]:
        def measure() -> float:
            with Pop3Client(place[0], place[2], *user) as client:
                return client.retrieve(LARGE)

        return measure

    pop3 = Row("POP3 RETR of 1,000, pipelined", "ms", at_most(0.9) if strict else None, peer_name=peer_name)
    yield interleave(pop3, rounds, retrieve(*ours), retrieve(*peer))
    if strict:
        mine.empty()
        mine.append([_base64_message(SEARCHED)])
        for what, sessions, text in SEARCHES:
            yield from _noops(ours, what, sessions, text, rounds)
    for client, _ in sides:
        client.empty()
        client.__exit__()


def _median(client: ImapClient, text: str, times: int) -> Callable[[], float]:
    """Measure a command several times."""
    return lambda: statistics.median(client.timed(text) for _ in range(times))


def _after_an_arrival(client: ImapClient, message: list[bytes], text: str) -> Callable[[], float]:
    """Measure a command whose last answer is of no use any more, because a message has come."""

    def measure() -> float:
        client.append(message)
        client.command("NOOP")
        return client.timed(text)

    return lambda: statistics.median(measure() for _ in range(3))


def _flag_all(client: ImapClient, text: str) -> Callable[[], float]:
    """Measure a STORE that changes every message: what it sets is taken away again, unmeasured."""

    def measure() -> float:
        client.command(FLAG_ALL_SILENTLY.replace("+FLAGS", "-FLAGS"))
        return client.timed(text)

    return measure


def _flag_each(client: ImapClient) -> Callable[[], float]:
    """Measure the milliseconds of a STORE on one message, of which each waits for the answer to the last."""
    texts = [b"STORE %d +FLAGS (\\Flagged)" % number for number in range(1, SINGLES + 1)]

    def measure() -> float:
        client.command(FLAG_ALL_SILENTLY.replace("+FLAGS", "-FLAGS"))
        started = time.perf_counter()
        client.pipeline(texts, window=1)
        return (time.perf_counter() - started) * 1000 / SINGLES

    return measure


def durable_store(
    ours: tuple[Place, User], peer: tuple[Place, User], peer_name: str, rounds: int, masters: Sequence[int]
) -> Row:
    """Measure the same beside a peer that has each change on the disk before its OK, as we have."""
    mine, theirs = _pairs(ours, peer)
    with mine, theirs, on_one_processor(masters):
        for client in (mine, theirs):
            client.empty()
            client.append(messages(SINGLES, 2048, 1))
            client.command("SELECT INBOX")
        row = Row("IMAP STORE one by one", "ms", at_most(1.5), peer_name=peer_name)
        interleave(row, rounds, _flag_each(mine), _flag_each(theirs))
        for client in (mine, theirs):
            client.empty()
    return row


def big_rows(place: Place, user: User, rounds: int) -> Iterator[Row]:
    """Fill a mailbox of `BIG` messages, and measure how long others wait while sessions work on so many."""
    client, reader, other = (ImapClient(place[0], place[1], *user) for _ in range(3))
    with client, reader, other:
        client.empty()
        client.append(messages(LARGE, 200, 4))
        client.command("CREATE big")
        client.command("CREATE other")
        client.command("SELECT INBOX")
        for _ in range(BIG // LARGE):
            client.command("COPY 1:* big")
        client.command("COPY 1:* other")
        others = Others(other)

        def waiting(text: str) -> Callable[[], float]:
            def measure() -> float:
                client.command("SELECT other")  # one more in memory than may be: what nobody looks at is forgotten
                return others.wait(lambda: client.command(text))

            return measure

        for text in ("STATUS big (MESSAGES UNSEEN)", "SELECT big"):
            row = Row(f"others' NOOP, p99, during {text.split()[0]} of {BIG:,}", "ms", at_most(WAIT))
            yield interleave(row, rounds, waiting(text))
        yield from _changes(client, reader, others, rounds)
        for session in (client, reader):
            session.command("UNSELECT")
        for name in ("big", "other", "many"):
            client.command(f"DELETE {name}")
        client.empty()


def _changes(client: ImapClient, reader: ImapClient, others: Others, rounds: int) -> Iterator[Row]:
    """Measure how long others wait while one session works on many messages, and another hears of it."""
    works = (
        ("SEARCH of", client, "SEARCH UNSEEN"),
        ("FETCH of", client, "FETCH 1:* (UID FLAGS)"),
        ("STORE on", client, "STORE 1:* +FLAGS (\\Deleted)"),
        ("NOOP with the flags of", reader, "NOOP"),
        ("EXPUNGE of", client, "EXPUNGE"),
        ("NOOP with the EXPUNGEs of", reader, "NOOP"),
    )
    copying = _waiting_row("COPY of")
    rows = [_waiting_row(what) for what, _, _ in works]
    client.command("CREATE many")
    for _ in range(rounds):
        client.command("SELECT big")
        copying.ours.append(others.wait(lambda: client.command(f"COPY 1:{CHANGED} many")))
        for session in (client, reader):
            session.command("SELECT many")
        for row, (_, session, text) in zip(rows, works, strict=True):
            row.ours.append(others.wait(partial(session.command, text)))
    yield from (copying, *rows)


def _waiting_row(what: str) -> Row:
    return Row(f"others' NOOP, p99, during {what} {CHANGED:,}", "ms", at_most(WAIT))


def _base64_message(size: int) -> bytes:
    """Return a message whose body is a text in base64."""
    head = b"Subject: large\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    line = base64.b64encode(b"letters and packets by road and by relay, to any inn.....") + b"\r\n"
    return head + line * (size // len(line))


def _noops(ours: tuple[Place, User], what: str, sessions: int, text: str, rounds: int) -> Iterator[Row]:
    """Measure how long NOOPs wait while other sessions search."""
    half = Row(f"IMAP NOOP while {what}, p50", "ms", None)
    most = Row(f"IMAP NOOP while {what}, p99", "ms", at_most(NOOP_FLOOR))
    for _ in range(rounds):
        waits = _waits_of_noops(*ours, sessions, text)
        half.ours.append(statistics.median(waits))
        most.ours.append(statistics.quantiles(waits, n=100)[-1])
    yield half
    yield most


def _waits_of_noops(place: Place, user: User, sessions: int, text: str) -> list[float]:
    """Return the milliseconds that NOOPs took, one every `NOOP_EVERY`, while sessions repeat a command."""
    ended = threading.Event()
    begun = threading.Barrier(sessions + 1)

    def search() -> None:
        with ImapClient(place[0], place[1], *user) as client:
            client.command("SELECT INBOX")
            begun.wait()
            while not ended.is_set():
                client.command(text)

    searching = [threading.Thread(target=search) for _ in range(sessions)]
    for thread in searching:
        thread.start()
    waits: list[float] = []
    with ImapClient(place[0], place[1], *user) as client:
        begun.wait()
        until = time.perf_counter() + NOOPS_FOR
        while time.perf_counter() < until:
            waited = client.timed("NOOP")
            # A wait that is longer than the interval has held up the NOOPs that would have been sent meanwhile.
            while waited > 0:
                waits.append(waited)
                waited -= NOOP_EVERY * 1000
            time.sleep(NOOP_EVERY)
    ended.set()
    for thread in searching:
        thread.join()
    return waits
