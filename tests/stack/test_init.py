"""What init checks and makes; the certificates as strict clients see them."""

from __future__ import annotations

import socket
import ssl
import stat
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from shutil import which

import pytest

from postroad.config import Settings
from postroad.tls import TlsError, client_context, server_context
from postroad.world.source import load_world
from postroad_stack import init
from postroad_stack.certificates import Issued, ensure
from postroad_stack.init import InitError, certificate_names, prepare

ROOT = Path(__file__).parents[2]
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"POSTROAD_DATA": str(tmp_path / "data"), "POSTROAD_WORLD": str(ROOT / "services" / "world.toml")}


@pytest.fixture
def settings(environ: dict[str, str]) -> Settings:
    return Settings.from_environ(environ)


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> tuple[str | None, bytes]:
    """Return the version agreed on and the leaf that the client saw."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with ours, server.wrap_socket(ours, server_side=True) as wrapped:
            wrapped.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with theirs, client.wrap_socket(theirs, server_hostname=name) as wrapped:
            wrapped.send(b".")
            return wrapped.version(), wrapped.getpeercert(binary_form=True) or b""
    finally:
        thread.join()


def strict_client(ca: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca)
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def test_prepare_makes_everything_and_keeps_it(settings: Settings) -> None:
    world = prepare(settings)
    assert len(world.domains) == 3
    files = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in settings.data.rglob("*") if path.is_file()}
    assert sorted(path.name for path in files) == [
        "ca-key.pem",
        "ca.pem",
        "ca.pem",
        "ca.pem",
        "cert.pem",
        "key.pem",
        "sasl-key",
        "token",
    ]
    assert [path.name for path in settings.trust_dir.iterdir()] == ["ca.pem"]
    assert stat.S_IMODE(settings.trust_dir.stat().st_mode) == 0o755
    assert stat.S_IMODE((settings.trust_dir / "ca.pem").stat().st_mode) == 0o644
    secrets = (settings.control_dir / name for name in ("token", "sasl-key"))
    for secret in (settings.ca_dir / "ca-key.pem", settings.tls_dir / "key.pem", *secrets):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    for folder in (
        settings.spool_dir,
        settings.mail_dir,
        settings.web_dir,
        settings.journal_dir / "relay",
        settings.journal_dir / "store",
    ):
        assert folder.is_dir()
    prepare(settings)
    assert all((path.read_bytes(), path.stat().st_mtime_ns) == before for path, before in files.items())


@pytest.mark.parametrize(
    "name",
    ["localhost", "store", "mx.postroad.test", "imap.alpha.test", "beta.test", "127.0.0.1", "::1", "127.0.0.143"],
)
def test_strict_clients_take_the_certificate(settings: Settings, name: str) -> None:
    prepare(settings)
    client = strict_client(settings.tls_dir / "ca.pem")
    version, leaf = handshake(server_context(settings.tls_dir), client, name)
    assert version == "TLSv1.3"
    assert leaf


def test_old_versions_and_wrong_names_are_refused(settings: Settings) -> None:
    prepare(settings)
    server = server_context(settings.tls_dir)
    assert server.minimum_version is ssl.TLSVersion.TLSv1_2
    client = client_context()  # which verifies nothing
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    assert handshake(server, client, "whatever.example")[0] == "TLSv1.2"
    errors: list[BaseException] = []
    threading_hook, threading.excepthook = (
        threading.excepthook,
        lambda failed: errors.append(failed.exc_value or OSError()),
    )
    try:
        with pytest.raises(ssl.SSLCertVerificationError):
            handshake(server, strict_client(settings.tls_dir / "ca.pem"), "whatever.example")
    finally:
        threading.excepthook = threading_hook
    assert isinstance(errors[0], ssl.SSLError)


@pytest.mark.skipif(which("openssl") is None, reason="the openssl command is not there")
def test_openssl_verifies_strictly(settings: Settings) -> None:
    prepare(settings)
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile"]
    subprocess.run([*command, settings.tls_dir / "ca.pem", settings.tls_dir / "cert.pem"], check=True)


def test_a_new_name_gets_a_new_leaf_from_the_same_ca(tmp_path: Path) -> None:
    def call(*names: str, address: str = "127.0.0.1", now: datetime = NOW) -> Issued:
        return ensure(tmp_path, tmp_path, names, [IPv4Address(address)], now)

    assert call("a.test") == Issued(ca=True, leaf=True)
    ca, leaf = (tmp_path / "ca.pem").read_bytes(), (tmp_path / "cert.pem").read_bytes()
    assert call("a.test") == Issued(ca=False, leaf=False)
    assert call("a.test", "b.test") == Issued(ca=False, leaf=True)
    assert call("a.test", address="127.0.0.2") == Issued(ca=False, leaf=True)
    assert (tmp_path / "ca.pem").read_bytes() == ca
    assert (tmp_path / "cert.pem").read_bytes() != leaf
    assert call("a.test", address="127.0.0.2") == Issued(ca=False, leaf=False)
    year = timedelta(days=365)
    assert call("a.test", address="127.0.0.2", now=NOW + 2 * year) == Issued(ca=False, leaf=True)
    assert call("a.test", address="127.0.0.2", now=NOW + 10 * year) == Issued(ca=True, leaf=True)
    assert (tmp_path / "ca.pem").read_bytes() != ca
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("broken", ["cert.pem", "key.pem"])
@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_a_broken_leaf_is_issued_again(tmp_path: Path, broken: str, content: bytes | None) -> None:
    ensure(tmp_path, tmp_path, ["a.test"], [], NOW)
    if content is None:
        (tmp_path / broken).unlink()
    else:
        (tmp_path / broken).write_bytes(content)
    assert ensure(tmp_path, tmp_path, ["a.test"], [], NOW) == Issued(ca=False, leaf=True)
    server_context(tmp_path)


def test_a_ca_without_its_key_is_not_replaced(tmp_path: Path) -> None:
    ensure(tmp_path, tmp_path, ["a.test"], [], NOW)
    ca = (tmp_path / "ca.pem").read_bytes()
    (tmp_path / "ca-key.pem").write_bytes((tmp_path / "key.pem").read_bytes())
    with pytest.raises(TlsError, match=r"ca-key\.pem is not the key of ca\.pem\. Put back"):
        ensure(tmp_path, tmp_path, ["a.test"], [], NOW)
    (tmp_path / "ca-key.pem").write_bytes(b"-----BEGIN")
    with pytest.raises(TlsError, match=r"ca\.pem or ca-key\.pem is damaged\. Put back"):
        ensure(tmp_path, tmp_path, ["a.test"], [], NOW)
    (tmp_path / "ca-key.pem").unlink()
    with pytest.raises(TlsError, match=r"/ca-key\.pem: No such file"):
        ensure(tmp_path, tmp_path, ["a.test"], [], NOW)
    assert (tmp_path / "ca.pem").read_bytes() == ca


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        ensure(tmp_path, tmp_path, ["a.test"], [], NOW)
    assert list(tmp_path.iterdir()) == []


def test_server_context_without_init(tmp_path: Path) -> None:
    with pytest.raises(TlsError, match="run init"):
        server_context(tmp_path)


def test_what_the_ca_may_not_sign_is_told(
    environ: dict[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "world.toml"
    text = (ROOT / "services" / "world.toml").read_text(encoding="utf-8")
    settings = Settings.from_environ(environ | {"POSTROAD_WORLD": str(path)})
    path.write_text(text, encoding="utf-8")
    prepare(settings)
    path.write_text(text + '[domains."real.org"]\n', encoding="utf-8")
    prepare(settings)
    outgrown = "the world has a name that the old CA may not sign: give the new one to all clients"
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [outgrown]
    caplog.clear()
    path.write_text(text + "".join(f'[domains."{number}.org"]\n' for number in range(70)), encoding="utf-8")
    prepare(settings)
    unconstrained = "the CA has no name constraints: a client that trusts it trusts it for every site"
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        outgrown,
        unconstrained,
    ]
    caplog.clear()
    prepare(settings)
    remedy = f". Remove {settings.ca_dir} (in containers the volume ca) to have a new one made"
    assert [record.getMessage() for record in caplog.records] == [unconstrained + remedy]


def test_what_stops_init(environ: dict[str, str], tmp_path: Path) -> None:
    bad = tmp_path / "world.toml"
    bad.write_text("capture = 3\n", encoding="utf-8")
    with pytest.raises(InitError, match=r"world.toml:1: capture must be"):
        prepare(Settings.from_environ(environ | {"POSTROAD_WORLD": str(bad)}))

    good = (ROOT / "services" / "world.toml").read_text(encoding="utf-8")
    bad.write_text(good.replace('capture = "capture@', '# capture = "capture@'), encoding="utf-8")
    with pytest.raises(InitError, match=r"world.toml:1: no capture account, which POSTROAD_OUTSIDE=capture needs"):
        prepare(Settings.from_environ(environ | {"POSTROAD_WORLD": str(bad)}))
    prepare(Settings.from_environ(environ | {"POSTROAD_WORLD": str(bad), "POSTROAD_OUTSIDE": "bounce"}))

    with pytest.raises(InitError, match=r"cannot be made: Not a directory. .*Set POSTROAD_DATA"):
        prepare(Settings.from_environ(environ | {"POSTROAD_DATA": str(bad / "data")}))

    (tmp_path / "data" / "ca" / "ca-key.pem").unlink()
    with pytest.raises(InitError, match="no certificate could be made: the CA in"):
        prepare(Settings.from_environ(environ))


def test_a_folder_that_cannot_be_written(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(InitError, match=r"cannot be written by the user .*Set POSTROAD_DATA"):
        prepare(settings)


def test_names() -> None:
    world = load_world(ROOT / "services" / "world.toml", Settings.from_environ({}).network)
    assert {"localhost", "dns", "relay", "store", "mx.postroad.test", "alpha.test", "*.alpha.test"} <= set(
        certificate_names(world)
    )


def test_main(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("os.environ", environ)
    monkeypatch.setattr("postroad.log.setup", lambda *_: None)
    assert init.main([]) == 0
    environ["POSTROAD_PORT"] = "1"
    assert init.main([]) == 1
