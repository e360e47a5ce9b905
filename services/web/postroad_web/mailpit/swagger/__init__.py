"""The OpenAPI 2 document of Mailpit's dialect, from which clients are generated."""
