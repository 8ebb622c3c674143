"""Tokens in the Django admin."""

from apitokens.admin import tokens  # noqa: F401 - registers the pages
