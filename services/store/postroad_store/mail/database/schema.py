"""The version of the mail's tables, the statements that make or change them, and the widths of some columns.

The tables are in `tables`, one module a noun. To change them, raise `VERSION`, change the module's `SCHEMA`, and add to
its `STEPS` what brings older databases there.
"""

from __future__ import annotations

from postroad_store.mail.database.tables import TABLES
from postroad_store.mail.model.flags import FIRST_KEYWORD

VERSION = 10  # kept as user_version
APPLICATION = 0x506F7374  # "Post", kept as application_id

PIECE = 1 << 20  # octets of a body in one row of `octets`
PIECE_BITS = 16  # a piece's key is the content's id and, in this many bits, its number

NARROW_BITS = 62  # of a message's flags, in `flags`; SQLite's integers have 63 and a sign
NARROW_KEYWORDS = NARROW_BITS - FIRST_KEYWORD  # 57: a keyword with this number or a higher one is in `wide_flags`

SCHEMA = "".join(table.SCHEMA for table in TABLES)

# The statements that lead to each version from the one before.
STEPS = {version: "".join(table.STEPS.get(version, "") for table in TABLES) for version in range(2, VERSION + 1)}
