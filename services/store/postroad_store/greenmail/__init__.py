"""Users beside the world's: those that GREENMAIL_OPTS names, that are made over HTTP, or that deliveries make."""
