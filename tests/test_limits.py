"""Limits that peers and people meet: each as its RFC or the documentation has it, whatever code reads it."""

from __future__ import annotations

import dataclasses
import importlib

import pytest

LIMITS: dict[str, object] = {
    "postroad.sasl.mechanism.MAX_RESPONSE": 12_288,  # RFC 4954 §4
    "postroad.sasl.mechanism.LONGEST_NAME": 320,
    "postroad.sasl.token.LONGEST": 4096,
    "postroad.sasl.scram_hash.ITERATIONS": 4096,  # RFC 7677 §4
    "postroad.sasl.scram_hash.MAX_ITERATIONS": 1_000_000,
    "postroad.sasl.scram_hash.SALT": 16,
    "postroad.sasl.channel.EXPORTER": "tls-exporter",  # RFC 9266 §4
    "postroad.sasl.channel.UNIQUE": "tls-unique",  # RFC 5929 §3, and the next §4
    "postroad.sasl.channel.END_POINT": "tls-server-end-point",
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
    "postroad.control.messages.LONGEST_WAIT": 60.0,
    "postroad.greenmail.API": 8080,  # GreenMail's ports
    "postroad.greenmail.SMTP": 3025,
    "postroad.greenmail.SMTPS": 3465,
    "postroad.greenmail.POP3": 3110,
    "postroad.greenmail.POP3S": 3995,
    "postroad.greenmail.IMAP": 3143,
    "postroad.greenmail.IMAPS": 3993,
    "postroad.dns.rdata.IN": 1,  # RFC 1035 §3.2.4
    "postroad.dns.words._UNITS": {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800},
    "postroad.mail.header.MOST_MESSAGE_IDS": 10,
    "postroad.mime.decoding.MAX_LINE": 65_536,
    "postroad.mime.links.MAX_REFERENCES": 50,
    "postroad.mime.preview.LENGTH": 200,  # RFC 8970 §3.3
    "postroad.mime.preview.MAX_LEAVES": 10,
    "postroad.mime.preview.PLAIN_OCTETS": 16_384,
    "postroad.mime.preview.HTML_OCTETS": 65_536,
    "postroad.mime.text.MAX_PLAIN": 1_048_576,
    "postroad.mime.text.MAX_KEPT": 262_144,
    "postroad.mime.transportable.LINE": 57,  # RFC 2045 §6.8: 76 characters
    "postroad.smtp.client.reply.MAX_LINE": 4096,
    "postroad.smtp.client.reply.MAX_LINES": 200,
    "postroad.smtp.client.reply.MAX_TEXT": 2048,
    "postroad.transcript.cutting.TAIL": 512,
    "postroad.transcript.dialogue.SHOWN": 16,
    "postroad.transcript.line.LONGEST": 4096,
    "postroad.transcript.line.INLINE": 512,
    "postroad.transcript.secrets.MOST": 200,
    "postroad.transcript.secrets.SHORTEST": 5,
    "postroad.transcript.stream.MOST": 262_144,
    "postroad.world.mark.LONGEST": 65,
    "postroad.world.overlay.PREFERENCE": 10,
    "postroad.world.turns.FORGOTTEN_AFTER": 60.0,
    "postroad.world.turns.MOST_COUNTED": 100,
    "postroad.world.turns.KEPT": 4096,
    "postroad_kit.asking.MOST": 100,
    "postroad_kit.letter.CERTAIN": 20,
    "postroad_kit.table.WIDEST": 60,
    "postroad_kit.dns.wire._TC": 512,  # RFC 1035 §4.1.1
    "postroad_kit.dns.wire.MOST_JUMPS": 64,
    "postroad_kit.http.call.TIMEOUT": 30.0,
    "postroad_dns.addressbook.TTL": 1,
    "postroad_dns.cache._LONGEST_QUERY": 282,  # a header, the longest question, OPT without options
    "postroad_dns.tally.SILENT": 15,
    "postroad_dns.wire.HEADER": 12,  # RFC 1035 §4.1.1, and the next
    "postroad_dns.wire.QUERY": 0,
    "postroad_dns.wire._POINTER": 192,  # RFC 1035 §4.1.4, and the next
    "postroad_dns.wire._MAX_POINTER": 16_383,
    "postroad_dns.wire._MAX_POINTERS": 127,
    "postroad_dns.wire._DO": 32_768,  # RFC 3225 §3
    "postroad_dns.wire.EDNS_VERSION": 0,  # RFC 6891 §6.1.3
    "postroad_relay.delivery.strangers._PREFERENCE": 10,
    "postroad_relay.dsn.report._WIDTH": 76,
    "postroad_relay.submission.faults.LARGEST_SEED": 9_007_199_254_740_991,
    "postroad_store.imap.offer.MAX_LITERAL_MINUS": 4096,  # RFC 7888 §5
    "postroad_store.imap.patterns.MAX_PATTERNS": 100,
    "postroad_store.imap.updates.RANGES": 1000,
    "postroad_store.imap.grammar.modseq.MAX_MODSEQ": 9_223_372_036_854_775_807,  # RFC 7162 §7
    "postroad_store.imap.grammar.reader.MAX_NUMBER64": 9_223_372_036_854_775_807,  # RFC 9051 §9
    "postroad_store.imap.grammar.url.MAX_NUMBER": 4_294_967_295,  # RFC 3501 §9
    "postroad_store.mail.model.annotations.MAX_VALUE": 32_768,
    "postroad_store.mail.model.annotations.MAX_ENTRIES": 100,
    "postroad_store.mail.model.annotations.MAX_NAME": 1000,
    "postroad_store.mail.model.flags.SEEN": 1,  # bits of the database, and the next five
    "postroad_store.mail.model.flags.ANSWERED": 2,
    "postroad_store.mail.model.flags.FLAGGED": 4,
    "postroad_store.mail.model.flags.DELETED": 8,
    "postroad_store.mail.model.flags.DRAFT": 16,
    "postroad_store.mail.model.flags.FIRST_KEYWORD": 5,
    "postroad_store.mail.model.rights.MAX_IDENTIFIERS": 100,
    "postroad_store.mail.model.rights.MAX_IDENTIFIER": 255,
    "postroad_store.mail.model.script_name.MOST": 128,  # RFC 5804 §1.6
    "postroad_store.mail.order.criteria.MAX_SUBJECT": 10_000,
    "postroad_store.mail.search.near.DAYS": 7,
    "postroad_store.mail.search.near.SHARE": 10,
    "postroad_store.mail.search.resemblance.MAX_WORDS": 8,
    "postroad_store.mail.search.resemblance.MAX_WORD": 32,
    "postroad_store.mail.search.resemblance.MAX_TOKEN": 136,
    "postroad_store.mail.search.resemblance.MAX_PLACES": 32,
    "postroad_store.mail.search.resemblance.IN_ANY_ORDER": 0.95,
    "postroad_store.mail.threads.algorithms.MAX_REFERENCES": 1000,
    "postroad_store.mail.threads.forest.MAX_STEPS": 20_000_000,
    "postroad_store.managesieve.engine.MAX_ERRORS": 20,
    "postroad_store.managesieve.engine.MAX_LOGINS": 5,
    "postroad_store.managesieve.framing.MAX_LINE": 8192,
    "postroad_store.managesieve.framing.MAX_QUOTED": 1024,  # RFC 5804 §4, and MAX_NUMBER
    "postroad_store.managesieve.framing.MAX_TOKENS": 8,
    "postroad_store.managesieve.framing.SKIPPED": 16_777_216,
    "postroad_store.managesieve.framing.MAX_NUMBER": 4_294_967_295,
    "postroad_store.pop3.commands.MAX_NUMBER": 10,
    "postroad_store.sieve.letters.RETURNED": 65_536,
    "postroad_store.sieve.lexer._QUANTIFIERS": {"k": 1024, "m": 1_048_576, "g": 1_073_741_824},  # RFC 5228 §2.4.1
    "postroad_store.sieve.limits.SCRIPT": 131_072,
    "postroad_store.sieve.limits.NESTING": 32,
    "postroad_store.sieve.limits.FAULTS": 10,
    "postroad_store.sieve.limits.ACTIONS": 32,
    "postroad_store.sieve.limits.REDIRECTS": 4,
    "postroad_store.sieve.limits.VARIABLES": 256,
    "postroad_store.sieve.limits.NAME": 64,
    "postroad_store.sieve.limits.VALUE": 16_384,
    "postroad_store.sieve.limits.MATCHES": 32,
    "postroad_store.sieve.limits.TEXT": 262_144,
    "postroad_store.sieve.limits.INCLUDES": 10,
    "postroad_store.sieve.limits.INCLUDED": 32,
    "postroad_store.sieve.limits.EDITED": 65_536,
    "postroad_store.sieve.limits.WORK": 40_000_000,
    "postroad_store.sieve.limits.NUMBER": 9_223_372_036_854_775_807,
    "postroad_store.sieve.limits.PATTERN": 1024,
    "postroad_store.sieve.limits.EXPRESSION": 1_048_576,
    "postroad_store.sieve.extensions.imap4flags.MOST": 64,
    "postroad_store.sieve.extensions.vacation.DAY": 86_400,
    "postroad_store.sieve.extensions.vacation.REASON": 65_536,
    "postroad_web.catalog.digest.MAX_TEXT": 262_144,
    "postroad_web.catalog.digest.MAX_PART": 524_288,
    "postroad_web.catalog.digest.SNIPPET": 200,
    "postroad_web.catalog.fold._LAST_UID": 4_294_967_295,  # RFC 3501 §9
    "postroad_web.catalog.hops.KEPT": 10_000,
    "postroad_web.catalog.tags.MOST": 100,
    "postroad_web.catalog.tags.LONGEST": 100,
    "postroad_web.mailhog.chances._REFUSED": 550,
    "postroad_web.mailhog.chances._NO_AUTH": 500,
    "postroad_web.mailhog.chances.LEAST_SPEED": 1.0,
    "postroad_web.mailhog.content.MOST_PARTS": 10_000,
    "postroad_web.mailhog.content.DEEPEST": 20,
    "postroad_web.mailhog.outgoing._PORTS": {"smtp": 25, "smtps": 465},
    "postroad_web.mailhog.outgoing._SUBMISSION": 587,  # RFC 6409 §3.1
    "postroad_web.mailhog.window.LIMIT": 50,  # MailHog's, and the next
    "postroad_web.mailhog.window.MOST": 250,
    "postroad_web.mailpit.dates.MOST": 253_402_300_799.0,
    "postroad_web.mailpit.dates.LEAST": -62_135_596_800.0,
    "postroad_web.mailpit.window.LIMIT": 50,  # Mailpit's
    "postroad_web.mailpit.window._MOST": 9_223_372_036_854_775_807,
    "postroad_web.mailpit.htmlcheck.stylesheet._DEEPEST": 8,
    "postroad_web.mailpit.htmlcheck.stylesheet._MOST_TOKENS": 200_000,
    "postroad_web.message.codes.MAX_TEXT": 50_000,
    "postroad_web.message.codes.MAX_CANDIDATES": 2000,
    "postroad_web.message.codes.MAX_CODES": 10,
    "postroad_web.message.compose.MAX_LINE": 998,  # RFC 5322 §2.1.1
    "postroad_web.message.header.LINE": 76,
    "postroad_web.message.header._LONGEST_WORD": 900,
    "postroad_web.message.markup.MAX_LINKS": 1000,
    "postroad_web.message.markup.BEGINNING": 1000,
    "postroad_web.message.markup._MAX_HREF": 8192,
    "postroad_web.message.parse.MAX_HEADER": 32_768,
    "postroad_web.message.parse.MAX_MARKUP": 4_194_304,
    "postroad_web.message.unsubscribe.MAX_LINKS": 100,
    "postroad_web.search.pattern.MAX_PATTERN": 1024,
    "postroad_web.search.pattern.MAX_MEMORY": 1_048_576,
    "postroad_web.search.tree.MAX_QUERY": 4096,
    "postroad_web.search.tree.MAX_TERMS": 64,
    "postroad_web.search.tree.MAX_DEPTH": 16,
    "postroad_web.seeding.maildir.LATEST": 1_099_511_627_776,
    "postroad_web.seeding.mbox.LONGEST": 2000,
    "postroad_web.seeding.tar.BLOCK": 512,
    "postroad_web.seeding.tar.LONGEST_NAME": 65_536,
    "postroad_web.waiting.criteria._MEMORY": 1_048_576,
    "postroad_web.waiting.refused.KEPT": 20,
    "postroad_web.waiting.refused.WORLDS": 1000,
    "postroad_web.waiting.tally.NEAR_MISSES": 10,
    "postroad_web.waiting.tally.FAR": 3,
    "postroad_web.waiting.tally.ARRIVALS": 20,
    "postroad_web.webhooks.hook.RETRIES": (1.0, 5.0, 30.0, 120.0, 600.0, 1800.0),
    "postroad_web.webhooks.hook.SECRET": 24,
    "postroad_web.webhooks.hook._PORTS": {"http": 80, "https": 443},
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits(name: str) -> None:
    module, _, constant = name.rpartition(".")
    assert getattr(importlib.import_module(module), constant) == LIMITS[name]


# The defaults of limits that are given as one.
DEFAULTS: dict[str, dict[str, object]] = {
    "postroad.smtp.server.service.Limits": {
        "message_size": 52_428_800,
        "header_size": 1_048_576,
        "recipients": 1000,  # RFC 5321 §4.5.3.1.8: at least 100
        "header_lines": 5000,
        "line": 1000,  # RFC 5321 §4.5.3.1.6
        "connections": 500,
        "connections_per_address": 100,
        "errors": 20,
        "command_timeout": 300.0,  # RFC 5321 §4.5.3.2.7
        "data_timeout": 180.0,
    },
    "postroad.smtp.server.sequence.Verb": {"line": 512, "noted": False, "secret": False},
    "postroad.world.world.Account": {"imap_without": frozenset(), "quota": None, "sieve": ""},
    "postroad.world.world.World": {
        "capture": None,
        "administrators": frozenset(),
        "forms": frozenset({"plain"}),
        "id": "default",
    },
    "postroad_kit.letter.Unsubscribe": {"links": (), "one_click": False, "errors": ()},
    "postroad_kit.letter.Content": {
        "text": "",
        "html": "",
        "headers": (),
        "links": (),
        "codes": (),
        "files": (),
        "inline": (),
    },
    "postroad_relay.queue.active.Job": {"session": None, "cut": False},
    "postroad_relay.queue.capacity.Capacity": {
        "active": 5000,
        "held": 16_777_216,
        "workers": 100,
        "lane": 20,
        "lookups": 20,
        "refill": 500,
        "rest": 1.0,
        "retry_write": 1.0,
    },
    "postroad_relay.submission.link.Link": {"slowest": 1024.0, "fastest": 10_240.0},  # MailHog's
    "postroad_store.imap.framing.Limits": {
        "line": 65_536,
        "line_before_login": 65_536,  # RFC 2971 §3.3: ID with 30 pairs
        "literal": 65_536,
        "literal_before_login": 4096,
    },
    "postroad_web.mailhog.chances.Chances": {  # MailHog's
        "disconnect_chance": 0.005,
        "accept_chance": 0.99,
        "link_speed_affect": 0.1,
        "link_speed_min": 1024.0,
        "link_speed_max": 10_240.0,
        "reject_sender_chance": 0.05,
        "reject_recipient_chance": 0.05,
        "reject_auth_chance": 0.05,
    },
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults(name: str) -> None:
    module, _, limits = name.rpartition(".")
    fields = {
        field.name: field.default for field in dataclasses.fields(getattr(importlib.import_module(module), limits))
    }
    assert {field: fields[field] for field in DEFAULTS[name]} == DEFAULTS[name]


# What others read: in settings, the journal, world files, logs, transcripts and on the disk.
MEMBERS: dict[str, list[object]] = {
    "postroad.config.Outside": ["capture", "bounce", "refuse"],
    "postroad.config.UnknownUsers": ["create", "reject"],
    "postroad.config.First": ["mailpit", "mailhog"],
    "postroad.mail.envelope.BodyType": ["7BIT", "8BITMIME"],  # RFC 6152 §3
    "postroad.mime.part.Kind": [0, 1, 2],
    "postroad.sasl.oauth.Errors": ["rfc", "gmail", "exchange"],
    "postroad.smtp.server.service.Purpose": ["smtp", "submission", "submissions", "lmtp", "app"],
    "postroad.transcript.line.Side": ["client", "server"],
    "postroad.world.world.Role": ["dns", "relay", "store"],
    "postroad_relay.queue.spool.record.Kind": [1, 2, 3, 4],
    "postroad_relay.submission.faults.Command": ["mail", "rcpt", "auth"],
    "postroad_relay.submission.faults.Words": ["mailpit", "mailhog"],
}


@pytest.mark.parametrize("name", MEMBERS)
def test_members(name: str) -> None:
    module, _, members = name.rpartition(".")
    assert [member.value for member in getattr(importlib.import_module(module), members)] == MEMBERS[name]


@pytest.mark.parametrize("name", ["postroad.journal.kinds.Kind", "postroad.smtp.server.sequence.State"])
def test_members_that_have_their_names_in_small_letters(name: str) -> None:
    module, _, members = name.rpartition(".")
    for member in getattr(importlib.import_module(module), members):
        assert member.value == member.name.lower()
