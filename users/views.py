"""Users, for those who may see them."""

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework.response import Response

from timetracker.api.viewsets import ApiRequest, ApiView, ListViewSet
from users.models import User
from users.serializers import UserSerializer


class UserViewSet(ListViewSet[User]):
    """List all users; for administrators with `admin:all`."""

    scope_resource = "users"
    administrators_only = True
    queryset = User.objects.with_details()
    serializer_class = UserSerializer


class CurrentUserView(ApiView):
    """Tell who the token's user is."""

    scope_resource = "users"

    @extend_schema(responses=inline_serializer("UserEnvelope", {"user": UserSerializer()}))
    def get(self, request: ApiRequest) -> Response:
        """Return the user of the token."""
        return Response({"user": UserSerializer(request.user).data})
