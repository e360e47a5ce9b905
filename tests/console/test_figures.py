"""How much, how fast, how long: the console's figures. The bounds leave room for a machine that is busy."""

from __future__ import annotations

import json
import time
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.console import mails

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page, Route

    from tests.console.conftest import Site

pytestmark = [pytest.mark.xdist_group("console"), pytest.mark.slow]

MANY = 100_000
SEEN = """
window.seen = {};
new MutationObserver(() => {
  for (const row of document.querySelectorAll("[data-test=message]")) {
    seen.first ??= performance.now();
    seen[row.dataset.id] ??= Date.now();
  }
}).observe(document, {childList: true, subtree: true});
"""
# Streams that the test speaks on.
FAKE = """
window.streams = [];
window.EventSource = class extends EventTarget {
  constructor() { super(); this.readyState = 1; streams.push(this); setTimeout(() => this.onopen?.(), 0); }
  close() {}
};
"""


def summary(number: int, *, read: bool = True) -> dict[str, Any]:
    person = [{"name": f"Sender {number % 40}", "address": f"s{number % 40}@app.example"}]
    recipient: dict[str, Any] = {
        "address": "bob@beta.test",
        "state": "delivered",
        "reason": "",
        "host": "",
        "due": None,
    }
    recipient |= {"attempts": 1, "copies": []}
    return {
        "id": f"{number:013X}", "number": number, "world": "default", "origin": "app", "state": "delivered",
        "arrived": "2026-11-26T12:00:00.000Z", "sender": "s@app.example", "recipients": [recipient], "message_id": None,
        "size": 2000 + number, "subject": f"Message {number}", "from": person, "to": person, "cc": [], "bcc": [],
        "reply_to": [], "date": None, "snippet": "Some words that one sees of the text of a message. " * 2,
        "attachment_count": number % 3 == 0, "inline_count": 0, "read": read,
        "tags": ["orders"] if number % 5 == 0 else [],
        "about": None, "reports": [], "login": None, "peer": "", "client": "", "protocol": "ESMTP", "tls": None,
    }  # fmt: skip


def many(route: Route) -> None:
    """Answer as the service would with 100,000 messages; their numbers are 10, 20, ..."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(route.request.url).query).items()}
    limit, offset = int(query.get("limit", 50)), int(query.get("offset", 0))
    high = MANY - offset
    rows = [] if "after" in query else [summary(number * 10) for number in range(high, max(0, high - limit), -1)]
    page = {"messages": rows, "next": None, "total": MANY, "unread": 0}
    route.fulfill(status=200, content_type="application/json", body=json.dumps(page))


def test_the_first_load(filled: Site, opened: Callable[..., Page], figure: Callable[[str, object], None]) -> None:
    opened("/connect")  # whatever Chromium does once
    sizes: list[int] = []

    def watched(page: Page) -> None:
        page.add_init_script(SEEN)
        page.on("requestfinished", lambda request: sizes.append(_octets(request, filled)))

    page = opened(before=watched)
    expect(page.get_by_test_id("message").first).to_be_visible()
    ready = page.evaluate("seen.first")
    figure("KiB over the wire", round(sum(sizes) / 1024))
    figure("ms until the list is there", round(ready))
    assert sum(sizes) <= 150 * 1024
    assert ready < 4000


def _octets(request: Any, site: Site) -> int:
    """Return the octets of a file of the console."""
    sizes = request.sizes()
    is_file = request.url.startswith(site.url) and "/v1/" not in request.url
    return int(sizes["responseBodySize"] + sizes["responseHeadersSize"]) if is_file else 0


def test_new_mail_is_seen_soon(site: Site, opened: Callable[..., Page], figure: Callable[[str, object], None]) -> None:
    site.empty()
    page = opened()
    expect(page.get_by_test_id("live")).to_have_attribute("data-state", "open")
    page.evaluate(SEEN)
    took = []
    for number in range(15):
        (ident,) = site.send_at_once(mails.plain(number))
        accepted = time.time()
        expect(page.locator(f"[data-id='{ident}']")).to_be_visible()
        took.append(page.evaluate("ident => seen[ident]", ident) - accepted * 1000)
    figure("ms from the 250 to the list, median", round(median(took)))
    assert median(took) < 1000


def test_a_hundred_thousand_messages_are_scrolled_through(
    site: Site, opened: Callable[..., Page], figure: Callable[[str, object], None]
) -> None:
    page = opened("/connect")
    page.route("**/v1/messages?*", many)
    page.add_init_script(FAKE)
    page.goto(site.url)
    expect(page.get_by_test_id("count")).to_contain_text("100,000 messages")
    frames = """(distance) => new Promise((resolve) => {
      const list = document.querySelector("[data-test=messages]");
      const begin = performance.now();
      let frames = 0;
      const step = () => {
        const passed = performance.now() - begin;
        list.scrollTop += distance;
        if (passed < 3000) { frames += 1; requestAnimationFrame(step); } else resolve(frames / (passed / 1000));
      };
      requestAnimationFrame(step);
    })"""
    still = page.evaluate(frames, 0)
    reading, flying = page.evaluate(frames, 40), page.evaluate(frames, 4000)
    figure("frames/s at rest", round(still))
    figure("frames/s, a row per frame", round(reading))
    figure("frames/s, a hundred rows per frame", round(flying))
    assert reading > still * 0.5
    assert flying > still * 0.5
    list_ = page.get_by_test_id("messages")
    list_.evaluate("list => list.scrollTop = list.scrollHeight / 2")
    middle = page.get_by_test_id("message").nth(10)
    expect(middle).to_contain_text("Message ")
    number = int(middle.get_by_test_id("subject").inner_text().split()[-1]) // 10
    assert abs(number - MANY / 2) < 100
    list_.evaluate("list => list.scrollTop = list.scrollHeight")
    expect(page.get_by_test_id("message").last).to_contain_text("Message 10")
    assert page.get_by_test_id("message").count() < 80


def test_ten_thousand_arrivals_take_no_more_memory(
    site: Site, opened: Callable[..., Page], figure: Callable[[str, object], None]
) -> None:
    page = opened("/connect")
    page.route("**/v1/messages?*", many)
    page.add_init_script(FAKE)
    page.goto(site.url)
    expect(page.get_by_test_id("count")).to_contain_text("100,000 messages")
    session = page.context.new_cdp_session(page)
    page.evaluate(
        """(template) => { window.arrive = async (from, count) => {
          for (let at = from; at < from + count; at += 1) {
            const message = {...template, number: at, id: `N${at}`, subject: `Arrival ${at}`};
            const data = JSON.stringify({cursor: at, kind: "arrived", message});
            const event = new MessageEvent("arrived", {data, lastEventId: String(at)});
            streams[0].dispatchEvent(event);
            if (at % 50 === 0) await new Promise(requestAnimationFrame);
          }
          await new Promise(requestAnimationFrame);
        } }""",
        summary(1, read=False),
    )

    def heap() -> float:
        session.send("HeapProfiler.collectGarbage")
        return float(page.evaluate("performance.memory.usedJSHeapSize")) / 1e6

    page.evaluate("arrive(2000000, 4000)")
    before = heap()
    page.evaluate("arrive(3000000, 10000)")
    after = heap()
    expect(page.get_by_test_id("count")).to_contain_text("114,000 messages")
    expect(page.get_by_test_id("message").first).to_contain_text("Arrival 3009999")
    figure("MB before and after", f"{before:.1f}, {after:.1f}")
    assert after < before * 1.5 + 5
    assert page.evaluate("document.querySelectorAll('*').length") < 3000
