"""What GreenMail answers to a request that it can't carry out."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818 - an answer
    """The request is refused, with this sentence; nearly always it is 400."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status
