"""The clients' endpoints."""

from clients.filters import ClientFilter
from clients.models import Client
from clients.serializers import ClientSerializer
from timetracker.api.viewsets import ResourceViewSet


class ClientViewSet(ResourceViewSet[Client]):
    """List, create, read, change and delete clients."""

    scope_resource = "clients"
    queryset = Client.objects.with_details()
    serializer_class = ClientSerializer
    filterset_class = ClientFilter
