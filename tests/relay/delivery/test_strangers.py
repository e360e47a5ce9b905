from __future__ import annotations

import pytest

from postroad.config import Outside
from postroad.smtp.client.outcome import Failed
from postroad_relay.delivery.routing import Route
from postroad_relay.delivery.strangers import stranger_route
from tests.relay.submission.test_splitting import LAYERS


@pytest.mark.parametrize(
    ("world", "domain", "stranger"),
    [
        (None, "one.test", False),
        (None, "alpha.test", False),
        ("one", "one.test", False),
        ("one", "two.test", True),
        ("one", "alpha.test", True),
        ("one", "nobody.example", True),
        ("one", "[127.1.2.3]", False),
        ("default", "alpha.test", False),
        ("default", "nobody.example", False),
        ("default", "one.test", True),
        ("gone", "one.test", False),
    ],
)
def test_mail_to_strangers_goes_to_the_capture_box(world: str | None, domain: str, stranger: bool) -> None:
    route = stranger_route(LAYERS, world, domain, Outside.CAPTURE)
    if stranger:
        assert isinstance(route, Route)
        assert [target.host for target in route.targets] == [route.mx[0].host] == ["mx.postroad.test"]
        refused = stranger_route(LAYERS, world, domain, Outside.BOUNCE)
        assert isinstance(refused, Failed)
        assert refused.reason == f"Domain {domain} does not exist in the world {world}"
    else:
        assert route is None
