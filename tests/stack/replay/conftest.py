"""Fixtures of TLS."""

from tests.harness.tls import certificate, server_tls

__all__ = ["certificate", "server_tls"]
