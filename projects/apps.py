"""App declaration of projects."""

from registry.config import ApiAppConfig


class ProjectsConfig(ApiAppConfig):
    """Projects."""

    name = "projects"
    viewset = "projects.views.ProjectViewSet"
    scopes = {
        "read:projects": "View projects",
        "write:projects": "Create, update and archive projects",
    }
    tags = {"Projects": "Projects, optionally for a client."}
    examples = {
        "Project": {
            "id": 1,
            "name": "Website Redesign",
            "description": "Complete website overhaul",
            "client_id": 5,
            "client_name": "Acme Corp",
            "hourly_rate": 75.0,
            "estimated_hours": 120,
            "billable": True,
            "rounding": None,
            "status": "active",
        },
        "FavoriteProject": {
            "id": 3,
            "user_id": 2,
            "project_id": 1,
            "created_at": "2024-01-15T09:00:00Z",
        },
        "PatchedProjectRequest": {"status": "on_hold"},
    }
