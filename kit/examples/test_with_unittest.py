"""unittest alone: python -m unittest, or pytest."""

from __future__ import annotations

import unittest

from shop import Shop

from postroad_kit.unittest import PostroadTestCase


class OrderTest(PostroadTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.shop = Shop(self.world.smtp_url, self.world.address("shop"))
        self.bob = self.world.account("bob")

    def test_each_order_brings_its_invoice(self) -> None:
        for number in (7, 8):
            self.shop.order(self.bob.address, number)
        names = {mail.file("*.pdf").filename for mail in self.bob.wait_all(exactly=2)}
        self.assertEqual(names, {"invoice-7.pdf", "invoice-8.pdf"})

    def test_no_order_brings_none(self) -> None:
        self.bob.none()


if __name__ == "__main__":
    unittest.main()
