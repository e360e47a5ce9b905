"""TLS for receivers that are run live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad_store.protocol.tls import ServerTls
from tests.harness.tls import certificate, client_tls, server_tls

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["certificate", "client_tls", "server_tls", "store_tls"]


@pytest.fixture(scope="session")
def store_tls(certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> ServerTls:
    """The same certificate, as the store's adapter wants it."""
    folder = tmp_path_factory.mktemp("store-tls")
    for name in ("cert.pem", "key.pem"):
        (folder / name).write_bytes(certificate.read_bytes())
    return ServerTls(folder)
