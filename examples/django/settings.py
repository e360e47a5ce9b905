"""The settings that make a Django project send to Postroad."""

SECRET_KEY = "only for tests"
USE_TZ = True

# Django's own backend, with the app door's host and port. No user, no password, no TLS.
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = "localhost"
EMAIL_PORT = 1025
DEFAULT_FROM_EMAIL = "Shop <noreply@shop.example>"

# Where tests wait for mail.
POSTROAD = "http://localhost:8025"
