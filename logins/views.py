"""The endpoints where apps log in and out."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, Throttled, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from api.exceptions import AccessDenied, ApiError, TooManyAtOnce
from api.schema.answers import Failure, MessageSerializer
from api.serializers.base import refuse_unknown
from api.serializers.representation import Caller, representation_of
from api.suggestions import unknown_names
from api.turns import turns
from api.views import ApiRequest, ApiView, PublicView, read_body
from apitokens.authentication import REALM
from apitokens.models import ApiToken
from logins import tokens
from logins.serializers import LoggedInSerializer, LoginSerializer
from ratelimit import guesses
from users.serializers import UserSerializer

SHOWN_USER = representation_of(UserSerializer)
TURN = "login"  # of all logins: hashing a password occupies a processor for a third of a second
TURNED_OFF = "Logging in with a password is turned off here. Use an API token."
NOT_A_LOGIN = "This token was not issued by a login. An administrator can revoke it."


class WrongCredentials(ApiError):
    """401 with the same words for an unknown name, a wrong password and an inactive user."""

    status_code = 401
    error = "Invalid username or password"
    default_detail = (
        "Check the username and the password. If both are correct, ask an administrator whether "
        "the account is active."
    )
    default_code = "unauthorized"

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": REALM})


class LoginView(PublicView):
    """Log in from an app."""

    failures = (400, 401, 404, 411, 413, 415, 429, 503)
    own_failures = {
        401: Failure(
            "WrongCredentials",
            "The username or the password is wrong, or the user is not active.",
            headers=("WWW-Authenticate",),
            example={"error": WrongCredentials.error, "message": WrongCredentials.default_detail},
        ),
        404: Failure(
            "LoginTurnedOff", "Logging in is turned off.", example={"message": TURNED_OFF}
        ),
        429: Failure(
            "TooManyLogins",
            "Too many logins from this address or for this username.",
            headers=("Retry-After",),
        ),
    }

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Check the setting and the limit of the address, before the body is read."""
        if not settings.APP_LOGIN:
            raise NotFound(TURNED_OFF)
        super().initial(request, *args, **kwargs)
        if request.method == "POST":
            with _limits_as_429():
                guesses.OF_ADDRESS_IN_APPS.count_address(_http(request))

    @extend_schema(request=LoginSerializer, responses=LoggedInSerializer)
    def post(self, request: Request) -> Response:
        """Exchange a username and a password for an API token.

        The token is valid for 90 days and has the scopes that apps need: `read` and `write` of
        projects, time entries, tasks and clients, `read:reports` and `read:users`. An
        administrator's sees only that user's own time entries, until the token is changed in the
        admin. A user has at most 20: a further login revokes the oldest. 5 attempts a minute are
        allowed from an address, and 10 an hour for a username.
        """
        if unknown := unknown_names(request.query_params, (), kind="parameter"):
            raise ValidationError(unknown)
        read_body(request)
        serializer = LoginSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        token, secret = _log_in(_http(request), **serializer.validated_data)
        caller = Caller(token.created_at, token.user_id)
        body = {
            "token": secret,
            "expires_at": token.expires_at,
            "scopes": token.scopes,
            "user": SHOWN_USER.of_row(SHOWN_USER.row_of(token.user), caller),
        }
        return Response(body, headers={"Cache-Control": "no-store"})


class LogoutView(ApiView):
    """Log out."""

    any_scope = True

    @extend_schema(request=None, responses=MessageSerializer)
    def post(self, request: ApiRequest) -> Response:
        """Revoke the calling token, if it was issued by a login; 403 for any other."""
        refuse_unknown(request.data, known=())
        if not request.auth.from_login:
            raise AccessDenied(NOT_A_LOGIN)
        tokens.log_out(_http(request), request.auth, now=request.now)
        return Response({"message": "Logged out successfully"})


def _log_in(request: HttpRequest, username: str, password: str) -> tuple[ApiToken, str]:
    """Count the attempt, check the password, issue the token and log all of it."""
    with _limits_as_429():
        guesses.OF_ACCOUNT.count_account(request, username)
    with _turn():
        user = tokens.user_of(request, username, password)
        issued = user and tokens.log_in(request, user, password, now=timezone.now())
    if not issued:
        guesses.log_refused(tokens.account_of(username))
        raise WrongCredentials
    token, secret = issued
    guesses.log_logged_in(token.user_id, prefix=token.prefix)
    return token, secret


@contextmanager
def _limits_as_429() -> Iterator[None]:
    try:
        yield
    except guesses.TooManyGuesses as limit:
        raise Throttled(limit.retry_after, "Too many login attempts.") from None


@contextmanager
def _turn() -> Iterator[None]:
    """Hash one password at a time, so that logins leave the service to its other callers."""
    try:
        turn = turns.take(TURN)
    except TooManyAtOnce:
        raise Throttled(1, "Too many logins at once.") from None
    try:
        yield
    finally:
        turn.end()


def _http(request: Request) -> HttpRequest:
    return request._request  # noqa: SLF001 - DRF has no other way to Django's
