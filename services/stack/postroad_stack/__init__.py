"""The programs around the services: init, run, trace, health."""
