"""Whether a password is an account's, found out without holding up the event loop."""

from __future__ import annotations

import asyncio

from postroad.world.credentials import is_quick, verify


async def authenticate(secret: str, password: str) -> bool:
    """Return whether the world's secret, plain or a scrypt hash, is this password's; nobody has the secret "".

    A hash takes tens of milliseconds, which are a thread's.
    """
    if not secret:
        return False
    if is_quick(secret, password):
        return verify(secret, password)
    return await asyncio.to_thread(verify, secret, password)
