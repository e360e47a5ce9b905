"""The view Mail: the list, live; a message; what is done to messages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.console import mails

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import APIResponse, Locator, Page, Route

    from tests.console.conftest import Site

pytestmark = [pytest.mark.xdist_group("console"), pytest.mark.slow]


def rows(page: Page) -> Locator:
    return page.get_by_test_id("message")


def row(page: Page, text: str) -> Locator:
    return rows(page).filter(has_text=text).first


def current(page: Page) -> str:
    return page.locator(".row.current [data-test=subject]").inner_text()


def test_the_list_shows_what_became_of_each_message(filled: Site, opened: Callable[..., Page]) -> None:
    page = opened()
    expect(row(page, "Your order 4711")).to_contain_text("Corner Shop")
    expect(row(page, "Your order 4711")).to_contain_text("bob@beta.test")
    for subject, state in {
        "Your order 4711": "Delivered",
        "Are you there?": "Bounced",
        "Welcome to Corner Shop": "Captured",
        "Your parcel waits": "Deferred",
    }.items():
        expect(row(page, subject).get_by_test_id("state")).to_have_text(state)
    total = filled.get("messages", limit=0)["total"]
    expect(page.get_by_test_id("count")).to_contain_text(f"{total} messages, {total} unread")
    expect(page).to_have_title(f"({total}) Mail · Postroad")
    assert page.get_by_test_id("live").get_attribute("data-state") == "open"


def test_mail_arrives_while_one_looks_and_the_place_is_kept(site: Site, opened: Callable[..., Page]) -> None:
    site.empty()
    page = opened()
    expect(page.get_by_test_id("empty")).to_contain_text("No mail yet")
    site.send(*(mails.plain(number) for number in range(60)))
    expect(row(page, "#59")).to_be_visible()
    expect(page.get_by_test_id("count")).to_contain_text("60 messages")  # all are listed
    page.get_by_test_id("messages").evaluate("list => list.scrollTop = 800")
    expect(row(page, "#38")).to_be_visible()
    before = row(page, "#38").bounding_box()
    site.send(mails.plain(60), mails.plain(61))
    expect(page.get_by_test_id("new")).to_have_text("2 new")
    assert row(page, "#38").bounding_box() == before
    page.get_by_test_id("new").click()
    expect(row(page, "#61")).to_be_visible()
    expect(page.get_by_test_id("new")).to_have_count(0)


def test_mail_of_before_the_stream_is_counted_though_as_much_has_come_behind_it(
    site: Site, opened: Callable[..., Page]
) -> None:
    site.empty()
    streams: list[Route] = []
    answers: list[tuple[Route, APIResponse]] = []

    def stream(route: Route) -> None:
        streams.append(route)

    def refresh(route: Route) -> None:
        answer = route.fetch()
        site.send(mails.plain(2), mails.plain(3))
        answers.append((route, answer))

    def before(page: Page) -> None:
        page.route(re.compile(r"/v1/events\?"), stream, times=1)
        page.route(re.compile(r"/v1/messages\?.*\bafter=0\b"), refresh, times=1)

    page = opened(before=before)
    expect(page.get_by_test_id("empty")).to_contain_text("No mail yet")
    site.send(mails.plain(0), mails.plain(1))
    streams[0].continue_()
    expect(row(page, "#3")).to_be_visible()
    ((route, answer),) = answers
    route.fulfill(response=answer)
    expect(page.get_by_test_id("count")).to_contain_text("4 messages")
    expect(row(page, "#0")).to_be_visible()


def test_the_keyboard(filled: Site, opened: Callable[..., Page]) -> None:
    page = opened()
    expect(rows(page).first).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("j")
    second, third = (rows(page).nth(at).get_by_test_id("subject").inner_text() for at in (1, 2))
    assert current(page) == second
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("title")).to_contain_text(second)
    page.keyboard.press("j")
    expect(page.get_by_test_id("title")).to_contain_text(third)
    page.keyboard.press("k")
    expect(page.get_by_test_id("title")).to_contain_text(second)
    page.keyboard.press("3")
    expect(page.get_by_test_id("headers")).to_contain_text("Message-ID")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("message-view")).to_have_count(0)
    assert current(page) == second
    page.keyboard.press("?")
    expect(page.get_by_test_id("help-dialog")).to_contain_text("Next message")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("help-dialog")).to_have_count(0)
    page.keyboard.press("/")
    expect(page.get_by_test_id("search")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("q")
    expect(page.get_by_test_id("view-queue")).to_be_visible()


def test_escape_leads_back_to_the_same_row_of_a_long_list(site: Site, opened: Callable[..., Page]) -> None:
    site.empty()
    site.send(*(mails.plain(number) for number in range(80)))
    page = opened()
    expect(row(page, "#79")).to_be_visible()
    page.get_by_test_id("messages").evaluate("list => list.scrollTop = 1600")
    row(page, "#30").get_by_test_id("subject").click()
    expect(page.get_by_test_id("title")).to_contain_text("#30")
    expect(row(page, "#30")).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(row(page, "#30")).to_be_in_viewport()
    assert "#30" in current(page)


def test_search_with_suggestions(filled: Site, opened: Callable[..., Page]) -> None:
    page = opened()
    search = page.get_by_test_id("search")
    search.click()
    search.press_sequentially("sta")
    expect(page.get_by_test_id("suggestion").first).to_contain_text("state:")
    search.press("ArrowDown")
    search.press("Enter")
    search.press_sequentially("fai")
    search.press("ArrowDown")
    search.press("Enter")
    expect(search).to_have_value("state:failed ")
    expect(rows(page)).to_have_count(1)
    expect(rows(page).first).to_contain_text("Are you there?")
    assert page.url.endswith("/?q=state%3Afailed")
    page.get_by_test_id("search-clear").click()
    expect(row(page, "Your order 4711")).to_be_visible()
    search.fill("(a")
    expect(page.get_by_test_id("failure")).to_contain_text("this bracket is not closed")
    opened.errors[:] = [error for error in opened.errors if "422" not in error]  # type: ignore[attr-defined]


def test_a_search_is_live_too(site: Site, opened: Callable[..., Page]) -> None:
    site.empty()
    site.send(mails.plain(0), mails.plain(1))
    page = opened("/?q=subject:invoice")
    expect(rows(page)).to_have_count(1)
    site.send(mails.plain(6), mails.plain(7))
    expect(row(page, "Invoice #7")).to_be_visible()
    expect(rows(page)).to_have_count(2)


def test_filters_are_terms(filled: Site, opened: Callable[..., Page]) -> None:
    page = opened()
    page.get_by_test_id("filter-bounced").click()
    expect(rows(page)).to_have_count(1)
    page.get_by_test_id("filter-bounced").click()
    page.get_by_test_id("filter-account").filter(has_text="capture").click()
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_test_id("search")).to_have_value("account:capture@postroad.test")
    page.get_by_test_id("filter-tag").filter(has_text="login").click()
    expect(page.get_by_test_id("empty")).to_contain_text("Nothing matches")


def test_a_range_is_selected_marked_and_deleted_and_had_back(filled: Site, opened: Callable[..., Page]) -> None:
    page = opened()
    expect(rows(page).first).to_be_visible()
    total = filled.get("messages", limit=0)["total"]
    rows(page).nth(1).get_by_test_id("select").click()
    rows(page).nth(4).get_by_test_id("select").click(modifiers=["Shift"])
    expect(page.get_by_test_id("selected")).to_have_text("4 messages selected")
    page.get_by_test_id("mark-read").click()
    expect(page.get_by_test_id("toast")).to_contain_text("4 messages marked as read")
    expect(page.locator(".row.read")).to_have_count(4)
    page.get_by_test_id("undo").click()
    expect(page.locator(".row.read")).to_have_count(0)
    first = rows(page).nth(1).get_attribute("data-id")
    page.get_by_test_id("delete").click()
    expect(page.get_by_test_id("count")).to_contain_text(f"{total - 4} messages")
    assert filled.get("messages", limit=0)["total"] == total, "it can still be had back"
    page.keyboard.press("z")
    expect(page.get_by_test_id("count")).to_contain_text(f"{total} messages")
    assert rows(page).nth(1).get_attribute("data-id") == first
    rows(page).nth(0).get_by_test_id("select").click()
    page.keyboard.press("#")
    gone = rows(page).nth(0).get_attribute("data-id")
    expect(page.get_by_test_id("count")).to_contain_text(f"{total - 1} messages")
    page.close(run_before_unload=False)
    filled.http.post("/v1/quiet", json={})
    assert filled.get("messages", limit=0)["total"] == total - 1, (
        f"{gone} stays: leaving the page deletes what was deleted"
    )


def test_all_that_match_are_deleted_after_a_question(filled: Site, opened: Callable[..., Page]) -> None:
    page = opened("/?q=subject:bridge")
    expect(rows(page)).to_have_count(3)
    page.get_by_test_id("select-all").click()
    expect(page.get_by_test_id("selected")).to_have_text("3 messages selected")
    page.get_by_test_id("delete").click()
    page.get_by_test_id("yes").click()
    expect(page.get_by_test_id("empty")).to_contain_text("Nothing matches")
    assert filled.get("messages", query="subject:bridge")["total"] == 0


def test_a_message_and_its_tabs(filled: Site, opened: Callable[..., Page]) -> None:
    page = opened()
    row(page, "Your order 4711").get_by_test_id("subject").click()
    frame = page.frame_locator("[data-test=html]")
    expect(frame.locator("h1")).to_have_text("Thank you, Bob.")
    assert frame.locator("img").first.evaluate("image => image.naturalWidth") == 64, "the embedded image"
    for name, width in {"phone": 375, "tablet": 768}.items():
        page.get_by_test_id(f"width-{name}").click()
        box = page.get_by_test_id("html").bounding_box()
        assert box is not None
        assert box["width"] == width
    expect(page.get_by_test_id("attachment")).to_have_count(2)
    page.get_by_test_id("attachment-open").nth(1).click()
    assert page.locator("dialog img.seen").evaluate("image => image.decode().then(() => image.naturalWidth)") == 320
    page.get_by_test_id("close").click()
    expect(page.get_by_test_id("link").first).to_contain_text("Follow your parcel")
    expect(page.get_by_test_id("head-from")).to_contain_text("orders@shop.example")
    expect(page.get_by_test_id("recipient")).to_contain_text("INBOX")
    page.get_by_test_id("tab-text").click()
    expect(page.get_by_test_id("text")).to_contain_text("Your order 4711 is on its way:")
    page.get_by_test_id("tab-headers").click()
    page.get_by_test_id("headers-filter").fill("x-tags")
    expect(page.locator("table.headers tr")).to_have_count(1)
    page.get_by_test_id("tab-source").click()
    expect(page.get_by_test_id("source")).to_contain_text("Content-Type: multipart/mixed")
    page.get_by_test_id("part").filter(has_text="bell.png").click()
    expect(page.locator(".octets img.seen")).to_be_visible()
    page.get_by_test_id("tab-check").click()
    expect(page.get_by_test_id("check")).to_contain_text("of mail programs")
    assert page.url.endswith("/check")
    page.reload()
    expect(page.get_by_test_id("check")).to_be_visible()


def test_codes_unsubscribing_and_remote_content(filled: Site, opened: Callable[..., Page]) -> None:
    page = opened()
    row(page, "Your Acme code").or_(row(page, "482913")).first.get_by_test_id("subject").click()
    expect(page.get_by_test_id("code")).to_contain_text("482913")
    page.get_by_test_id("code-copy").click()
    assert page.evaluate("navigator.clipboard.readText()") == "482913"
    page.keyboard.press("Escape")
    row(page, "Ten roads").get_by_test_id("subject").click()
    expect(page.get_by_test_id("title")).to_contain_text("Ten roads")
    expect(page.get_by_test_id("unsubscribe")).to_have_text("Unsubscribes with one click")
    expect(page.get_by_test_id("remote")).to_contain_text("held back")
    frame = page.frame_locator("[data-test=html]")
    expect(frame.locator("h2")).to_have_text("Ten roads worth a detour")
    assert frame.locator("img").first.evaluate("image => image.naturalWidth") == 0


def test_a_conversation(filled: Site, opened: Callable[..., Page]) -> None:
    page = opened()
    row(page, "Splendid").get_by_test_id("subject").click()
    page.get_by_test_id("tab-thread").click()
    expect(page.locator("[data-test=thread] > li")).to_have_count(3)
    page.locator("[data-test=thread] > li a").first.click()
    expect(page.get_by_test_id("title")).to_have_text(re.compile("^Bridge over the Wey"))


def test_a_view_that_cannot_be_loaded_is_asked_for_again(filled: Site, opened: Callable[..., Page]) -> None:
    asked: list[str] = []

    def fail_once(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.abort("connectionreset")
        else:
            route.continue_()

    page = opened(before=lambda page: page.route("**/console/message-*.js", fail_once))
    row(page, "Splendid").get_by_test_id("subject").click()
    expect(page.get_by_test_id("title")).to_contain_text("Bridge over the Wey")
    assert len(asked) == 2
    errors = opened.errors  # type: ignore[attr-defined]
    assert all("ERR_CONNECTION_RESET" in error or "/message-" in error for error in errors), errors
    errors.clear()


def test_tags(filled: Site, opened: Callable[..., Page]) -> None:
    page = opened()
    row(page, "Quarterly figures").get_by_test_id("subject").click()
    page.locator(".title [data-test=tag-add]").click()
    page.get_by_test_id("tag-name").fill("to file")
    page.keyboard.press("Enter")
    expect(page.locator(".title [data-test=tag]")).to_have_text("to file")
    expect(row(page, "Quarterly figures").get_by_test_id("tag")).to_have_text("to file")
    expect(page.get_by_test_id("filter-tag").filter(has_text="to file")).to_be_visible()
    page.get_by_test_id("tag-remove").click()
    expect(page.locator(".title [data-test=tag]")).to_have_count(0)


def test_a_message_is_written_and_answered(filled: Site, opened: Callable[..., Page]) -> None:
    page = opened()
    expect(rows(page).first).to_be_visible()
    page.keyboard.press("c")
    page.get_by_test_id("compose-from").fill("ann@app.example")
    page.get_by_test_id("compose-to").fill("bob@beta.test, Dave <dave@beta.test>")
    page.get_by_test_id("compose-subject").fill("From the console")
    page.get_by_test_id("compose-text").fill("Hello, both.")
    page.get_by_test_id("compose-files").set_input_files(
        {"name": "a.txt", "mimeType": "text/plain", "buffer": b"attached"}
    )
    expect(page.locator(".files li")).to_have_count(1)
    page.get_by_test_id("compose-send").click()
    expect(page.get_by_test_id("title")).to_contain_text("From the console")
    expect(page.get_by_test_id("recipient")).to_have_count(2)
    expect(page.get_by_test_id("attachment")).to_contain_text("a.txt")
    page.keyboard.press("r")
    expect(page.get_by_test_id("compose-to")).to_have_value("ann@app.example")
    expect(page.get_by_test_id("compose-subject")).to_have_value("Re: From the console")
    page.get_by_test_id("compose-to").fill("alice@alpha.test")
    page.get_by_test_id("compose-send").click()
    expect(page.get_by_test_id("title")).to_contain_text("Re: From the console")
    answer = filled.get("messages/latest")
    assert answer["to"][0]["address"] == "alice@alpha.test"
    assert any(field["name"] == "In-Reply-To" for field in answer["content"]["headers"])


def test_a_bounce_leads_to_what_it_is_about(filled: Site, opened: Callable[..., Page]) -> None:
    page = opened("/?q=is:report")
    rows(page).first.get_by_test_id("subject").click()
    expect(page.get_by_test_id("title")).to_contain_text("Delivery Status Notification")
    page.get_by_role("definition").get_by_role("link").filter(has_text=re.compile("^[0-9A-F]{13}$")).click()
    expect(page.get_by_test_id("title")).to_contain_text("Are you there?")
    expect(page.get_by_test_id("reports")).to_contain_text("1 notification about it")
