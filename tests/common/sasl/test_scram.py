"""SCRAM: the examples of its RFCs, channel binding, and what must not be told."""

from __future__ import annotations

import base64

import pytest

from postroad.sasl.channel import END_POINT, EXPORTER, UNIQUE, Encrypted
from postroad.sasl.mechanism import Claim, MalformedError, SaslError
from postroad.sasl.scram import ScramProof
from postroad.sasl.scram_hash import MAX_ITERATIONS, Salted, ScramError, ScramHash
from postroad.sasl.server import Sasl
from postroad.world.world import Account
from tests.common.sasl.place import ACCOUNTS, SCRAM, WORLD, begin, challenge, claim, find, proved
from tests.harness.sasl import KEY, TLS, sasl
from tests.harness.scram import ScramClient


class Example:
    """A realm with the one account of the RFCs' examples."""

    forms = frozenset({"plain"})

    def __init__(self, salted: Salted) -> None:
        self._salted = salted

    def find(self, login: str) -> Account | None:
        return ACCOUNTS.get(login)

    def salted(self, login: str, algorithm: str) -> Salted:
        return self._salted

    def grant(self, token: str) -> None:
        return None

    def now(self) -> float:
        return 0.0


# RFC 5802 §5, RFC 7677 §3
@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "SCRAM-SHA-1",
            (
                "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
                "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
                "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
                "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
            ),
        ),
        (
            "SCRAM-SHA-256",
            (
                "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
                "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
                (
                    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
                ),
                "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            ),
        ),
    ],
)
def test_the_examples_of_the_rfcs(name: str, lines: tuple[str, str, str, str]) -> None:
    first, second, third, last = lines
    fields = dict(part.split("=", 1) for part in second.split(","))
    nonce = fields["r"].removeprefix(first.rpartition("=")[2])
    realm = Example(Salted(base64.b64decode(fields["s"]), int(fields["i"])))
    exchange = Sasl("imap", realm, hostname="mx.test", nonce=lambda: nonce).begin(name, TLS)
    assert exchange.step(None) == b""
    # The examples are of a client that does not know of channel binding: "n"
    assert challenge(exchange.step(first.encode())).decode() == second
    claimed = claim(exchange.step(third.encode()))
    assert claimed.login == "user"
    assert claimed.proof.proves(ACCOUNTS["user"])
    assert exchange.judged(accepted=True) == last.encode()
    exchange.end(b"")
    assert "v0X8" not in repr(claimed)


def log_in(name: str, user: str, password: str, **options: object) -> tuple[Claim, ScramClient]:
    """Go through an exchange over TLS up to the claim."""
    channel = options.pop("channel", TLS)
    client = ScramClient(name, user, password, nonce="abc", **options)  # type: ignore[arg-type]
    exchange = begin(name, channel)  # type: ignore[arg-type]
    claimed = claim(exchange.step(client.final(challenge(exchange.step(client.first)))))
    if proved(claimed):
        assert exchange.judged(accepted=True) == client.verifier
    else:
        assert exchange.judged(accepted=False) is None
    return claimed, client


@pytest.mark.parametrize(
    ("name", "user", "password", "right"),
    [
        ("SCRAM-SHA-1", "alice@alpha.test", "wonderland", True),
        ("SCRAM-SHA-256", "alice@alpha.test", "wonderland", True),
        ("SCRAM-SHA-256", "Alice@alpha.test", "wonderland", True),
        ("SCRAM-SHA-256", "alice@alpha.test", "Wonderland", False),
        ("SCRAM-SHA-256", "nobody@alpha.test", "wonderland", False),
        ("SCRAM-SHA-256", "bob@beta.test", "hashed", True),
        ("SCRAM-SHA-256", "bob@beta.test", "hash", False),
        ("SCRAM-SHA-1", "bob@beta.test", "hashed", False),  # the hash is that of another algorithm
        ("SCRAM-SHA-256", "carol@alpha.test", "rainbow", False),  # only its scrypt hash is known
        ("SCRAM-SHA-256", "dan@alpha.test", "", False),  # who has no password
        ("SCRAM-SHA-256", "a=2Cb=3Dc@alpha.test", "comma", True),
    ],
)
def test_who_is_who(name: str, user: str, password: str, right: bool) -> None:
    claimed, _ = log_in(name, user, password)
    assert proved(claimed) is right


def test_as_somebody_else() -> None:
    claimed, _ = log_in("SCRAM-SHA-256", "alice@alpha.test", "wonderland", header="n,a=bob@beta.test,")
    assert (claimed.login, claimed.identity) == ("alice@alpha.test", "bob@beta.test")
    claimed, _ = log_in("SCRAM-SHA-256", "bob@beta.test*alice@alpha.test", "wonderland")
    assert (claimed.login, claimed.identity) == ("alice@alpha.test", "bob@beta.test")
    assert proved(claimed)


@pytest.mark.parametrize(
    ("kind", "binding"), [(EXPORTER, b"exported"), (END_POINT, b"end point"), (UNIQUE, b"finished")]
)
def test_channel_binding(kind: str, binding: bytes) -> None:
    channel = Encrypted({EXPORTER: b"exported", END_POINT: b"end point", UNIQUE: b"finished"})
    header = f"p={kind},,"
    for name in ("SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"):
        options = {"header": header, "channel": channel}
        claimed, _ = log_in(name, "alice@alpha.test", "wonderland", binding=binding, **options)
        assert proved(claimed)
        claimed, _ = log_in(name, "alice@alpha.test", "wonderland", binding=b"of another channel", **options)
        assert not proved(claimed)


@pytest.mark.parametrize(
    ("name", "header", "channel", "why"),
    [
        ("SCRAM-SHA-256", "y,,", TLS, "the client believes that it is not"),
        ("SCRAM-SHA-256", "p=tls-exporter,,", TLS, "goes with -PLUS"),
        ("SCRAM-SHA-256-PLUS", "n,,", TLS, "-PLUS with channel binding"),
        ("SCRAM-SHA-256-PLUS", "y,,", TLS, "-PLUS with channel binding"),
        ("SCRAM-SHA-256-PLUS", "p=tls-unique,,", TLS, "not supported"),
        ("SCRAM-SHA-256-PLUS", "p=,,", TLS, "as SCRAM wants it"),
    ],
)
def test_a_downgrade_is_refused(name: str, header: str, channel: Encrypted, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        begin(name, channel).step(f"{header}n=alice@alpha.test,r=abc".encode())


def test_a_client_that_could_bind_where_the_server_can_not() -> None:
    claimed, _ = log_in("SCRAM-SHA-256", "alice@alpha.test", "wonderland", header="y,,", channel=Encrypted({}))
    assert proved(claimed)


@pytest.mark.parametrize(
    "first",
    [
        "",
        "n,,",
        "n,,n=alice",
        "n,,n=,r=abc",
        "n,,n=alice,r=",
        "n,,n=alice,r=a,b",
        "n,,n=alice,r=a\x7fb",
        "n,,m=x,n=alice,r=abc",  # RFC 5802 §5.1: a mandatory extension that nobody knows
        "x,,n=alice,r=abc",
        "n,a=,n=alice,r=abc",
        "n,a=b=c,n=alice,r=abc",
        "n,,n=al=2Xice,r=abc",
        "n,,n=al\0ice,r=abc",
        "n=alice,r=abc",
    ],
)
def test_a_first_message_of_another_form(first: str) -> None:
    with pytest.raises(MalformedError):
        begin("SCRAM-SHA-256").step(first.encode())


def test_extensions_are_taken_along() -> None:
    exchange = begin("SCRAM-SHA-256")
    assert isinstance(exchange.step(b"n,,n=alice@alpha.test,r=abc,x=1,y=2"), bytes)


@pytest.mark.parametrize(
    "final",
    [
        "",
        "c=biws",
        "c=biws,r=abc1",
        "c=biws,r=abc1,p=",
        "c=biws,r=abc,p=AAAA",
        "r=abc1,c=biws,p=AAAA",
        "c=b,r=abc1,p=AAAA",
    ],
)
def test_a_final_message_of_another_form(final: str) -> None:
    exchange = begin("SCRAM-SHA-256")
    exchange.step(b"n,,n=alice@alpha.test,r=abc")
    with pytest.raises(SaslError):
        exchange.step(final.encode())


def test_a_proof_of_another_length_proves_nothing() -> None:
    exchange = begin("SCRAM-SHA-256")
    exchange.step(b"n,,n=alice@alpha.test,r=abc")
    assert not proved(exchange.step(b"c=biws,r=abc1,p=AAAA"))


def test_nobody_can_tell_who_exists() -> None:
    """RFC 5802 §9: names that are nobody's have salts, always the same ones, and as long as those of others."""
    answers = [
        begin("SCRAM-SHA-256").step(f"n,,n={name},r=abc".encode())
        for name in ("nobody@x", "Nobody@x", "alice@alpha.test")
    ]
    assert answers[0] == answers[1]
    assert len(challenge(answers[0])) == len(challenge(answers[2]))
    other = sasl("imap", find, lambda: WORLD).realm
    assert other.salted("nobody@x", "sha256") == other.salted("nobody@x", "sha256")
    assert other.salted("nobody@x", "sha256") != other.salted("nobody@x", "sha1")
    assert KEY not in challenge(answers[0])


def test_the_world_may_change_meanwhile() -> None:
    proof = ScramProof("sha256", Salted(b"another salt"), b"", b"")
    assert not proof.proves(ACCOUNTS["bob@beta.test"])
    assert not ScramProof("sha256", Salted(b"salt"), b"", b"").proves(Account(ACCOUNTS["user"].address, "\u0007"))


class TestHash:
    def test_text_and_back(self) -> None:
        hashed = ScramHash.parse(SCRAM)
        assert str(hashed) == SCRAM
        assert hashed.matches("hashed")
        assert not hashed.matches("Hashed")
        assert not hashed.matches("\u0007")
        assert "hashed" not in repr(hashed)
        assert ScramHash.derive("I\u00adX", "sha1", Salted(b"s")) == ScramHash.derive("IX", "sha1", Salted(b"s"))
        assert str(ScramHash.derive("IX", "sha1", Salted(b"s"))).startswith("SCRAM-SHA-1$4096:cw==$")

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("SCRAM-SHA-256$", "a SCRAM hash is"),
            ("SCRAM-SHA-512$4096:cw==$AA==:AA==", "a SCRAM hash is"),
            ("SCRAM-SHA-256$4096:c$AA==:AA==", "is not base64"),
            ("SCRAM-SHA-256$4095:cw==$AA==:AA==", "the iterations of a SCRAM hash are 4096 to"),
            (f"SCRAM-SHA-256${MAX_ITERATIONS + 1}:cw==$AA==:AA==", "the iterations"),
            ("SCRAM-SHA-256$4096:cw==$AA==:AA==", "the keys of SCRAM-SHA-256 have 32 octets each"),
        ],
    )
    def test_bad(self, text: str, why: str) -> None:
        with pytest.raises(ScramError, match=why):
            ScramHash.parse(text)
