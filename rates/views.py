"""The rates' endpoints."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from api.viewsets import ResourceViewSet
from rates.filters import RateFilter
from rates.models import Rate, lock_places
from rates.serializers import RateSerializer


class RateViewSet(ResourceViewSet[Rate]):
    """List, create, read, change and delete rates."""

    scope_resource = "rates"
    administrators_do = "change rates"
    queryset = Rate.objects.with_details()
    serializer_class = RateSerializer
    filterset_class = RateFilter

    @contextmanager
    def row_to_write(self, **found: object) -> Iterator[Rate]:
        """Lock what the rate is for, and then the rate."""
        with transaction.atomic():
            lock_places(Rate.objects.filter(**found))
            with super().row_to_write(**found) as rate:
                yield rate
