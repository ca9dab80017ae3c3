"""A server that sells plans, for the whole run; a desk with a key of its own, for each test."""

import os

import pytest
from desk import Desk
from harness.coding_plan import CodingPlan


@pytest.fixture(scope="session")
def platform():
    with CodingPlan(os.environ.get("AZIMUTH_BINARY")) as running:
        yield running
        running.azimuth.must_be_alive()


@pytest.fixture
def desk(platform, tmp_path):
    """The desk of somebody with a roomy plan."""
    return desk_of(platform, tmp_path, platform.subscriber())


@pytest.fixture
def exhausted_desk(platform, tmp_path):
    """The desk of somebody whose quota is used up."""
    account = platform.subscriber("smallest")
    platform.use_up(account)
    return desk_of(platform, tmp_path, account)


@pytest.fixture
def strange_desk(platform, tmp_path):
    """The desk of somebody whose key nobody gave out."""
    return Desk(tmp_path, platform.base_url, "0" * 32 + "." + "0" * 43)


def desk_of(platform, folder, account):
    desk = Desk(folder, platform.base_url, account.key)
    desk.account = account
    return desk
