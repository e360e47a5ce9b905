from __future__ import annotations

import io
import tarfile

import pytest

from postroad_web.seeding.found import Found, NotReadable
from postroad_web.seeding.maildir import Maildir, flags_of
from postroad_web.seeding.single import Single
from postroad_web.seeding.tar import LONGEST_NAME, File, Tar

MAIL = b"Subject: x\n\nbody\n"


def tar(*files: tuple[str, bytes], form: int = tarfile.GNU_FORMAT, **facts: object) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(content), 1_767_225_600
            for fact, value in facts.items():
                setattr(entry, fact, value)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def read(octets: bytes, *, step: int = 1000, most: int = 100_000) -> tuple[list[Found], int]:
    source = Maildir(most)
    messages: list[Found] = []
    for start in range(0, len(octets), step):
        messages += source.feed(octets[start : start + step])
    return [*messages, *source.end()], source.skipped


def files(octets: bytes, *, step: int = 1000) -> list[File]:
    archive = Tar(lambda _: True, 100_000)
    entries: list[File] = []
    for start in range(0, len(octets), step):
        entries += archive.feed(octets[start : start + step])
    archive.end()
    return entries


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("step", [1, 100, 512, 100_000])
def test_messages(form: int, step: int) -> None:
    octets = tar(
        ("Maildir/dovecot-uidlist", b"3 V1"),
        ("Maildir/cur/1.M1.host:2,FS", MAIL),
        ("Maildir/cur/.hidden", MAIL),
        ("Maildir/tmp/2.M1.host", MAIL),
        ("Maildir/new/3.M1.host", MAIL * 100),
        ("Maildir/.Sent/cur/4.M1.host:2,S", MAIL),
        ("Maildir/cur/5.M1.hóst:2,", MAIL),
        form=form,
    )
    date = 1_767_225_600.0
    assert read(octets, step=step) == (
        [
            Found(MAIL, ("\\Flagged", "\\Seen"), date, "Maildir/cur/1.M1.host:2,FS"),
            Found(MAIL * 100, (), date, "Maildir/new/3.M1.host"),
            Found(MAIL, (), date, "Maildir/cur/5.M1.hóst:2,"),
        ],
        1,
    )


@pytest.mark.parametrize("name", ["cur/1", "./cur/1", "/home/a/Maildir/new/1", ".maildir/cur/1"])
def test_where_a_maildir_may_be(name: str) -> None:
    assert len(read(tar((name, MAIL)))[0]) == 1


def test_folders_links_and_times() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "of all"}) as archive:
        folder = tarfile.TarInfo("cur")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        link = tarfile.TarInfo("cur/link")
        link.type, link.linkname = tarfile.SYMTYPE, "1"
        archive.addfile(link)
        entry = tarfile.TarInfo("cur/1")
        entry.size, entry.mtime = len(MAIL), 12.5
        archive.addfile(entry, io.BytesIO(MAIL))
        entry = tarfile.TarInfo("cur/2")
        entry.size, entry.mtime = len(MAIL), 0
        archive.addfile(entry, io.BytesIO(MAIL))
    assert [message.date for message in read(out.getvalue())[0]] == [12.5, None]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names(form: int) -> None:
    name = "d" * 80 + "/Maildir/cur/" + "n" * 90 + ":2,S"
    (message,) = read(tar((name, MAIL), form=form))[0]
    assert (message.place, message.flags) == (name, ("\\Seen",))


def test_a_pax_header_may_have_the_size_and_a_wrong_time() -> None:
    octets = tar(("cur/1", MAIL), form=tarfile.PAX_FORMAT, pax_headers={"size": str(len(MAIL)), "mtime": "never"})
    assert files(octets) == [File("cur/1", MAIL, 0.0)]


def test_large_numbers_are_in_gnus_form() -> None:
    (file,) = files(tar(("a", b""), mtime=1 << 36))
    assert (file.content, file.modified) == (b"", float(1 << 36))
    assert [read(tar(("cur/a", MAIL), mtime=time))[0][0].date for time in (0, 1, (1 << 40) - 1, 1 << 40)] == [
        *(None, 1.0, float((1 << 40) - 1)),
        None,
    ]


def test_a_name_may_have_so_many_octets() -> None:
    long = b"cur/".ljust(LONGEST_NAME - 1, b"x") + b"\0"
    octets = head(b"L", len(long)) + long.ljust(-(-len(long) // 512) * 512, b"\0") + head(size=1) + b"y".ljust(512)
    assert files(octets) == [File(long[:-1].decode(), b"y", 0.0)]
    with pytest.raises(NotReadable, match=f"a name of more than {LONGEST_NAME} octets"):
        files(head(b"L", LONGEST_NAME + 1))


def head(kind: bytes = b"0", size: int = 0, *, name: bytes = b"cur/1", magic: bytes = b"ustar\x0000") -> bytes:
    """Return the header of an entry, written by hand."""
    block = bytearray(512)
    block[: len(name)] = name
    block[124:136] = b"%011o\0" % size
    block[136:148] = b" " * 12  # no time
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[257:265] = magic
    block[345:352] = b"folder\0"
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize("kind", [b"1", b"2", b"3", b"4", b"5", b"6"])
def test_entries_that_have_a_size_and_no_content(kind: bytes) -> None:
    body = MAIL.ljust(512, b"\0")
    assert files(head(kind, 1000) + head(size=len(MAIL)) + body) == [File("folder/cur/1", MAIL, 0.0)]


@pytest.mark.parametrize("kind", [b"0", b"\0", b"7"])
def test_regular_files(kind: bytes) -> None:
    assert files(head(kind, len(MAIL)) + MAIL.ljust(512, b"\0")) == [File("folder/cur/1", MAIL, 0.0)]


def test_entries_of_other_kinds_are_passed_over_with_their_content() -> None:
    octets = head(b"D", 600) + b"x" * 1024 + head(b"g", 5) + b"6 a=b".ljust(512, b"\0") + head(size=512) + b"y" * 512
    assert files(octets, step=100) == [File("folder/cur/1", b"y" * 512, 0.0)]


def test_a_checksum_of_six_digits() -> None:
    """With many octets above 127 it is more than 0o77777."""
    block = bytearray(head())
    block[157:257] = b"\xff" * 100  # the name of a link's target, which a file does not have
    block[265:329] = b"\xff" * 64
    block[148:156] = b" " * 8
    assert sum(block) > 0o100000
    block[148:156] = b"%06o\0 " % sum(block)
    assert files(bytes(block)) == [File("folder/cur/1", b"", 0.0)]
    block[148] += 1
    with pytest.raises(NotReadable, match="at octet 0 there is no header of a tar"):
        files(bytes(block))


def test_names() -> None:
    assert files(head(magic=b"older\x0000"))[0].name == "cur/1"  # before POSIX there was no prefix
    assert files(head(name=b"n" * 100))[0].name == "folder/" + "n" * 100
    assert files(head(name=b"caf\xe9"))[0].name == "folder/caf\ufffd"
    assert files(head(magic=b"ustar  \0"))[0].name == "cur/1"  # GNU has other things where the prefix is
    assert files(head(magic=b"\0" * 8))[0].name == "cur/1"
    assert files(head(b"L", 9) + b"long/name".ljust(512, b"\0") + head())[0].name == "long/name"
    padded = b"0000017 mtime=1.\n"  # of the most digits that are read
    assert files(head(b"x", len(padded)) + padded.ljust(512, b"\0") + head()) == [File("folder/cur/1", b"", 1.0)]
    both = head(b"L", 1) + b"n".ljust(512, b"\0") + head(b"x", 13) + b"13 mtime=2.5\n".ljust(512, b"\0") + head()
    assert files(both) == [File("n", b"", 2.5)]


def test_the_largest_file() -> None:
    assert len(read(tar(("cur/1", b"x" * 100_000)))[0][0].content) == 100_000
    assert read(tar(*[(f".a/cur/{number}", MAIL) for number in range(3)], ("cur/1", MAIL)))[1] == 3
    assert Single(1).skipped == 0


@pytest.mark.parametrize("step", [100, 10_000])
def test_where_a_fault_is(step: int) -> None:
    octets = head(size=600) + b"x" * 1024 + head() + b"y" * 512
    archive = Tar(lambda _: True, 100_000)
    with pytest.raises(NotReadable, match="at octet 2048 there is no header"):  # noqa: PT012 - any step may be it
        for start in range(0, len(octets), step):
            list(archive.feed(octets[start : start + step]))


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("1:2,", ()),
        ("1", ()),
        ("1:1,S", ()),
        ("1:2,DFPRST", ("\\Draft", "\\Flagged", "$Forwarded", "\\Answered", "\\Seen", "\\Deleted")),
        ("1;2,SSa", ("\\Seen",)),
        ("1!2,R", ("\\Answered",)),
        ("cur:2,S/1", ()),
    ],
)
def test_flags(name: str, flags: tuple[str, ...]) -> None:
    assert flags_of(name) == flags


def broken_header() -> bytes:
    octets = bytearray(tar(("cur/1", MAIL)))
    octets[0] ^= 1
    return bytes(octets)


def with_size(field: bytes) -> bytes:
    block = bytearray(tar(("cur/1", MAIL))[:512])
    block[124:136] = field.ljust(12, b"\0")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize(
    ("octets", "sentence"),
    [
        (b"", "the tar is empty"),
        (b"\x1f\x8b" + b"x" * 600, "this is a compressed tar"),
        (b"x" * 1000, "at octet 0 there is no header of a tar"),
        (broken_header(), "at octet 0 there is no header of a tar"),
        (tar(("a", b""))[:512] + b"x" * 512, "at octet 512 there is no header of a tar"),
        (tar(("cur/1", MAIL))[:520], "the tar ends within cur/1"),
        (tar(("cur/1", MAIL))[:700], "the tar ends within a file"),
        (tar(("a", MAIL))[:700], "the tar ends within a file"),
        (tar(("a", b""))[:300], "the tar ends within a file"),
        (tar(("a", MAIL)), "the tar has no message of a Maildir"),
        (tar(("cur/1", b"")), "cur/1 has no octets"),
        (tar(("cur/1", b"x" * 100_001)), "cur/1 has more than 100000 octets"),
        (with_size(b"0000000005X"), "at octet 0 a header of the tar has no size"),
        (b"X" * 1024, "at octet 0 there is no header of a tar"),
        (with_size(b"99999999999"), "at octet 0 a header of the tar has no size"),
        (with_size(b"\x80\x01"), "cur/1 has more than 100000 octets"),
        (with_size(b"\x80" + (100_001).to_bytes(11, "big")), "cur/1 has more than 100000 octets"),
        (with_size(b"\xff\xff"), "at octet 0 a header of the tar has no size"),
        (tar(("cur/" + "x" * 70_000, MAIL)), "the tar has a name of more than 65536 octets"),
        (
            tar(("cur/1", MAIL), form=tarfile.PAX_FORMAT, pax_headers={"size": "-1"}),
            "the tar has a pax header with a size",
        ),
        (tar(("PaxHeader", b"what"), type=b"x"), "the tar has a pax header that can't be read"),
        (tar(("PaxHeader", b"9 a=b\n"), type=b"x"), "the tar has a pax header that can't be read"),
        (tar(("PaxHeader", b"6 a=bc"), type=b"x"), "the tar has a pax header that can't be read"),
        (tar(("PaxHeader", b"4 a\n"), type=b"x"), "the tar has a pax header that can't be read"),
        (tar(("PaxHeader", b"00000006 a=b\n"), type=b"x"), "the tar has a pax header that can't be read"),
        (tar(("PaxHeader", b"00000015 a=bcd\n"), type=b"x"), "the tar has a pax header that can't be read"),
        (tar(("PaxHeader", b"x"), type=b"x"), "the tar has a pax header that can't be read"),
        (head(b"x", 11) + "11 size=٣\n".encode().ljust(512, b"\0") + head(), "the tar has a pax header with a size"),
        (head(b"x", 27) + b"27 size=111111111111111111\n".ljust(512, b"\0") + head(), "the tar has a pax header with"),
    ],
)
def test_faults(octets: bytes, sentence: str) -> None:
    with pytest.raises(NotReadable) as caught:
        read(octets)
    assert str(caught.value).startswith(sentence)


def test_what_follows_the_end_is_not_read() -> None:
    assert len(read(tar(("cur/1", MAIL)) + b"x" * 10_000)[0]) == 1


class TestSingle:
    def test_it_is_whole_at_the_end(self) -> None:
        source = Single(100)
        assert [*source.feed(b"Subject: x\n"), *source.feed(b"\nbody")] == []
        assert list(source.end()) == [Found(b"Subject: x\n\nbody", place="the message")]

    @pytest.mark.parametrize(("octets", "sentence"), [(b"", "has no octets"), (b"x" * 101, "has more than 100 octets")])
    def test_faults(self, octets: bytes, sentence: str) -> None:
        source = Single(100)
        with pytest.raises(NotReadable, match=sentence):  # noqa: PT012 - either may find it
            list(source.feed(octets))
            list(source.end())

    def test_the_pieces_are_counted_together(self) -> None:
        source = Single(100)
        assert [*source.feed(b"x" * 50), *source.feed(b"x" * 50)] == []
        with pytest.raises(NotReadable, match="the message has more than 100 octets"):
            source.feed(b"x")
