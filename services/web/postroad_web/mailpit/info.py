"""/api/v1/info and /api/v1/webui: what runs here, for clients that ask before they start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad.control.process import process_figures
from postroad_web.mailpit.endpoint import Call, json

if TYPE_CHECKING:
    from starlette.responses import Response

    from postroad_web.mailpit.mailbox import Mailbox

VERSION = "v1.30.5+postroad"  # of the Mailpit that this speaks like; clients read the numbers


async def info(call: Call) -> Response:
    """Answer what runs, and how many messages there are."""
    await call.mailbox.fresh()
    return json(_info(call.mailbox))


def _info(mailbox: Mailbox) -> dict[str, Any]:
    services = mailbox.services
    counts = mailbox.counts()
    process = process_figures()
    traffic = services.catalog.tallies.of(mailbox.world)
    database = services.settings.web_dir / "catalog.sqlite"
    return {
        "Version": VERSION,
        "LatestVersion": "disabled",
        "Database": str(database),
        "DatabaseSize": database.stat().st_size if database.exists() else 0,
        "Messages": counts.total,
        "Unread": counts.unread,
        "Tags": mailbox.catalog.tag_counts(),
        "RuntimeStats": {
            "Uptime": max(0, int(services.clock.now() - process["started"])),
            "Memory": int(process["rss"]),
            "MessagesDeleted": mailbox.deleted,
            "SMTPAccepted": traffic.accepted,
            "SMTPAcceptedSize": traffic.octets,
            "SMTPRejected": traffic.refused,
            "SMTPIgnored": 0,
        },
    }


async def webui(call: Call) -> Response:
    """Answer the settings of Mailpit's own pages."""
    release = call.mailbox.services.settings.release
    return json(
        {
            "Label": "",
            "MessageRelay": {
                "Enabled": bool(release),
                "SMTPServer": server_of(release),
                "ReturnPath": "",
                "AllowedRecipients": "",
                "BlockedRecipients": "",
                "OverrideFrom": "",
                "PreserveMessageIDs": False,
                "RecipientAllowlist": "",
            },
            "SpamAssassin": False,
            "ChaosEnabled": True,
            "DuplicatesIgnored": False,
            "HideDeleteAllButton": False,
        }
    )


def server_of(release: str) -> str:
    """Return host and port of the server that messages are released to, without the password."""
    return release.rpartition("@")[2].removeprefix("smtp://").removeprefix("smtps://").rstrip("/")
