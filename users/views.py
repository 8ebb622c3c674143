"""The users' endpoints."""

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework.response import Response

from api.conditional import check_preconditions, tag_of
from api.serializers.representation import representation_of
from api.views import ApiRequest, ApiView
from api.viewsets import ListViewSet
from users.models import User
from users.serializers import UserSerializer

SHOWN = representation_of(UserSerializer)


class UserViewSet(ListViewSet[User]):
    """List all users; for administrators with `admin:all`."""

    scope_resource = "users"
    administrators_only = True
    queryset = User.objects.with_details()
    serializer_class = UserSerializer


class CurrentUserView(ApiView):
    """Get the current user."""

    scope_resource = "users"
    tagged = True
    on_primary = True  # the row came with the token

    @extend_schema(responses=inline_serializer("UserEnvelope", {"user": UserSerializer()}))
    def get(self, request: ApiRequest) -> Response:
        """Return the user that the token belongs to."""
        # The token's, not the request's: an app login acts for an administrator without the role.
        row = SHOWN.row_of(request.auth.user)
        check_preconditions(request, tag := tag_of(SHOWN, row, request.caller))
        return Response({"user": SHOWN.of_row(row, request.caller)}, headers={"ETag": tag})
