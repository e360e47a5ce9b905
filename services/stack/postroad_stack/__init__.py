"""The programs around the services, each a word of the command `postroad`."""
