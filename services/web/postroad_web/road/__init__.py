"""A message's road: `hops` makes it of the journals' events, `road` asks for them and for what was said meanwhile."""
