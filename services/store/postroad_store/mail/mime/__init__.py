"""A message taken apart, once, at delivery."""
