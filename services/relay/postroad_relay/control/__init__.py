"""The control door of the relay: its queue, contents, state, faults and figures, each a module with its routes."""
