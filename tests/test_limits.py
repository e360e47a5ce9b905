"""Limits that peers and people meet: each as its RFC or the documentation has it, whatever code reads it."""

from __future__ import annotations

import importlib

import pytest

LIMITS: dict[str, object] = {
    "postroad.sasl.mechanism.MAX_RESPONSE": 12_288,  # RFC 4954 §4
    "postroad.sasl.mechanism.LONGEST_NAME": 320,
    "postroad.sasl.token.LONGEST": 4096,
    "postroad.sasl.scram_hash.ITERATIONS": 4096,  # RFC 7677 §4
    "postroad.sasl.scram_hash.MAX_ITERATIONS": 1_000_000,
    "postroad.sasl.scram_hash.SALT": 16,
    "postroad.sasl.channel.EXPORTER_LENGTH": 32,  # RFC 9266 §2, and the next
    "postroad.sasl.channel.EXPORTER_LABEL": b"EXPORTER-Channel-Binding",
    "postroad.dns.name.MAX_LABEL": 63,  # RFC 1035 §2.3.4, and the next
    "postroad.dns.name.MAX_NAME": 255,
    "postroad.dns.words.MAX_STRING": 255,
    "postroad.dns.words.MAX_RDATA": 65_535,
    "postroad.dns.zone.MAX_TTL": 2_147_483_647,  # RFC 2181 §8
    "postroad.mail.address.MAX_LOCAL_PART": 64,  # RFC 5321 §4.5.3.1, and the next two
    "postroad.mail.address.MAX_DOMAIN": 255,
    "postroad.mail.address.MAX_PATH": 256,
    "postroad.mail.header.RECEIVED_LIMIT": 50,
    "postroad.smtp.client.engine.BLOCK_TIMEOUT": 180,  # RFC 5321 §4.5.3.2.5
    "postroad.smtp.extensions.auth._LINE": 12_288,  # RFC 4954 §4
    "postroad.smtp.server.commands.COMMAND_LINE": 512,  # RFC 5321 §4.5.3.1.4
    "postroad.world.goals.MAX_ALIAS_DEPTH": 20,
    "postroad_dns.lookup.MAX_ALIASES": 16,
    "postroad_dns.responder.TCP_LIMIT": 65_535,  # RFC 1035 §4.2.2
    "postroad_dns.wire.PLAIN_PAYLOAD": 512,  # RFC 1035 §4.2.1
    "postroad_dns.wire.PAYLOAD": 1232,
    "postroad_relay.delivery.routing.MAX_ADDRESSES": 10,
    "postroad_relay.dsn.report.RETURN_WHOLE": 65_536,
    "postroad_relay.queue.schedule.JITTER": 0.1,
    "postroad_store.imap.framing.MAX_TAG": 64,
    "postroad_store.imap.patterns.MAX_PATTERN": 1000,
    "postroad_store.imap.grammar.reader.MAX_NUMBER": 4_294_967_295,  # RFC 3501 §9
    "postroad_store.imap.grammar.responses.MAX_QUOTED": 1000,
    "postroad.mime.addresses.MAX_ADDRESSES": 10_000,
    "postroad.mime.addresses.MAX_OCTETS": 524_288,
    "postroad.mime.fields.MAX_PARAMETERS": 100,
    "postroad.mime.structure.MAX_PARTS": 10_000,
    "postroad.mime.structure.MAX_DEPTH": 100,
    "postroad_store.mail.model.account.MAX_NAME": 255,
    "postroad_store.mail.model.account.MAX_DEPTH": 20,
    "postroad_store.mail.model.account.MAX_MAILBOXES": 100_000,
    "postroad_store.mail.model.account.MAX_SUBSCRIPTIONS": 200_000,
    "postroad_store.mail.model.flags.MAX_KEYWORDS": 10_000,
    "postroad_store.mail.model.flags.MAX_KEYWORD": 200,
    "postroad_store.pop3.engine.MAX_LINE": 1100,
    "postroad_store.pop3.engine.MAX_AUTH_LINE": 12_328,
    "postroad_store.pop3.authorization.MAX_ERRORS": 20,
    "postroad_store.pop3.engine.MAX_UNKNOWN": 3,
    "postroad_store.pop3.authorization.MAX_LOGINS": 10,
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits(name: str) -> None:
    module, _, constant = name.rpartition(".")
    assert getattr(importlib.import_module(module), constant) == LIMITS[name]
