"""The Python client of openapi-generator; runs beside the package that it generates."""

import sys
from collections.abc import Callable
from typing import Any

from generated_openapi_generator_python import (
    ApiClient,
    ApiException,
    ClientRequest,
    ClientsApi,
    ClientStatus,
    Configuration,
    PatchedClientRequest,
    ProjectRequest,
    ProjectsApi,
    TimerApi,
    TimerConflictError,
    TimerStartRequest,
)
from generated_openapi_generator_python.models.conflict_error import ConflictError


def refused(status: int, call: Callable[[], object]) -> str:
    try:
        call()
    except ApiException as error:
        refusal = error
    else:
        raise AssertionError("not refused")
    assert refusal.status == status
    return str(refusal.body)


def main(host: str, token: str) -> None:
    api: Any = ApiClient(Configuration(host=host, access_token=token))
    clients, projects, timer = ClientsApi(api), ProjectsApi(api), TimerApi(api)
    new = ClientRequest(
        name="Acme", email="", default_hourly_rate=75.5, status=ClientStatus.ACTIVE
    )
    acme = clients.clients_create(new).client
    listed = clients.clients_list(status="active", per_page=10)
    assert [each.name for each in listed.clients] == ["Acme"]

    twin = refused(409, lambda: clients.clients_create(ClientRequest(name="ACME")))
    conflict = ConflictError.from_json(twin)
    assert conflict
    assert conflict.conflicting_id == acme.id

    headers = clients.clients_retrieve_with_http_info(acme.id).headers
    assert headers
    tag = {name.lower(): value for name, value in headers.items()}["etag"]

    def change(phone: str) -> Any:
        return clients.clients_partial_update(
            acme.id, if_match=tag, patched_client_request=PatchedClientRequest(phone=phone)
        )

    assert change("1").client.phone == "1"
    refused(412, lambda: change("2"))

    project = projects.projects_create(ProjectRequest(name="App", client_id=acme.id)).project
    body = TimerStartRequest(project_id=project.id, tags="a,b")
    started = timer.timer_start(body).timer
    assert started.end_time is None
    again = TimerConflictError.from_json(refused(409, lambda: timer.timer_start(body)))
    assert again
    assert again.timer
    assert again.timer.id == started.id
    assert timer.timer_status().active
    assert timer.timer_stop().time_entry.tag_list == ["a", "b"]


main(*sys.argv[1:])
