"""The clients' endpoints."""

from api.viewsets import ResourceViewSet
from clients.filters import ClientFilter
from clients.models import Client
from clients.serializers import ClientSerializer


class ClientViewSet(ResourceViewSet[Client]):
    """List, create, read, change and delete clients."""

    scope_resource = "clients"
    queryset = Client.objects.with_details()
    serializer_class = ClientSerializer
    filterset_class = ClientFilter
