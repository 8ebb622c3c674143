"""App declaration of tasks."""

from registry.config import ApiAppConfig


class TasksConfig(ApiAppConfig):
    """Tasks."""

    name = "tasks"
    viewset = "tasks.views.TaskViewSet"
    scopes = {
        "read:tasks": "View tasks",
        "write:tasks": "Create, update and delete tasks",
    }
    tags = {"Tasks": "Tasks within projects."}
    examples = {
        "Task": {
            "id": 5,
            "name": "Implement login feature",
            "description": "Add user authentication",
            "project_id": 1,
            "project_name": "Website Redesign",
            "status": "todo",
            "priority": 1,
            "priority_name": "low",
            "assignee_id": None,
            "due_date": "2024-01-31",
            "estimated_hours": None,
            "completed_at": None,
        },
        "PatchedTaskRequest": {"status": "done"},
    }
