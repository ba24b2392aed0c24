"""Fixtures: an operator, and the operator's session in the admin."""

import pytest
from django.core.cache import cache

from accounts.models import User
from tests.factories import a_staff_member
from tests.support.admin_session import AdminSession, admin_session_of


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """Prevent a test from seeing the cached figures of another test."""
    cache.clear()


@pytest.fixture
def operator(books: None) -> User:
    return a_staff_member()


@pytest.fixture
def admin(operator: User) -> AdminSession:
    """A session in the admin, logged in as the operator."""
    return admin_session_of(operator)
