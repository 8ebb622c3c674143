"""The rows that the documents' examples are about."""

import pytest

from clients.models import Client
from projects.models import Project
from tasks.models import Task
from tests.support.factories import make_client, make_project, make_task


@pytest.fixture
def client_5(db: None) -> Client:
    """The client of the examples."""
    return make_client("Fern & Sons", pk=5)


@pytest.fixture
def project_1(client_5: Client) -> Project:
    """The project of the examples."""
    return make_project("Website Redesign", pk=1, client=client_5)


@pytest.fixture
def task_5(project_1: Project) -> Task:
    """The task of the examples."""
    return make_task(project_1, pk=5)
