"""TLS for both shells."""

from __future__ import annotations

from tests.harness.tls import certificate, client_tls, server_tls, store_tls

__all__ = ["certificate", "client_tls", "server_tls", "store_tls"]
