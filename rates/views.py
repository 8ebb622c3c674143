"""The rates' endpoints."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from api.exceptions import AccessDenied
from api.viewsets import ResourceViewSet
from rates.filters import RateFilter
from rates.models import Place, Rate
from rates.serializers import RateSerializer

ADMINISTRATORS_WRITE = "Only administrators may change rates."


class RateViewSet(ResourceViewSet[Rate]):
    """List, create, read, change and delete rates."""

    scope_resource = "rates"
    queryset = Rate.objects.with_details()
    serializer_class = RateSerializer
    filterset_class = RateFilter

    def check_permissions(self, request: Request) -> None:
        """Refuse writes by others than administrators, after those without the scope."""
        super().check_permissions(request)
        if request.method not in SAFE_METHODS and not request.user.is_superuser:
            raise AccessDenied(ADMINISTRATORS_WRITE)

    @contextmanager
    def row_to_write(self, **found: object) -> Iterator[Rate]:
        """Lock what the rate is for, before the rate: every write locks them in this order."""
        with transaction.atomic():
            for place in self.queryset.filter(**found).values(*Place._fields):
                Place.of(place).lock()
            with super().row_to_write(**found) as rate:
                yield rate
