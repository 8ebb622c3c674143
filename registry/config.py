"""The declaration of an app, from which all lists of resources are derived."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from django.apps import AppConfig

if TYPE_CHECKING:  # an app's configuration is imported before any model may be
    from tallies.counted import Counted


class ApiAppConfig(AppConfig):
    """An app of the service; docs/architecture.md says where each line is used.

    Apps are shown in the order of `INSTALLED_APPS`: tags of the OpenAPI document, scopes, the
    admin's menu. The change feed lists a row after the rows that it refers to.
    """

    # This class is not an app's configuration, though each `apps.py` imports it; its heirs are.
    default = False

    def __init_subclass__(cls) -> None:
        cls.default = True

    # The viewset of the app's resource: "clients.views.ClientViewSet".
    viewset: ClassVar[str] = ""
    # Scopes and their descriptions. `write:x` includes `read:x`.
    scopes: ClassVar[Mapping[str, str]] = {}
    # Each tag of the OpenAPI document, and its description. A tag is the first part of a path.
    tags: ClassVar[Mapping[str, str]] = {}
    # An example of each component of the OpenAPI document. That of a resource is its body's too.
    examples: ClassVar[Mapping[str, Mapping[str, object]]] = {}
    # The route on which a new token is tried, for each read scope that is not a resource's.
    example_calls: ClassVar[Mapping[str, str]] = {}
    # Whether the change feed has its rows.
    in_feed: ClassVar[bool] = True
    # Where the admin's menu shows the app.
    section: ClassVar[str] = "Work"
    # The columns whose change makes a list new, where not every write of a row does.
    shown_columns: ClassVar[Sequence[str]] = ()
    # The dialects of tokens, each a class by its name: apitokens/dialects.py.
    dialects: ClassVar[Mapping[str, str]] = {}
    # A module of routes that are not part of the published API.
    unpublished_urls: ClassVar[str] = ""
    # The columns of its resource that an export leaves out, such as secrets, and what an import
    # writes into them: a value, or what to call for each row.
    left_out: ClassVar[Mapping[str, object]] = {}
    # How the tallies count its rows; without it, only writes are counted.
    counted: ClassVar["Counted | None"] = None
