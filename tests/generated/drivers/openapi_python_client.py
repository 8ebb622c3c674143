"""The client of openapi-python-client; runs beside the package that it generates."""

import sys

from generated_openapi_python_client import AuthenticatedClient
from generated_openapi_python_client.api.clients import (
    clients_create,
    clients_list,
    clients_partial_update,
    clients_retrieve,
)
from generated_openapi_python_client.api.projects import projects_create
from generated_openapi_python_client.api.timer import timer_start, timer_status, timer_stop
from generated_openapi_python_client.models import (
    ClientList,
    ClientRequest,
    ClientsListStatus,
    ClientStatus,
    ClientWritten,
    ConflictError,
    PatchedClientRequest,
    PreconditionError,
    ProjectRequest,
    ProjectWritten,
    TimeEntry,
    TimerConflictError,
    TimerStarted,
    TimerStartRequest,
    TimerStatus,
    TimerStopped,
)


def main(base_url: str, token: str) -> None:
    api = AuthenticatedClient(base_url=base_url, token=token)
    new = ClientRequest(
        name="Acme", email="", default_hourly_rate=75.5, status=ClientStatus.ACTIVE
    )
    created = clients_create.sync(client=api, body=new)
    assert isinstance(created, ClientWritten)
    acme = created.client
    listed = clients_list.sync(client=api, status=ClientsListStatus.ACTIVE, per_page=10)
    assert isinstance(listed, ClientList)
    assert [each.name for each in listed.clients] == ["Acme"]

    twin = clients_create.sync(client=api, body=ClientRequest(name="ACME"))
    assert isinstance(twin, ConflictError)
    assert twin.conflicting_id == acme.id

    tag = clients_retrieve.sync_detailed(acme.id, client=api).headers["etag"]

    def change(phone: str) -> object:
        body = PatchedClientRequest(phone=phone)
        return clients_partial_update.sync(acme.id, client=api, body=body, if_match=tag)

    changed = change("1")
    assert isinstance(changed, ClientWritten)
    assert changed.client.phone == "1"
    assert isinstance(change("2"), PreconditionError)

    project = projects_create.sync(client=api, body=ProjectRequest(name="App", client_id=acme.id))
    assert isinstance(project, ProjectWritten)
    body = TimerStartRequest(project_id=project.project.id, tags="a,b")
    started = timer_start.sync(client=api, body=body)
    assert isinstance(started, TimerStarted)
    assert started.timer.end_time is None
    again = timer_start.sync(client=api, body=body)
    assert isinstance(again, TimerConflictError)
    assert isinstance(again.timer, TimeEntry)
    assert again.timer.id == started.timer.id
    status = timer_status.sync(client=api)
    assert isinstance(status, TimerStatus)
    assert status.active
    stopped = timer_stop.sync(client=api)
    assert isinstance(stopped, TimerStopped)
    assert stopped.time_entry.tag_list == ["a", "b"]


main(*sys.argv[1:])
