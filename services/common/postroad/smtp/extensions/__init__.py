"""The extensions of SMTP that Postroad knows, a file each; `extension.py` says what one consists of.

serve(..., extensions=EXTENSIONS)                    # or without({"SIZE"}), as a server that lacks it
Client(hostname, server, EXTENSIONS)
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from postroad.config import ConfigError
from postroad.smtp.extensions.auth import AUTH
from postroad.smtp.extensions.eightbitmime import EIGHT_BIT_MIME
from postroad.smtp.extensions.enhancedstatuscodes import ENHANCED_STATUS_CODES
from postroad.smtp.extensions.extension import Extension, Parameter
from postroad.smtp.extensions.pipelining import PIPELINING
from postroad.smtp.extensions.size import SIZE
from postroad.smtp.extensions.smtputf8 import SMTPUTF8
from postroad.smtp.extensions.starttls import STARTTLS

if TYPE_CHECKING:
    from collections.abc import Collection

    from postroad.config import Settings

# In the order of EHLO's lines and of MAIL's parameters.
EXTENSIONS = (PIPELINING, SIZE, EIGHT_BIT_MIME, SMTPUTF8, ENHANCED_STATUS_CODES, STARTTLS, AUTH)

__all__ = ["EXTENSIONS", "Extension", "Parameter", "offered_by", "without"]


def without(keywords: Collection[str], extensions: tuple[Extension, ...] = EXTENSIONS) -> tuple[Extension, ...]:
    """Return the extensions with some hidden: the server knows them but does not offer them.

    Raises `ValueError` for a keyword that no extension has.
    """
    hidden = {keyword.upper() for keyword in keywords}
    known = [extension.keyword for extension in extensions]
    if unknown := sorted(hidden.difference(known)):
        raise ValueError(f"{', '.join(unknown)} cannot be hidden; these can: {', '.join(known)}")
    return tuple(
        replace(extension, available=lambda _profile: False) if extension.keyword in hidden else extension
        for extension in extensions
    )


def offered_by(settings: Settings) -> tuple[Extension, ...]:
    """Return the extensions without those that the settings hide; raises `ConfigError`."""
    try:
        return without(settings.smtp_without)
    except ValueError as error:
        raise ConfigError(f"POSTROAD_SMTP_WITHOUT={','.join(settings.smtp_without)}: {error}") from None
