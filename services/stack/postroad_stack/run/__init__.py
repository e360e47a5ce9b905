"""The stack without containers: init, then the three services as processes, on addresses of the loopback network.

`postroad run` prints what the services log, shows the ports once all are ready, and stops them all on Ctrl-C or
SIGTERM, or when one of them ends. Network, data folder and ports are settings, so stacks can run side by side.
"""
