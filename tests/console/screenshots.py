"""Take a picture of each view, on a desktop and on a phone: `make screenshots` writes them to build/screenshots.

Those of README are made small, and go to docs/images.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.console import mails
from tests.console.conftest import PROGRAMS, QUIETLY, Site
from tests.harness.processes import ProcessStack
from tests.harness.stack import DEFAULT_WORLD, ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = ROOT / "build" / "screenshots"
IMAGES = ROOT / "docs" / "images"
OF_README = ("list", "road")
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}


def main() -> None:
    """Start a stack, fill it, and take the pictures."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        sys.exit("Chromium is not installed (tests/debian-packages.txt)")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessStack(
            Path(folder) / "stack", world=DEFAULT_WORLD + mails.SLOW, settings={"POSTROAD_RETRY": "5m 15m 1h"}
        ) as stack,
        sync_playwright() as playwright,
    ):
        site = Site(stack)
        site.send(*mails.everything())
        paths = _paths(site)
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIETLY))
        for size, (width, height) in SIZES.items():
            for theme in ("light", "dark"):
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme=theme,
                    locale="en-GB",
                    is_mobile=size == "phone",
                    has_touch=size == "phone",
                )
                page = context.new_page()
                for name, path in paths.items():
                    _take(page, f"{site.url}{path}", FOLDER / f"{name}-{size}-{theme}.png")
                context.close()
        browser.close()
        site.http.close()
    IMAGES.mkdir(exist_ok=True)
    for name in OF_README:
        with Image.open(FOLDER / f"{name}-desktop-light.png") as picture:
            small = picture.convert("RGB").resize((1080, 675), Image.Resampling.LANCZOS)
            small.quantize(96).save(IMAGES / f"console-{name}.png", optimize=True)
    print(f"{len(paths) * 4} pictures: {FOLDER}")


def _paths(site: Site) -> dict[str, str]:
    """Return where each view is, by its name."""
    world = {"id": "checkout", "owner": "tests/test_shop.py::test_order", "ttl": 3600}
    domain = {"name": "shop.test", "accounts": [{"name": "bob"}, {"name": "ann"}]}
    site.http.post("/v1/worlds", json=world | {"domains": [domain]}).raise_for_status()
    site.http.post("/v1/worlds/checkout/snapshots", json={"name": "seeded"}).raise_for_status()

    def ident(query: str) -> str:
        return str(site.get("messages", query=query)["messages"][0]["id"])

    order = ident('subject:"order 4711"')
    session = site.get("sessions", message=order, protocol="smtp")["sessions"][-1]["id"]
    return {
        "list": "/",
        "mail": f"/mail/{order}",
        "source": f"/mail/{order}/source",
        "check": f"/mail/{ident('subject:detour')}/check",
        "road": f"/mail/{order}/road",
        "waiting": f"/mail/{ident('state:deferred')}/road",
        "queue": "/queue",
        "mailboxes": "/mailboxes/bob@beta.test",
        "explain": "/dns/explain?address=sales@beta.test",
        "zone": "/dns/zone/beta.test.",
        "session": f"/sessions/{session}",
        "worlds": "/worlds",
        "connect": "/connect",
    }


def _take(page: Page, url: str, path: Path) -> None:
    page.goto(url)
    page.wait_for_timeout(700)  # streams are open for ever, so there is no moment at which nothing is loaded
    page.screenshot(path=path)


if __name__ == "__main__":
    main()
