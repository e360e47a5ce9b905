"""TLS for the store's shell."""

from __future__ import annotations

from tests.harness.tls import certificate, store_tls

__all__ = ["certificate", "store_tls"]
