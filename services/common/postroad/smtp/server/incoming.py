"""The content of the message that is coming in."""

from __future__ import annotations

import errno
import logging
from typing import TYPE_CHECKING

from postroad.mail.content import Content
from postroad.mail.reply import LOCAL_ERROR, STORAGE_FULL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from postroad.mail.reply import Reply

logger = logging.getLogger("postroad.smtp.server")


class Incoming:
    """Keeps the blocks of one message after the other; a large message goes to a file in `folder`."""

    __slots__ = ("_content", "_folder")

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._content: Content | None = None

    def keep(self, octets: bytes) -> None:
        """Keep a block; raises `OSError`, and then nothing is kept."""
        try:
            if self._content is None:
                self._content = Content(self._folder)
            self._content.write(octets)
        except OSError:
            self.drop()
            raise

    def take(self) -> Content:
        """Return the whole content; the caller owns it."""
        content, self._content = self._content, None
        return content or Content(self._folder)

    def drop(self) -> None:
        """Forget the content."""
        if self._content is not None:
            self._content.close()
            self._content = None


def storage_failed(error: OSError, identity: Mapping[str, str]) -> Reply:
    """Log that the disk has failed, for the session that `identity` names, and return the reply that says so."""
    logger.error("storage failed: %s", error, extra=dict(identity))
    return STORAGE_FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else LOCAL_ERROR
