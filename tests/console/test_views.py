"""The other views, each with real mail in it; deep links, colours, phones, and what axe finds."""

from __future__ import annotations

import imaplib
import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.console import mails
from tests.harness.needs import require
from tests.harness.smtp import client_context
from tests.harness.stack import BOB, ROOT, STORE_NAME, Port

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.console.conftest import Site

pytestmark = [pytest.mark.xdist_group("console"), pytest.mark.slow]

AXE = ROOT / "services" / "web" / "console" / "node_modules" / "axe-core" / "axe.min.js"


def ident_of(site: Site, query: str) -> str:
    return str(site.get("messages", query=query)["messages"][0]["id"])


def test_the_queue(filled: Site, opened: Callable[..., Page]) -> None:
    page = opened("/queue")
    entry = page.get_by_test_id("queued")
    expect(entry).to_have_count(1)
    expect(entry).to_contain_text("eve@slow.test")
    expect(entry).to_contain_text("Connection refused")
    expect(entry.get_by_test_id("countdown")).to_contain_text("next try in")
    entry.get_by_test_id("hold").click()
    expect(entry).to_contain_text("held")
    entry.get_by_test_id("go-on").click()
    expect(entry.get_by_test_id("countdown")).to_be_visible()
    before = filled.get("queue")["messages"][0]["attempts"]
    page.get_by_test_id("push-next").click()
    expect(page.get_by_test_id("toast").last).to_contain_text("next attempt")
    assert filled.get("queue")["messages"][0]["attempts"] > before
    entry.get_by_test_id("drop").click()
    page.get_by_test_id("yes").click()
    expect(page.get_by_test_id("empty")).to_contain_text("Nothing waits")


def test_mailboxes(filled: Site, opened: Callable[..., Page]) -> None:
    page = opened("/mailboxes")
    page.get_by_test_id("account").filter(has_text="bob").click()
    expect(page.get_by_test_id("mailboxes")).to_contain_text("INBOX")
    expect(page.get_by_test_id("mailboxes")).to_contain_text("\\Sent")
    host, port = filled.stack.endpoint(Port.IMAP)
    with imaplib.IMAP4(host, port) as client:
        client.host = STORE_NAME
        client.starttls(client_context(filled.stack))
        client.login(BOB.address, BOB.password)
        client.select("INBOX")
        expect(page.get_by_test_id("open-now")).to_contain_text("IMAP from", timeout=15_000)
        client.store("1", "+FLAGS", r"(\Flagged urgent)")
    page.get_by_test_id("mailbox").filter(has_text="Archive").click()
    page.get_by_test_id("mailbox").filter(has_text="INBOX").click()
    expect(page.get_by_test_id("stored")).to_contain_text("\\Flagged")
    expect(page.get_by_test_id("stored")).to_contain_text("urgent")
    page.get_by_test_id("stored-open").first.click()
    expect(page.get_by_test_id("stored-one")).to_contain_text("Your order 4711")
    assert re.search(r"/mailboxes/bob%40beta\.test/INBOX/\d+$", page.url)


def test_where_mail_goes(filled: Site, opened: Callable[..., Page]) -> None:
    page = opened("/dns")
    page.get_by_test_id("explain-address").fill("sales@beta.test")
    page.get_by_test_id("explain").click()
    questions = page.get_by_test_id("question")
    expect(questions.first).to_contain_text("beta.test MX")
    expect(questions.first).to_contain_text("10 mx.postroad.test")
    expect(page.get_by_test_id("outcome")).to_contain_text("mx.postroad.test")
    expect(page.get_by_test_id("step").first).to_contain_text("alias")
    assert page.url.endswith("/dns/explain?address=sales%40beta.test")
    page.get_by_test_id("explain-address").fill("erin@elsewhere.example")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("step").first).to_contain_text("captured by capture@postroad.test")
    page.get_by_test_id("zone").filter(has_text="beta.test").click()
    expect(page.get_by_test_id("records")).to_contain_text("v=spf1 mx -all")
    page.get_by_test_id("records-filter").fill("_imap._tcp")
    expect(page.locator("[data-test=records] tbody tr")).to_have_count(1)


def test_sessions(filled: Site, opened: Callable[..., Page]) -> None:
    ident = ident_of(filled, 'subject:"order 4711"')
    page = opened(f"/sessions?who={ident}")
    page.get_by_test_id("session").filter(has_text="smtp").last.click()
    lines = page.get_by_test_id("line")
    expect(lines.filter(has_text="MAIL FROM:<orders@shop.example>").first).to_be_visible()
    line = lines.filter(has_text="RCPT TO:<bob@beta.test>").first
    number = line.get_attribute("data-line")
    line.locator("a.when").click()
    assert page.url.endswith(f"#L{number}")
    page.reload()
    expect(page.locator(".said.wanted")).to_contain_text("RCPT TO:<bob@beta.test>")
    page.get_by_test_id("dialogue-copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert "C: MAIL FROM:<orders@shop.example>" in page.evaluate("navigator.clipboard.readText()")


def test_sessions_are_live(site: Site, opened: Callable[..., Page]) -> None:
    from tests.harness.smtp import SMTP

    page = opened("/sessions")
    expect(page.get_by_test_id("view-sessions")).to_be_visible()
    with SMTP(site.stack.endpoint(Port.APP)) as session:
        session.command("EHLO live.example")
        # The relay's own session with the store is open too.
        page.get_by_test_id("session").filter(has_text="live").filter(has_not_text="to ").first.click()
        expect(page.get_by_test_id("line").filter(has_text="EHLO live.example")).to_be_visible()
        session.command("MAIL FROM:<later@live.example>")
        expect(page.get_by_test_id("line").filter(has_text="later@live.example")).to_be_visible()


def test_how_to_connect(filled: Site, opened: Callable[..., Page]) -> None:
    page = opened("/connect")
    host, port = filled.stack.endpoint(Port.APP)
    expect(page.get_by_test_id("endpoint-app")).to_have_text(f"{host}:{port}")
    page.get_by_test_id("snippet").filter(has_text="Python").click()
    expect(page.get_by_test_id("snippet-code")).to_contain_text(f'smtplib.SMTP("{host}", {port})')
    with page.expect_download() as download:
        page.get_by_test_id("ca").click()
    assert download.value.path().read_text().startswith("-----BEGIN CERTIFICATE-----")
    expect(page.get_by_test_id("logins")).to_contain_text("bob@beta.test")


def test_the_road(filled: Site, opened: Callable[..., Page]) -> None:
    ident = ident_of(filled, 'subject:"order 4711"')
    page = opened(f"/mail/{ident}/road")
    for kind in ("submission", "dns", "attempt", "delivery"):
        expect(page.locator(f"[data-test=road] > ol > [data-kind={kind}]").first).to_be_visible()
    expect(page.locator("[data-kind=attempt]").first).to_contain_text("TLSv1.3")
    page.locator("[data-kind=submission] [data-test=hop-session]").first.click()
    expect(page.locator(".said.wanted")).to_be_visible()
    assert re.search(r"/sessions/\w+#L\d+$", page.url)


def test_what_waits_is_pushed_to_its_next_try(filled: Site, opened: Callable[..., Page]) -> None:
    ident = ident_of(filled, "state:deferred")
    page = opened(f"/mail/{ident}/road")
    expect(page.get_by_test_id("next-attempts")).to_contain_text("next try in")
    before = page.locator("[data-kind=attempt], [data-kind=deferred]").count()
    page.get_by_test_id("push-next").click()
    expect(page.get_by_test_id("toast")).to_contain_text("next attempt")
    expect(page.locator("[data-kind=attempt], [data-kind=deferred]").nth(before)).to_be_visible()


def test_worlds(filled: Site, opened: Callable[..., Page]) -> None:
    page = opened("/worlds")
    page.get_by_test_id("world-new").click()
    page.get_by_test_id("world-id").fill("shelf")
    page.get_by_test_id("world-accounts").fill("zoe")
    page.get_by_test_id("yes").click()
    world = page.locator("[data-test=world-one][data-id=shelf]")
    expect(world).to_contain_text("shelf.test")
    expect(world).to_contain_text("by the console")
    world.get_by_test_id("port-open").click()
    port = world.get_by_test_id("port")
    expect(port).to_have_count(1)
    filled.send_at_once(mails.plain_to("zoe@shelf.test"))
    expect(world).to_contain_text("1 message")
    world.get_by_test_id("snapshot-name").fill("seeded")
    world.get_by_test_id("snapshot-take").click()
    expect(world.get_by_test_id("snapshot")).to_contain_text("seeded")
    world.get_by_test_id("world-open").click()
    expect(page.get_by_test_id("message")).to_have_count(1)
    assert page.url.endswith("/w/shelf/")
    expect(page.get_by_test_id("world")).to_have_value("shelf")
    filled.http.post(
        "/v1/messages?world=shelf", json={"from": "a@b.example", "to": ["zoe@shelf.test"], "subject": "Later"}
    )
    expect(page.get_by_test_id("message").filter(has_text="Later")).to_be_visible()
    page.get_by_test_id("world").select_option("*")
    expect(page.get_by_test_id("message").filter(has_text="Your order 4711")).to_be_visible()
    expect(page.get_by_test_id("message").filter(has_text="Later")).to_be_visible()
    page.get_by_test_id("world").select_option("shelf")
    page.get_by_test_id("nav-mailboxes").click()
    page.get_by_test_id("account").filter(has_text="zoe").click()
    expect(page.get_by_test_id("stored")).to_contain_text("2")
    page.get_by_test_id("nav-connect").click()
    at = filled.get("worlds/shelf/ports")["ports"][0]
    expect(page.get_by_test_id("endpoint-world")).to_have_text(f"{at['host']}:{at['port']}")
    expect(page.get_by_test_id("snippet-code")).to_contain_text(str(at["port"]))
    page.get_by_test_id("nav-worlds").click()
    port.get_by_test_id("port-close").click()
    expect(port).to_have_count(0)
    world.get_by_test_id("restore").click()
    page.get_by_test_id("yes").click()
    expect(page.get_by_test_id("toast").last).to_contain_text("seeded is restored")
    page.get_by_test_id("world").select_option("default")
    world.get_by_test_id("world-drop").click()
    page.get_by_test_id("yes").click()
    expect(world).to_have_count(0)
    assert filled.get("worlds")["worlds"] == []


VIEWS = (
    "/",
    "/queue",
    "/mailboxes/bob@beta.test",
    "/dns/explain?address=bob@beta.test",
    "/sessions",
    "/worlds",
    "/connect",
)


def loaded(page: Page, path: str) -> None:
    """Wait until a view shows what it has."""
    if "sessions" in path:  # they are asked for without end
        expect(page.get_by_test_id("session").first).to_be_visible()
    else:
        page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious(filled: Site, opened: Callable[..., Page], dark: bool) -> None:
    require(AXE.is_file(), "axe is not installed (services/web/console/build.py --tools)")
    ident = ident_of(filled, 'subject:"order 4711"')
    violations = []
    for path in (*VIEWS, f"/mail/{ident}", f"/mail/{ident}/source", f"/mail/{ident}/headers", "/?q=(a"):
        page = opened(path, dark=dark, bypass_csp=True)
        loaded(page, path)
        page.evaluate(AXE.read_text())
        report: dict[str, Any] = page.evaluate("axe.run({exclude: ['iframe']}, {resultTypes: ['violations']})")
        violations += [
            f"{path}: {violation['id']}: {node['target']} {node['any'][0]['message'] if node['any'] else node['html']}"
            for violation in report["violations"]
            if violation["impact"] in {"serious", "critical"}
            for node in violation["nodes"][:3]
        ]
    opened.errors[:] = [error for error in opened.errors if "422" not in error]  # type: ignore[attr-defined]
    assert violations == []


def test_themes(filled: Site, opened: Callable[..., Page]) -> None:
    page = opened()
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_test_id("theme").click()
    page.get_by_test_id("theme").click()
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    assert page.evaluate(ground) == dark, "it is remembered"
    assert opened(dark=True).evaluate(ground) == dark, "as the system says"


@pytest.mark.parametrize("path", VIEWS)
def test_nothing_is_wider_than_a_phone(filled: Site, opened: Callable[..., Page], path: str) -> None:
    page = opened(path, width=390, height=844, has_touch=True, is_mobile=True)
    expect(page.locator("main")).to_be_visible()
    loaded(page, path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for view in ("queue", "connect", "mail"):
        page.get_by_test_id(f"nav-{view}").click()
        expect(page.get_by_test_id(f"view-{view}")).to_be_visible()


def test_a_message_on_a_phone(filled: Site, opened: Callable[..., Page]) -> None:
    page = opened(width=390, height=844, has_touch=True, is_mobile=True)
    page.get_by_test_id("message").filter(has_text="Your order").get_by_test_id("subject").click()
    expect(page.frame_locator("[data-test=html]").locator("h1")).to_have_text("Thank you, Bob.")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_test_id("back").click()
    expect(page.get_by_test_id("message").first).to_be_visible()
    page.get_by_test_id("menu").click()
    page.get_by_test_id("filter-bounced").click()
    expect(page.get_by_test_id("message")).to_have_count(1)


def test_a_message_that_is_not_there(filled: Site, opened: Callable[..., Page]) -> None:
    page = opened("/mail/0000000000000")
    expect(page.get_by_test_id("message-view")).to_contain_text("There is no such message")
    opened.errors[:] = [error for error in opened.errors if "404" not in error]  # type: ignore[attr-defined]


def test_a_web_service_that_goes_and_comes_back(site: Site, opened: Callable[..., Page]) -> None:
    from tests.harness.stack import Service

    site.empty()
    page = opened()
    expect(page.get_by_test_id("live")).to_have_attribute("data-state", "open")
    site.stack.stop(Service.WEB)
    expect(page.get_by_test_id("live")).to_have_attribute("data-state", "lost")
    site.stack.start(Service.WEB)
    expect(page.get_by_test_id("live")).to_have_attribute("data-state", "open", timeout=30_000)
    site.send(mails.order())
    expect(page.get_by_test_id("message").filter(has_text="Your order 4711")).to_be_visible()
    opened.errors.clear()  # type: ignore[attr-defined]
