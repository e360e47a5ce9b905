"""Quotas that SETQUOTA has set (RFC 9208 §4.1.3), in place of those of the world and the settings.

`storage` is in octets; NULL means that there is no limit.
"""

from __future__ import annotations

SCHEMA = """
CREATE TABLE quotas (account INTEGER PRIMARY KEY, storage INTEGER, messages INTEGER);
"""

STEPS = {3: SCHEMA}
