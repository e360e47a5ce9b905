"""What was written for GreenMail, against a running Postroad: its REST API, its ports, its options."""

from __future__ import annotations

import imaplib
import smtplib
import ssl
import subprocess
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.harness.needs import require, require_program
from tests.harness.processes import ProcessStack, output_of, plain_environment
from tests.harness.stack import WAIT, Port, Service, Stack

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.interop, pytest.mark.xdist_group("greenmail")]

SENDERS = Path(__file__).parent / "senders"
JAVA = Path("/usr/share/java")
# As people write it in a Compose file: on several lines.
OPTIONS = """
    -Dgreenmail.setup.test.all
    -Dgreenmail.hostname=0.0.0.0
    -Dgreenmail.users=test:pw@localhost,ann:s3cret@shop.example
    -Dgreenmail.verbose
    -Xmx256m
"""
TEST, ANN = ("test", "pw"), ("ann", "s3cret")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    settings = {"POSTROAD_GREENMAIL": "on", "GREENMAIL_OPTS": OPTIONS}
    with ProcessStack(tmp_path_factory.mktemp("greenmail"), settings=settings) as stack:
        stack.logs[Service.WEB].wait("Starting GreenMail standalone")
        stack.logs[Service.STORE].wait("-Xmx256m")  # it means nothing here, and the log says so
        stack.logs[Service.WEB].wait("the catalog has caught up")
        yield stack
        stack.check_logs()


@pytest.fixture
def host(stack: Stack) -> str:
    return stack.endpoint(Port.WEB).host


@pytest.fixture
def api(host: str) -> Iterator[httpx.Client]:
    """Return a client of the API at GreenMail's port; nothing and nobody is there but what the options name."""
    with httpx.Client(base_url=f"http://{host}:8080/api", timeout=WAIT) as client:
        assert client.post("/service/reset").json() == {"message": "Performed reset"}
        yield client


def mail(host: str, to: str, subject: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "noreply@shop.example", to, subject
    message.set_content("Text.\n")
    with smtplib.SMTP(host, 3025) as smtp:
        smtp.send_message(message)


def subjects(api: httpx.Client, path: str) -> list[str]:
    messages = api.get(path)
    assert messages.status_code == 200, messages.text
    return [message["subject"] for message in messages.json()]


def refused(client: imaplib.IMAP4, login: str, password: str) -> None:
    """Assert that a login is refused."""
    with client, pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        client.login(login, password)


def log_in(host: str, login: str, password: str) -> imaplib.IMAP4:
    client = imaplib.IMAP4(host, 3143)
    client.login(login, password)
    return client


def test_the_options_users(api: httpx.Client, host: str) -> None:
    users = {user["login"]: user["email"] for user in api.get("/user").json()}
    assert users["test"] == "test@localhost"
    assert users["ann"] == "ann@shop.example"
    mail(host, "test@localhost", "for test")
    mail(host, "Ann@shop.example", "for ann")
    assert subjects(api, "/user/test/messages") == ["for test"]
    assert subjects(api, "/user/ann@shop.example/messages/INBOX/") == ["for ann"]
    for login, password in (TEST, ANN, ("ann@shop.example", "s3cret")):
        with log_in(host, login, password) as client:
            assert client.select()[1] == [b"1"]
    refused(imaplib.IMAP4(host, 3143), "ann", "wrong")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("port", [3025, 3465])
def test_a_login_by_smtp_is_checked(api: httpx.Client, host: str, port: int, mechanism: str) -> None:
    """As GreenMail does, but for `greenmail.auth.disabled`: 535 for a wrong password, and for who is no user."""
    api.post("/user", json={"email": "eve@shop.example", "login": "eve", "password": "apple"}).raise_for_status()
    mail(host, "new@elsewhere.example", "first")
    right = [TEST, ANN, ("ann@shop.example", "s3cret"), ("eve", "apple"), ("new@elsewhere.example",) * 2]
    wrong = [("ann", "wrong"), ("eve", "pear"), ("nobody", "x"), ("bob@beta.test", "not his")]
    for login, password in right + wrong:
        with (smtplib.SMTP_SSL if port == 3465 else smtplib.SMTP)(host, port, **tls(port)) as smtp:
            smtp.ehlo()
            assert smtp.esmtp_features["auth"].split() == ["PLAIN", "LOGIN"]
            smtp.user, smtp.password = login, password
            answer = smtp.auth_plain if mechanism == "PLAIN" else smtp.auth_login
            if (login, password) in right:
                assert smtp.auth(mechanism, answer)[0] == 235
                smtp.sendmail("noreply@shop.example", ["ann@shop.example"], "Subject: after a login\r\n\r\n")
            else:
                with pytest.raises(smtplib.SMTPAuthenticationError) as refusal:
                    smtp.auth(mechanism, answer)
                assert refusal.value.smtp_code == 535
    mail(host, "ann@shop.example", "without a login")  # which GreenMail does not ask for
    assert len(subjects(api, "/user/ann/messages")) == len(right) + 1


def tls(port: int) -> dict[str, Any]:
    return {"context": ssl._create_unverified_context()} if port == 3465 else {}


def test_the_description_of_the_api(api: httpx.Client, host: str) -> None:
    described = httpx.get(f"http://{host}:8080/greenmail-openapi.yml", timeout=WAIT)
    assert described.headers["content-type"] == "application/yaml"
    paths = described.json()["paths"]  # JSON is YAML
    readable = {path.removeprefix("/api") for path, operations in paths.items() if "get" in operations}
    inbox = "/user/{emailOrId}/messages"
    assert readable == {"/configuration", "/user", inbox, f"{inbox}/{{folderName}}", "/service/readiness"}
    assert paths.keys() - {f"/api{path}" for path in readable} == {
        "/api/user/{emailOrId}",
        "/api/mail/purge",
        "/api/service/reset",
    }
    for path in readable:
        asked = path.replace("{emailOrId}", "ann").replace("{folderName}", "INBOX")
        assert api.get(asked).status_code == 200


def test_a_delivery_makes_a_user(api: httpx.Client, host: str) -> None:
    mail(host, "new@elsewhere.example", "first")
    (shown,) = api.get("/user/new@elsewhere.example/messages").json()
    assert (shown["uid"], shown["subject"], shown["contentType"][:10]) == ("1", "first", "text/plain")
    assert shown["Message-ID"] == shown["messageId"]
    assert "Text.\r\n" in shown["mimeMessage"]
    assert {"login": "new@elsewhere.example", "email": "new@elsewhere.example"} in api.get("/user").json()
    with log_in(host, "new@elsewhere.example", "new@elsewhere.example") as client:
        assert client.select()[1] == [b"1"]
    assert api.post("/mail/purge").json() == {"message": "Purged mails"}
    assert subjects(api, "/user/new@elsewhere.example/messages") == []


def test_users_over_rest(api: httpx.Client, host: str) -> None:
    eve = {"email": "eve@shop.example", "login": "eve", "password": "apple"}
    shown = {"login": "eve", "email": "eve@shop.example"}
    created = api.post("/user", json=eve)
    assert (created.status_code, created.json()) == (200, shown)
    again = api.post("/user", json=eve)
    assert (again.status_code, again.json()["message"][:21]) == (400, "Can not create user :")
    for name in ("alice@alpha.test", "ann"):  # an account of the world, and a user of the options
        assert api.post("/user", json={"email": name, "login": name, "password": "x"}).status_code == 400
    mail(host, "eve@shop.example", "for eve")
    assert subjects(api, "/user/eve/messages") == ["for eve"]
    with log_in(host, "eve", "apple") as client:
        assert client.select()[1] == [b"1"]
        deleted = api.delete("/user/eve@shop.example")
        assert (deleted.status_code, deleted.json()) == (200, {"message": "User 'eve@shop.example' deleted"})
    missing = api.delete("/user/eve")
    assert (missing.status_code, missing.json()) == (400, {"message": "User 'eve' not found"})
    refused(imaplib.IMAP4(host, 3143), "eve", "apple")
    assert api.delete("/user/alice@alpha.test").status_code == 400
    for path in ("/user/eve/messages", "/user/test/messages/No"):
        assert api.get(path).status_code == 400


def test_reset(api: httpx.Client, host: str) -> None:
    before = sorted(user["login"] for user in api.get("/user").json())
    api.post("/user", json={"email": "eve@shop.example", "login": "eve", "password": "apple"}).raise_for_status()
    api.delete("/user/ann").raise_for_status()
    mail(host, "new@elsewhere.example", "first")
    assert subjects(api, "/user/new@elsewhere.example/messages") == ["first"]
    api.post("/service/reset").raise_for_status()
    assert sorted(user["login"] for user in api.get("/user").json()) == before


def test_a_user_survives_a_restart(stack: Stack, api: httpx.Client, host: str) -> None:
    api.post("/user", json={"email": "eve@shop.example", "login": "eve", "password": "apple"}).raise_for_status()
    stack.kill(Service.STORE)
    stack.start(Service.STORE)
    with log_in(host, "eve", "apple") as client:
        assert client.select()[1] == [b"0"]


def test_a_world_has_its_own_users(api: httpx.Client, host: str) -> None:
    base = f"http://{host}:8080"
    with httpx.Client(base_url=base, timeout=WAIT) as client:
        client.post("/v1/worlds", json={"id": "green", "domains": [{"name": "green.test"}]}).raise_for_status()
        try:
            created = client.post(
                "/w/green/api/user", json={"email": "eve@green.test", "login": "eve", "password": "apple"}
            )
            assert (created.status_code, created.json()["login"]) == (200, "eve@green.test")
            mail(host, "eve@green.test", "in green")
            assert subjects(client, "/w/green/api/user/eve@green.test/messages") == ["in green"]
            with log_in(host, "eve@green.test", "apple") as reader:
                assert reader.select()[1] == [b"1"]
            assert all(user["email"] != "eve@green.test" for user in api.get("/user").json())
            assert api.get("/user/eve@green.test/messages").status_code == 400
            taken = api.post("/user", json={"email": "al@green.test", "login": "al", "password": "x"})
            assert (taken.status_code, "another world" in taken.json()["message"]) == (400, True)
            api.post("/mail/purge").raise_for_status()  # of the default world
            assert subjects(client, "/w/green/api/user/eve@green.test/messages") == ["in green"]
            client.post("/w/green/api/service/reset").raise_for_status()
            assert subjects(client, "/w/green/api/user/eve@green.test/messages") == []
            assert {user["login"] for user in api.get("/user").json()} >= {"test", "ann"}
        finally:
            client.delete("/v1/worlds/green").raise_for_status()


def test_configuration_and_readiness(api: httpx.Client) -> None:
    assert api.get("/service/readiness").json() == {"message": "Service running"}
    shown = api.get("/configuration").json()
    ports = {setup["protocol"]: setup["port"] for setup in shown["serverSetups"]}
    assert ports == {"smtp": 3025, "smtps": 3465, "pop3": 3110, "pop3s": 3995, "imap": 3143, "imaps": 3993}
    assert (shown["authenticationDisabled"], shown["sieveIgnoreDetail"], shown["preloadDirectory"]) == (
        False,
        False,
        None,
    )


@pytest.mark.usefixtures("api")
@pytest.mark.parametrize(("address", "user"), [("ann@shop.example", ANN), ("test@localhost", TEST)])
def test_jakarta_mail(tmp_path: Path, host: str, address: str, user: tuple[str, str]) -> None:
    require((JAVA / "jakarta-mail.jar").exists(), "libjakarta-mail-java is not installed (tests/debian-packages.txt)")
    classes = ":".join(str(JAVA / name) for name in ("jakarta-mail.jar", "jakarta-activation.jar"))
    command: list[Any] = [require_program("java"), "-cp", classes, SENDERS / "GreenMail.java", host, address, *user]
    environment = plain_environment() | {"HOME": str(tmp_path)}
    assert output_of(command, folder=tmp_path, environment=environment, limit=4 * WAIT) == "ok\n"


@pytest.mark.usefixtures("api")
def test_javas_http_client(tmp_path: Path, host: str) -> None:
    """By its defaults: with its first request, which has a body, it offers to speak HTTP/2."""
    command: list[str | Path] = [require_program("java"), SENDERS / "Http.java", f"http://{host}:8080/api"]
    environment = plain_environment() | {"HOME": str(tmp_path)}
    said = output_of(command, folder=tmp_path, environment=environment, limit=4 * WAIT)
    assert said.splitlines() == [
        '200 HTTP_1_1 {"login":"java","email":"java@shop.example"}',
        "200 HTTP_1_1 []",
        """200 HTTP_1_1 {"message":"User 'java' deleted"}""",
        "501 HTTP_1_1 This method is not known here.",
    ]


def test_curl(api: httpx.Client, host: str) -> None:
    """As a shell script waits for a mail and removes it."""
    mail(host, "ann@shop.example", "by curl")
    base = str(api.base_url)

    def curl(*arguments: str) -> str:
        command = [require_program("curl"), "--silent", "--show-error", "--fail-with-body", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=WAIT, check=True).stdout

    assert '"subject":"by curl"' in curl(f"{base}user/ann/messages/")
    assert curl("-X", "POST", f"{base}mail/purge") == '{"message":"Purged mails"}'
    assert curl(f"{base}user/ann/messages") == "[]"


def test_any_password_where_the_options_say_so(tmp_path: Path) -> None:
    """GreenMail's image does so unless it is told otherwise."""
    inbox = tmp_path / "preload" / "ann@shop.example" / "INBOX"
    inbox.mkdir(parents=True)
    (inbox / "welcome.eml").write_text("Subject: from the start\n\nText.\n")
    options = f"-Dgreenmail.users=ann:s3cret@shop.example,al:x -Dgreenmail.preload.dir={inbox.parents[1]}"
    settings = {"POSTROAD_GREENMAIL": "on", "GREENMAIL_ADDITIONAL_OPTS": options}
    with ProcessStack(tmp_path / "stack", settings=settings) as stack:
        host = stack.endpoint(Port.WEB).host
        users = httpx.get(f"http://{host}:8080/api/user", timeout=WAIT).json()
        assert {
            "login": "ann",
            "email": "ann@shop.example",
        } in users  # with the image's own options, not in their place
        for _ in range(2):
            shown = httpx.get(f"http://{host}:8080/api/user/ann/messages", timeout=WAIT).json()
            assert [message["subject"] for message in shown] == ["from the start"]
            httpx.post(f"http://{host}:8080/api/service/reset", timeout=WAIT).raise_for_status()
        with smtplib.SMTP(host, 3025) as smtp:
            assert smtp.login("nobody", "whatever")[0] == 235
        with smtplib.SMTP_SSL(host, 3465, **tls(3465)) as smtp:
            assert smtp.login("sender@elsewhere.example", "whatever")[0] == 235
        users = {user["email"] for user in httpx.get(f"http://{host}:8080/api/user", timeout=WAIT).json()}
        assert users >= {"nobody@localhost", "sender@elsewhere.example"}  # a login makes a user, by SMTP as well
        for name in ("nobody", "nobody@localhost", "sender@elsewhere.example"):
            assert httpx.get(f"http://{host}:8080/api/user/{name}/messages", timeout=WAIT).json() == []
        assert httpx.delete(f"http://{host}:8080/api/user/Nobody", timeout=WAIT).status_code == 200
        for name in ("al", "new"):  # users need no domain
            mail(host, name, "without a domain")
            shown = httpx.get(f"http://{host}:8080/api/user/{name}/messages", timeout=WAIT).json()
            assert [message["subject"] for message in shown] == ["without a domain"]
        mail(host, "bob@beta.test", "for bob")
        with log_in(host, "nobody@elsewhere.example", "whatever") as client:
            assert client.select()[1] == [b"0"]
        with log_in(host, "bob@beta.test", "not his") as client:
            assert client.select()[0] == "OK"
        with log_in(host, "just-a-name", "x") as client:
            assert client.select()[1] == [b"0"]
        # But only at GreenMail's own ports.
        refused(imaplib.IMAP4_SSL(*stack.endpoint(Port.IMAPS)), "bob@beta.test", "not his")
        stack.check_logs()
