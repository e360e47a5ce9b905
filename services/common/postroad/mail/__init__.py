"""A message and what stands around it: addresses, envelope, content, replies, trace fields."""
