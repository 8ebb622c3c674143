"""The books in the Django admin, for administrators only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from books.models import Books
from resources.admin import ModelAdmin
from staff.permissions import AdministratorsOnly


@admin.register(Books)
class BooksAdmin(AdministratorsOnly, ModelAdmin[Books]):
    """Close the books, and open them again."""

    list_display = ("__str__",)
    actions = None

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody: there is one row."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody: there is one row."""
        return False

    def construct_change_message(self, request: HttpRequest, form: Any, *args: Any) -> Any:
        """Say in the history through which day the books were closed."""
        if form.changed_data:
            return f"{form.instance}."
        return super().construct_change_message(request, form, *args)
