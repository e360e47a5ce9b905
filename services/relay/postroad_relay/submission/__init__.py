"""Submission: who may relay what, and what a message is given on its way in."""
