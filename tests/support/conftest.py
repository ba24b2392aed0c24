"""Who sits at the admin, and how."""

import pytest
from django.core.cache import cache

from accounts.models import User
from tests.factories import an_operator
from tests.support.desk import Desk, desk_of


@pytest.fixture(autouse=True)
def _fresh_figures() -> None:
    """Let no test see the figures of another one."""
    cache.clear()


@pytest.fixture
def operator(books: None) -> User:
    return an_operator()


@pytest.fixture
def desk(operator: User) -> Desk:
    """The admin as the operator sees it."""
    return desk_of(operator)
