"""Submission: who may relay which mail, and the header fields that a message gets on its way in."""
