"""What a process that serves asks of its interpreter and of the C library."""

from __future__ import annotations

import subprocess
import sys

# Reads of TLS ask for 256 KiB and get a few octets, as these do.
READS = """
import os, resource, sys
from postroad.serving import settle
if sys.argv[1] == "settled":
    settle()
reader, writer = os.pipe()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(1000):
    os.write(writer, b"250 OK")
    os.read(reader, 256 << 10)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(state: str) -> int:
    command = [sys.executable, "-c", READS, state]
    return int(subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout)


def test_a_small_read_into_a_large_buffer_takes_no_memory_from_the_kernel() -> None:
    assert faults("settled") < 200
