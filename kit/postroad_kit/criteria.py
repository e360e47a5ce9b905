"""What is waited for. All criteria have to be met; docs/api.md explains each.

world.wait(recipient="bob@shop.test", subject="Welcome")
bob.wait_all(exactly=2, header={"X-Order": "7"}, after=first)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from postroad_kit.letter import Letter

if TYPE_CHECKING:
    from collections.abc import Mapping


class Criteria(TypedDict, total=False):
    """The criteria, by the names of the API; `from_` is its `from`.

    recipient, sender: of the envelope, compared whole, `*` stands for any characters; to, from_: of the header, whole;
    subject, body: a part of it; header: fields, each with a part of its value; attachment: a file name, with `*` and
    `?`; regex: found in subject, text or HTML; query: of the search language; id: the queue ID, which the 250 named;
    reports: whether notifications of the relay (DSNs) count; after: only messages after this one, or after a cursor;
    settled: False counts a message as soon as it was accepted.
    """

    recipient: str
    sender: str
    to: str
    from_: str
    subject: str
    header: Mapping[str, str]
    body: str
    attachment: str
    regex: str
    query: str
    id: str
    reports: bool
    after: int | str | Letter
    settled: bool


def asked(criteria: Criteria) -> dict[str, Any]:
    """Return the criteria as the API takes them."""
    members: dict[str, Any] = {name.rstrip("_"): value for name, value in criteria.items() if value is not None}
    if "header" in members:
        members["header"] = [{"name": name, "value": value} for name, value in members["header"].items()]
    if isinstance(after := members.get("after"), Letter):
        members["after"] = after.number
    return members
