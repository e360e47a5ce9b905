"""Where the stack's protocols are spoken, and the certificate authority that clients trust."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from postroad_kit.errors import PostroadError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Endpoint(NamedTuple):
    """A host and a port."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Every protocol's endpoint by its name (app, submission, imap, imaps, pop3s, dns, …), and the CA in PEM."""

    by_name: Mapping[str, Endpoint]
    ca: str | None

    def __getitem__(self, name: str) -> Endpoint:
        endpoint = self.by_name.get(name)
        if endpoint is None:
            raise PostroadError(
                f"this stack does not say where {name} is: POSTROAD_PUBLISHED names what can be reached"
            )
        return endpoint

    def ssl_context(self) -> ssl.SSLContext:
        """Return what trusts the stack's CA, and no other."""
        if self.ca is None:
            raise PostroadError("this stack does not show its CA")
        return ssl.create_default_context(cadata=self.ca)


def endpoint_of(answer: Mapping[str, Any]) -> Endpoint:
    """Return an endpoint of the API's JSON."""
    return Endpoint(answer["host"], answer["port"])


def endpoints_of(answer: Mapping[str, Any]) -> Endpoints:
    """Return the endpoints of the API's JSON."""
    places = {name: endpoint_of(place) for name, place in answer["endpoints"].items()}
    return Endpoints(places, answer["ca"])
