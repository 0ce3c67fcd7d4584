"""How the tests are run.

A property is tried on fifty examples unless its test says on how many: the same each time, and in the campaign others.
None fails for being slow: tests run beside each other, and how long one takes then says nothing.
"""

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

from pipeline import secret
from tests.redis_server import RedisServer, redis_running

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what a program that a test starts had to compile the next one finds

settings.register_profile("house", max_examples=50, deadline=None, derandomize=True)
settings.register_profile("campaign", max_examples=50, deadline=None)
settings.load_profile("house")


@pytest.fixture(autouse=True)
def secrets_of_a_test_alone() -> Generator[None]:
    """What a test reveals is masked in its own words, not in those of the tests after it."""
    all_known = secret._revealed, secret._passing  # pyright: ignore[reportPrivateUsage]  # nobody else forgets one
    before = [dict(each) for each in all_known]
    yield
    for each, known in zip(all_known, before, strict=True):
        each.clear()
        each.update(known)


@pytest.fixture
def redis_server() -> Generator[RedisServer]:
    """A real Redis of the test's own."""
    with redis_running() as server:
        yield server
