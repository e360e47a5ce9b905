"""HTTP on Python's standard library: what to ask and how to read the answer (`call`), and who asks (`plain`, `aio`)."""
