"""A message and what goes with it: addresses, envelope, content, header section, replies, trace fields."""
