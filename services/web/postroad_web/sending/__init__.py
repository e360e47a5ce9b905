"""Sending messages over SMTP: through the app door onto the road, or to a real server (release)."""
