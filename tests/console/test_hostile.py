"""Hostile mail neither runs, nor leaks, nor freezes the page. Every name leads to a canary, which hears of all."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.console import hostile
from tests.console.conftest import PROGRAMS, QUIETLY, WAIT
from tests.harness.needs import require

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Dialog, Page

    from tests.console.conftest import Site
    from tests.console.hostile import Hostile

pytestmark = [pytest.mark.xdist_group("console"), pytest.mark.slow]

TABS = ("html", "text", "headers", "source", "road", "thread", "check")


class Canary:
    """Listens where all names lead, and remembers what was asked of it."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.heard: list[bytes] = []
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(2)
                try:
                    self._hear(connection.recv(4000))
                    connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                except OSError:
                    self._hear(b"")

    def _hear(self, octets: bytes) -> None:
        # Chromium connects to its maker's hosts and to nobody whatever one does; names are in the clear in TLS too.
        if b"leak.test" in octets or b"evil.example" in octets:
            self.heard.append(octets)


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    canary = Canary()
    yield canary
    canary.socket.close()


@pytest.fixture(scope="module")
def trapped(site: Site, canary: Canary) -> Iterator[Browser]:
    """Return Chromium, for which every name has the canary's address."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    require(program is not None, "Chromium is not installed (tests/debian-packages.txt)")
    rules = f"--host-resolver-rules=MAP * 127.0.0.1:{canary.port}, EXCLUDE {site.host.partition(':')[0]}"
    with sync_playwright() as playwright:
        playwright.selectors.set_test_id_attribute("data-test")
        browser = playwright.chromium.launch(executable_path=program, args=[*QUIETLY, rules])
        yield browser
        browser.close()


@pytest.fixture
def page(trapped: Browser, canary: Canary) -> Iterator[Page]:
    context = trapped.new_context(viewport={"width": 1200, "height": 800})
    context.set_default_timeout(WAIT)
    page = context.new_page()
    problems: list[str] = []

    def asked(dialog: Dialog) -> None:
        problems.append(f"dialog {dialog.message}")
        dialog.dismiss()

    page.on("dialog", asked)
    page.on("pageerror", lambda error: problems.append(f"error {error}"))
    context.on("page", lambda _: problems.append("a window"))
    canary.heard.clear()
    yield page
    context.close()
    assert problems == []


def look(page: Page, site: Site, ident: str, attack: Hostile) -> None:
    """Look at a message in every way, and see that it is only looked at."""
    for tab in TABS:
        page.goto(f"{site.url}/mail/{ident}/{tab}")
        expect(page.get_by_test_id("title")).to_contain_text("Hostile")
        if tab == "html" and attack.is_shown:
            expect(page.frame_locator("[data-test=html]").locator("#end")).to_be_attached()
        expect(
            page.get_by_test_id(f"panel-{tab}" if attack.is_shown or tab != "html" else "panel-text")
        ).to_be_visible()
        assert page.evaluate("window.pwned") is None
        assert "pwned" not in page.title()
        assert page.url == f"{site.url}/mail/{ident}/{tab}"
        # Nothing of a message is an element of the page, in the list either.
        assert page.evaluate("document.querySelectorAll('#app script, #app img[onerror], #app object').length") == 0


@pytest.mark.parametrize("attack", hostile.everything(), ids=lambda attack: attack.name.split()[0])
def test_it_is_looked_at_and_nothing_else(site: Site, canary: Canary, page: Page, attack: Hostile) -> None:
    site.empty()
    (ident,) = site.send(attack.mail)
    look(page, site, ident, attack)
    page.goto(f"{site.url}/mail/{ident}")
    for file in range(page.get_by_test_id("attachment-open").count()):
        page.get_by_test_id("attachment-open").nth(file).click()
        expect(page.get_by_test_id("preview")).to_be_visible()
        page.wait_for_timeout(150)
        page.get_by_test_id("close").click()
    assert page.evaluate("window.pwned") is None
    assert canary.heard == []


def test_the_canary_would_hear_of_it(site: Site, canary: Canary, page: Page) -> None:
    """What was asked for is got: so the silence before says something."""
    site.empty()
    leaks = next(attack for attack in hostile.everything() if attack.name == "leaks")
    (ident,) = site.send(leaks.mail)
    page.goto(f"{site.url}/mail/{ident}/html")
    expect(page.get_by_test_id("remote")).to_contain_text("held back")
    page.wait_for_timeout(300)
    assert canary.heard == []
    page.get_by_test_id("remote-show").click()
    expect(page.get_by_test_id("remote")).to_contain_text("is shown")
    deadline = time.monotonic() + 10
    while not canary.heard and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert canary.heard
    assert page.evaluate("window.pwned") is None


def test_odd_names_are_pointed_out(site: Site, page: Page) -> None:
    site.empty()
    bidi = next(attack for attack in hostile.everything() if attack.name.startswith("bidi"))
    (ident,) = site.send(bidi.mail)
    page.goto(f"{site.url}/mail/{ident}")
    expect(page.get_by_test_id("odd").first).to_be_visible()
    expect(page.get_by_test_id("title")).to_contain_text("U+202E")
    row = page.get_by_test_id("message").first
    assert "\u202e" not in row.inner_text()


def test_ten_megabytes_of_tables_do_not_freeze_the_page(site: Site, page: Page) -> None:
    site.empty()
    (ident,) = site.send(hostile.large().mail)
    page.goto(f"{site.url}/mail/{ident}")
    expect(page.get_by_test_id("large")).to_be_visible()
    page.get_by_test_id("large-show").click()
    expect(page.get_by_test_id("html")).to_be_attached()
    page.wait_for_timeout(1000)
    slowest = page.evaluate(
        """() => new Promise((resolve) => {
          let last = performance.now(), slowest = 0, frames = 0;
          const step = () => {
            const now = performance.now();
            slowest = Math.max(slowest, now - last);
            last = now;
            if (++frames < 60) requestAnimationFrame(step); else resolve(slowest);
          };
          requestAnimationFrame(step);
        })"""
    )
    assert slowest < 3000
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("message-view")).to_have_count(0)
