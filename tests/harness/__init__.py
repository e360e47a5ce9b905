"""The harness of the whole-system tests: one running Postroad, as processes or as containers, and clients for it."""
