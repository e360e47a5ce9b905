"""Postroad's pytest plugin: the fixtures `postroad`, `world`, `postroad_async`, `async_world` and `django_mail`."""
