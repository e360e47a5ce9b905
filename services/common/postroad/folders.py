"""The folders of a stack's data: each service writes its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Folders:
    """What lies in `data`."""

    __slots__ = ()

    data: Path

    @property
    def tls_dir(self) -> Path:
        """The certificate that init made, for all services: ca.pem, cert.pem, key.pem."""
        return self.data / "tls"

    @property
    def trust_dir(self) -> Path:
        """The CA's certificate alone, for clients, readable by every user: ca.pem."""
        return self.data / "trust"

    @property
    def ca_dir(self) -> Path:
        """The CA with its key, which only init needs."""
        return self.data / "ca"

    @property
    def control_dir(self) -> Path:
        """The token of the control doors, which init made."""
        return self.data / "control"

    @property
    def web_dir(self) -> Path:
        """The web service's catalog and marks."""
        return self.data / "web"

    @property
    def journal_dir(self) -> Path:
        """The journal's files, one per service."""
        return self.data / "journal"

    @property
    def dns_dir(self) -> Path:
        """The worlds that the name server has beside the file's."""
        return self.data / "dns"

    @property
    def spool_dir(self) -> Path:
        """The relay's spool."""
        return self.data / "spool"

    @property
    def mail_dir(self) -> Path:
        """The store's mail."""
        return self.data / "mail"
