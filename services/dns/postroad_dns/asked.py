"""An exchange of the query log as the control door shows it: a session of two sides.

The question is the client's line; the server's are the kind of response, then one for each record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad_dns.wire import written

if TYPE_CHECKING:
    from postroad_dns.exchanges import Batch

_ID = b"\0\0"  # in place of the one that the log does not keep


class Asked:
    """One exchange (`postroad.transcript.door.Entry`)."""

    def __init__(self, batch: Batch, index: int, local: str, world: str) -> None:
        self._batch = batch
        self._index = index
        self._local = local
        self.world = world
        self.changed = batch.first + index

    @property
    def peer(self) -> str:
        """Who has asked."""
        return self._batch.peer(self._index)

    @property
    def place(self) -> tuple[int, str]:
        """See `Entry`."""
        return int(self._batch.at * 1_000_000), f"dns{self.changed:x}"

    def summary(self, world: str | None) -> dict[str, Any]:  # noqa: ARG002 - it is seen whole or not at all
        """See `Entry`."""
        question, _ = self._text()
        return {
            "id": self.place[1],
            "protocol": "dns",
            "peer": self.peer,
            "local": self._local,
            "outbound": False,
            "began": self._batch.at,
            "ended": self._batch.at,
            "tls": False,
            "account": None,
            "world": self.world,
            "messages": [],
            "question": question,
            "changed": self.changed,
        }

    def whole(self, world: str | None) -> dict[str, Any]:
        """See `Entry`."""
        question, answer = self._text()
        said = [("client", question), *(("server", line) for line in answer)]
        common = {"at": self._batch.at, "tls": False, "state": self._batch.transport}
        lines = [{"n": number, "from": side, "text": text, **common} for number, (side, text) in enumerate(said, 1)]
        return {**self.summary(world), "omitted": 0, "facts": [], "lines": lines}

    def _text(self) -> tuple[str, list[str]]:
        query, response = self._batch.pairs[self._index]
        question = written(_ID + query)
        return question[0], [] if response is None else written(_ID + response)[1:]
