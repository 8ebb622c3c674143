"""Who looks at the reports in the admin."""

import pytest
from django.test import Client

from tests.support.admin import admin_as, make_staff
from users.models import User


@pytest.fixture
def staff(db: None) -> User:
    """Somebody who may see reports and nothing else."""
    return make_staff()


@pytest.fixture
def browser(staff: User) -> Client:
    """The browser of the staff."""
    return admin_as(staff)
