"""A message taken apart: what its MIME structure, header fields and text are."""
