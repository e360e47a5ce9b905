"""The mechanisms of a service as the settings want them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from postroad.config import ConfigError
from postroad.sasl.offer import UnknownMechanism
from postroad.sasl.server import Sasl

if TYPE_CHECKING:
    from postroad.config import Settings
    from postroad.sasl.mechanism import Realm


def nonce() -> str:
    """Return 144 bits that nobody can foresee."""
    return secrets.token_urlsafe(18)


def sasl_of(
    settings: Settings, service: str, realm: Realm, hostname: str, *, plaintext_auth: bool | None = None
) -> Sasl:
    """Return what a service offers; `plaintext_auth` overrules the setting. Raises `ConfigError`."""
    try:
        return Sasl(
            service,
            realm,
            hostname=hostname,
            nonce=nonce,
            hidden=settings.sasl_without,
            plaintext_auth=settings.plaintext_auth if plaintext_auth is None else plaintext_auth,
            errors=settings.oauth_errors,
        )
    except UnknownMechanism as error:
        raise ConfigError(f"POSTROAD_SASL_WITHOUT={','.join(settings.sasl_without)}: {error}") from None


def asks_for_certificates(settings: Settings) -> bool:
    """Whether TLS asks clients for a certificate: it does where EXTERNAL could use one."""
    return "EXTERNAL" not in {name.upper() for name in settings.sasl_without}
