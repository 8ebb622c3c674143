"""The rates' endpoints."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from api.viewsets import ResourceViewSet
from rates.filters import RateFilter
from rates.models import Place, Rate
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
        """Lock what the rate is for, before the rate: every write locks them in this order."""
        with transaction.atomic():
            for place in self.queryset.filter(**found).values(*Place._fields):
                Place.of(place).lock()
            with super().row_to_write(**found) as rate:
                yield rate
