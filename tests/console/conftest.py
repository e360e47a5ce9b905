"""A stack with mail in it, and Debian's Chromium that looks at it. A page must not log errors or ask other hosts."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import expect, sync_playwright

from tests.console import mails
from tests.harness.needs import require
from tests.harness.processes import ProcessStack
from tests.harness.smtp import SMTP
from tests.harness.stack import DEFAULT_WORLD, ROOT, Port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

    from tests.console.mails import Mail

BUILT = ROOT / "services" / "web" / "postroad_web" / "console" / "index.html"
PROGRAMS = ("chromium", "chromium-browser")
# Without them Chromium asks its maker's hosts for updates, which has nothing to do with the page.
QUIETLY = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WAIT = 15_000  # milliseconds: the bound of every wait
expect.set_options(timeout=WAIT)


class Site:
    """A stack, and the address of its console."""

    def __init__(self, stack: ProcessStack) -> None:
        self.stack = stack
        host, port = stack.endpoint(Port.WEB)
        self.host = f"{host}:{port}"
        self.url = f"http://{self.host}"
        self.http = httpx.Client(base_url=self.url, timeout=30)

    def send_at_once(self, *some: Mail) -> list[str]:
        """Send messages by the app door, and return their IDs, which the 250s name."""
        with SMTP(self.stack.endpoint(Port.APP)) as session:
            session.ehlo()
            return [session.mail(mail.sender, mail.recipients, mail.content).text.split()[-1] for mail in some]

    def send(self, *some: Mail) -> list[str]:
        """Do the same, and wait until the catalog knows them."""
        idents = self.send_at_once(*some)
        for ident in idents:
            self.http.post("/v1/wait", json={"id": ident, "settled": False, "timeout": 20}).raise_for_status()
        return idents

    def empty(self) -> None:
        """Remove all mail."""
        self.http.post("/v1/purge").raise_for_status()

    def get(self, path: str, **query: Any) -> Any:
        """Return a value of the API."""
        return self.http.get(f"/v1/{path}", params=query).raise_for_status().json()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a stack of its own."""
    require(BUILT.is_file(), "the console is not built (make venv)")
    settings = {"POSTROAD_RETRY": "1m 5m 15m 1h"}
    folder = tmp_path_factory.mktemp("console") / "stack"
    with ProcessStack(folder, world=DEFAULT_WORLD + mails.SLOW, settings=settings) as stack:
        site = Site(stack)
        yield site
        site.http.close()
        stack.check_logs()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return Chromium. Not for longer than a module: Playwright's loop must not meet that of asynchronous tests."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    require(program is not None, "Chromium is not installed (tests/debian-packages.txt)")
    with sync_playwright() as playwright:
        playwright.selectors.set_test_id_attribute("data-test")
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIETLY))
        yield browser
        browser.close()


@pytest.fixture
def filled(site: Site) -> Site:
    """Return the stack with one message of each kind, and nothing else."""
    site.empty()
    idents = site.send(*mails.everything())
    assert len(idents) == len(set(idents))
    # The notification about one of them comes by itself.
    site.http.post("/v1/wait", json={"query": "is:report", "reports": True, "timeout": 20}).raise_for_status()
    return site


@pytest.fixture
def opened(browser: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page of the console, and see that it has no errors and asks no other host."""
    pages = []
    errors: list[str] = []

    def said(message: ConsoleMessage) -> None:
        place = message.location.get("url", "")
        # What a mail wanted to have and the policy of its frame has refused.
        is_refused = "Content Security Policy" in message.text and urlsplit(place).path.endswith("/html")
        is_refused = is_refused or "ERR_NETWORK_CHANGED" in message.text  # the machine's; what was asked is asked again
        if message.type in {"error", "warning"} and not is_refused:
            errors.append(f"console: {message.text} ({message.location.get('url')})")

    def asked(request: Request) -> None:
        url = urlsplit(request.url)
        is_refused = request.failure is not None and request.failure.lower() in {"csp", "net::err_blocked_by_csp"}
        if url.scheme not in {"data", "blob"} and url.netloc != site.host and not is_refused:
            errors.append(f"request: {request.url} {request.failure}")

    def open_(
        path: str = "/",
        *,
        width: int = 1440,
        height: int = 900,
        dark: bool = False,
        before: Callable[[Page], None] = lambda _: None,
        **options: Any,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            locale="en-GB",
            timezone_id="Europe/Berlin",
            permissions=["clipboard-read", "clipboard-write"],
            **options,
        )
        context.set_default_timeout(WAIT)
        pages.append(context)
        context.on("requestfinished", asked)
        context.on("requestfailed", asked)
        page = context.new_page()
        page.on("console", said)
        page.on("pageerror", lambda error: errors.append(f"page: {error}"))
        before(page)
        page.goto(site.url + path)
        return page

    open_.errors = errors  # type: ignore[attr-defined]
    yield open_
    for context in pages:
        context.close()
    assert errors == []
