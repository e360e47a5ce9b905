"""Postroad's relay, on aiosmtpd: submission, a durable queue, MX delivery, DSNs."""
