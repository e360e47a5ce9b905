"""Check a password without holding up the event loop."""

from __future__ import annotations

import asyncio

from postroad.world.credentials import is_quick, verify


async def authenticate(secret: str, password: str) -> bool:
    """Return True if the password is right; the secret is plain or a scrypt hash, and no password fits the secret "".

    A hash takes tens of milliseconds, so a thread computes it.
    """
    if not secret:
        return False
    if is_quick(secret, password):
        return verify(secret, password)
    return await asyncio.to_thread(verify, secret, password)
