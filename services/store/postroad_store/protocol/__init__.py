"""Sessions on the wire: the contract with an engine, and the connection under it."""
