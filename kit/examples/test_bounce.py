"""What an app learns of mail that does not arrive: at once, and after five days, which pass in a moment."""

from __future__ import annotations

from postroad_kit import World

LETTER = "From: shop@{domain}\r\nTo: {to}\r\nSubject: Your order\r\n\r\nThank you.\r\n"


def send(world: World, to: str) -> None:
    with world.smtp() as client:
        client.sendmail(world.address("shop"), [to], LETTER.format(domain=world.domain, to=to))


def test_an_unknown_customer(world: World) -> None:
    shop = world.account("shop")
    send(world, world.address("nobody"))
    report = shop.wait(reports=True)
    assert report.sender is None  # a notification has the null reverse-path
    assert report.about == world.wait(recipient=world.address("nobody")).id
    assert "5.1.1" in report.raw.decode()


def test_a_full_mailbox_for_five_days(world: World) -> None:
    shop, full = world.account("shop"), world.account("full", quota={"messages": 1})
    send(world, full.address)
    full.wait()
    send(world, full.address)
    deferred = full.wait(settled=False, query="state:deferred")
    clock = world.push_clock("6d")  # every attempt, the warning and the end, in their order
    assert clock.ahead == 6 * 86400
    last = shop.wait_all(at_least=1, reports=True, subject="Failure")[-1]
    assert last.about == deferred.id
    world.quiet()
