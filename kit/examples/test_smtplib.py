"""An app that sends with smtplib, tested by pytest."""

from __future__ import annotations

import pytest
from shop import Shop

from postroad_kit import World


@pytest.fixture
def shop(world: World) -> Shop:
    return Shop(world.smtp_url, world.address("shop"))


def test_registration(world: World, shop: Shop) -> None:
    bob = world.account("bob")
    shop.register(bob.address)
    mail = bob.wait(subject="Welcome")
    assert mail.code() == shop.codes[bob.address]
    assert mail.link("Confirm") == f"https://shop.example/confirm?address={bob.address}"
    world.quiet()


def test_an_order_brings_one_invoice(world: World, shop: Shop) -> None:
    bob, ann = world.account("bob"), world.account("ann")
    shop.order(bob.address, 7)
    (mail,) = bob.wait_all(exactly=1, header={"X-Order": "7"})
    assert mail.attachment("*.pdf").content.startswith(b"%PDF")
    ann.none()  # it is sure, and takes no time


def test_news_can_be_stopped_by_one_click(world: World, shop: Shop) -> None:
    people = [world.account(f"reader{number}") for number in range(3)]
    shop.newsletter([str(reader) for reader in people])
    for mail in world.wait_all(exactly=3, subject="News"):
        assert mail.unsubscribe_link(one_click=True) == "https://shop.example/stop"


def test_nothing_leaves(world: World, shop: Shop) -> None:
    shop.register("somebody@gmail.com")  # no account of this world: it is captured
    mail = world.wait(recipient="somebody@gmail.com")
    assert mail.state == "captured"


def test_an_app_that_can_not_log_in(world: World) -> None:
    host, port = world.port()  # all that comes there is this world's mail
    shop = Shop(f"smtp://{host}:{port}", "shop@example.com")
    shop.register("somebody@gmail.com")
    assert world.wait(recipient="somebody@gmail.com").state == "captured"
