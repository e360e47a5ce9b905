"""What SQL is asked for a wait, and that it loses no message that the criteria would meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from postroad_web.search.query import parse
from postroad_web.waiting.criteria import Criteria, Judge
from postroad_web.waiting.narrow import Narrow, Only, UnderWay
from tests.harness.doors import ToyStack

if TYPE_CHECKING:
    from pathlib import Path

from postroad_web.catalog.catalog import Catalog

MAIL = 'From: Änn <{0}>\r\nTo: "B\\\\ob" <{1}>\r\nSubject: {2}\r\n\r\nx\r\n'
SENT = [
    ("ann@alpha.test", "bob@beta.test", "Hello"),
    ("Ann@Alpha.test", "Bob@Beta.test", "HELLO again"),
    ("ann@alpha.test", "jacob@beta.test", "Grüße"),
    (None, 'o\'b"x"@beta.test', "100% _sure_"),
    ("eve@alpha.test", "юзер@beta.test", "Über"),
    ("ÄNN@alpha.test", "bob@beta.test", "x"),
]
CRITERIA: list[dict[str, Any]] = [
    {},
    {"recipient": "bob@beta.test"},
    {"recipient": "BOB@beta.test"},
    {"recipient": "*@beta.test"},
    {"recipient": 'o\'b"x"@beta.test'},
    {"recipient": "юзер@beta.test"},
    {"recipient": "b"},
    {"sender": "ann@alpha.test"},
    {"sender": ""},
    {"sender": "änn@alpha.test"},
    {"sender": "*nn@alpha.test"},
    {"recipient": "ann@alpha.test"},
    {"recipient": "ann@alpha.test", "reports": True},
    {"recipient": "bob@beta.test", "sender": "ann@alpha.test", "subject": "again"},
    {"to": "bob@beta.test"},
    {"from_": "ANN@alpha.test"},
    {"subject": "hello"},
    {"subject": "grüsse"},
    {"subject": "0% _"},
    {"id": "R000002"},
    {"reports": True},
]
PLAIN = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@.'")
EXACT = ("id", "recipient", "sender", "reports")  # if they are of ASCII and without wildcards


@pytest.mark.parametrize("given", CRITERIA)
async def test_sql_loses_nothing(tmp_path: Path, given: dict[str, Any]) -> None:
    stack = ToyStack()
    catalog = Catalog(tmp_path, relay=stack.relay, store=stack.store)
    await catalog.start()
    try:
        for sender, recipient, subject in SENT:
            stack.send(MAIL.format(sender or "", recipient, subject).encode(), sender, [recipient])
        bounced = stack.accept(b"\r\n", "ann@alpha.test", ["nobody@beta.test"])
        stack.fail(bounced, "nobody@beta.test")
        await stack.told(catalog)
        criteria = Criteria(**given)
        judge = Judge(criteria)
        everything = catalog.every.page(limit=100, oldest_first=True).records
        met = [record.id for record in everything if not judge.outside(record).missed]
        narrowed = (await catalog.every.find(Narrow(criteria), oldest_first=True, counted=False)).records
        assert set(met) <= {record.id for record in narrowed}
        assert [record.id for record in narrowed if not judge.outside(record).missed] == met
        if all(name in EXACT and not set(str(value)) - PLAIN for name, value in given.items()):
            assert len(narrowed) == len(met)  # no other is judged
        query = parse("subject:hello")
        asked = (await catalog.every.find(Narrow(criteria, query), oldest_first=True, counted=False)).records
        assert tuple(record for record in narrowed if record in asked) == asked
        hello_ids = [
            record.id for record in everything if catalog.every.page(Only(query, record.number), limit=1).records
        ]
        assert hello_ids == ["R000001", "R000002"]
        assert [record.id for record in catalog.every.page(UnderWay()).records] == ["R000008"]
    finally:
        await catalog.close()
