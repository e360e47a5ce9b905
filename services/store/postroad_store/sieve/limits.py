"""What a script may cost: each limit is tested, and answered by an error that names it (RFC 5228 §10)."""

from __future__ import annotations

SCRIPT = 128 * 1024  # octets of one script
NESTING = 32  # blocks or tests within each other (RFC 5228 §10.1 asks for 15)
FAULTS = 10  # that are listed of one script
ACTIONS = 32  # that one run may take
REDIRECTS = 4  # of them, which ManageSieve tells as MAXREDIRECTS (RFC 5804 §1.7)
VARIABLES = 256  # RFC 5229 §6: at least 128
NAME = 64  # characters of a variable's name; RFC 5229 §6: at least 32
VALUE = 16_384  # characters of a variable's value; RFC 5229 §6: at least 4,000, and longer ones are cut
MATCHES = 32  # the highest match variable; RFC 5229 §6: at least 9
TEXT = 256 * 1024  # characters of any string once its variables are in it
INCLUDES = 10  # scripts within each other (RFC 6609 §3.2)
INCLUDED = 32  # scripts that one run may include
EDITED = 64 * 1024  # octets of header fields that one run may add
WORK = 40_000_000  # steps, about one a nanosecond: see `Run.charge`
NUMBER = (1 << 63) - 1  # RFC 5228 §2.4.1: at least 2^31 - 1
PATTERN = 1024  # characters of a regular expression
EXPRESSION = 1 << 20  # octets of a compiled one
