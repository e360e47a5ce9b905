"""Django sends through a test's world."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import unittest
from typing import TYPE_CHECKING, Any

import django.test
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.mail import send_mail

from postroad_kit.django import DjangoWorldMixin, email_settings, mail_through
from postroad_kit.stack import Stack, set_current
from tests.harness.processes import plain_environment
from tests.harness.stack import WAIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytest_plugins = ["pytester"]

if not settings.configured:
    settings.configure(DEFAULT_FROM_EMAIL="shop@shop.test", USE_TZ=True)


@pytest.fixture
def stack(url: str) -> Iterator[Stack]:
    set_current(current := Stack(url))
    yield current
    set_current(None)
    current.close()


def test_its_mail_goes_to_a_world(stack: Stack) -> None:
    host = settings.EMAIL_HOST
    with stack.postroad.world(accounts=["bob"]) as world, mail_through(world) as sending:
        assert sending is world
        assert world.smtp_user == settings.EMAIL_HOST_USER
        send_mail("Welcome", "The code is 482913.", None, [world.address("bob")])
        mail = world.account("bob").wait(subject="Welcome")
        assert (mail.code(), mail.login) == ("482913", world.smtp_user)
        assert email_settings(world)["EMAIL_PORT"] == world.smtp_endpoint.port
    assert host == settings.EMAIL_HOST


class Signup(DjangoWorldMixin, django.test.SimpleTestCase):  # type: ignore[misc] # Django ships no types
    __test__ = False  # for pytest: it runs below

    def test_welcome(self) -> None:
        send_mail("Welcome", "Hello!", None, [self.world.address("somebody")])
        self.world.wait(subject="Delivery", reports=True)

    async def test_async(self) -> None:
        await sync_to_async(send_mail)("Welcome", "Hello!", None, [self.world.address("somebody")])
        await asyncio.to_thread(self.world.wait, subject="Welcome")
        raise ZeroDivisionError


def test_its_own_test_cases_have_a_world(stack: Stack) -> None:
    result = unittest.TestResult()
    unittest.TestSuite([Signup("test_welcome")]).run(result)
    assert result.wasSuccessful(), result.errors + result.failures
    assert result.testsRun == 1


def test_coroutine_functions_are_run(stack: Stack) -> None:
    result = unittest.TestResult()
    unittest.TestSuite([Signup("test_async")]).run(result)
    ((_, text),) = result.errors
    assert "ZeroDivisionError" in text
    assert "-- Postroad: what arrived" in text


class Sent(unittest.TestResult):
    """Takes subtests from another process, as Django's parallel runner does."""

    names = ""

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:  # noqa: N802
        self.names += str(pickle.loads(pickle.dumps(subtest)))
        super().addSubTest(test, subtest, err)


class Parts(DjangoWorldMixin, django.test.SimpleTestCase):  # type: ignore[misc]
    __test__ = False

    def test_part(self) -> None:
        self.bob = self.world.account("bob")
        with self.subTest(part=7):
            self.bob.wait(timeout=0.1)


def test_a_subtest_that_fails_goes_to_another_process(stack: Stack) -> None:
    result = Sent()
    Parts("test_part").run(result)
    assert len(result.failures) == 1
    assert "(part=7)" in result.names


# What `manage.py test --parallel 2` runs: each class goes to one of two processes.
PARALLEL = """
import django.test
from django.core.mail import send_mail
from postroad_kit.django import DjangoWorldMixin

class First(DjangoWorldMixin, django.test.SimpleTestCase):
    def test_mail(self):
        send_mail("Welcome", "Hello!", None, [self.world.account("bob").address])
        self.assertEqual(self.world.account("bob").wait(subject="Welcome").text, "Hello!\\n")

class Second(First):
    async def test_async(self):
        self.world.none()
"""
RUNNER = """
import django
from django.conf import settings
from django.test.runner import DiscoverRunner

settings.configure(DEFAULT_FROM_EMAIL="shop@shop.test", USE_TZ=True)
django.setup()
runner = DiscoverRunner(parallel=2)
runner.run_suite(runner.build_suite(["test_parallel"]))
"""


def test_its_parallel_runner(tmp_path: Path, url: str) -> None:
    (tmp_path / "test_parallel.py").write_text(PARALLEL)
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        cwd=tmp_path,
        env=plain_environment() | {"POSTROAD_URL": url},
        capture_output=True,
        text=True,
        timeout=2 * WAIT,
        check=False,
    )
    assert "Ran 3 tests" in done.stderr
    assert done.stderr.endswith("OK\n")


DJANGO = """
from django.core.mail import send_mail

def test_it(django_mail):
    send_mail("Welcome", "Hello!", None, [django_mail.account("bob").address])
    assert django_mail.account("bob").wait().text == "Hello!\\n"
"""


def test_the_fixture(pytester: pytest.Pytester, run: Callable[..., pytest.RunResult], url: str) -> None:
    pytester.makepyfile(DJANGO)
    run("--postroad-url", url).assert_outcomes(passed=1)
