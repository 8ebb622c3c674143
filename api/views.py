"""Base view: the order of checks, and strict query parameters."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from api.conditional import refuse_preconditions
from api.exceptions import (
    AccessDenied,
    BadRequest,
    LengthRequired,
    PayloadTooLarge,
    TooExpensive,
)
from api.serializers.representation import Caller
from api.suggestions import unknown_names
from api.turns import Turn, end_with, turns
from api.wire.content_coding import check_coding
from apitokens.dialects import Dialect, name_for_client, spoken_by
from database.deadlines import Deadline
from database.replicas import is_configured
from edge.framing import NOTHING_IN_CHUNKS
from edge.middleware import is_too_large
from edge.reading import METHODS as METHODS_THAT_READ
from edge.reading import answered
from idempotency.idempotent import answer_once, key_of
from registry import declared
from resources.integrity import references_as_conflicts

if TYPE_CHECKING:
    from apitokens.models import ApiToken
    from users.models import User

R = TypeVar("R", bound=HttpResponseBase)

METHODS_WITH_BODY = ("POST", "PUT", "PATCH")


class ApiRequest(Request):
    """A request whose token was accepted."""

    user: "User"
    auth: "ApiToken"
    now: datetime
    caller: Caller
    _full_data: object  # DRF's


class PublicView(APIView):
    """A view that neither needs a token nor minds a bad one, and counts for no token."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()

    def finalize_response(
        self, request: Request, response: Response, *args: object, **kwargs: object
    ) -> Response:
        """Answer in the dialect of the client, as there is no token to name one."""
        if name := name_for_client(request._request):  # noqa: SLF001 - DRF has no other way
            declared.dialects()[name].answer(response, self)
        return super().finalize_response(request, response, *args, **kwargs)


class Answered(Exception):
    """The response that `initial` has already, so that DRF calls no handler."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.response = response


class ApiView(APIView):
    """A view that checks in the order of docs/api.md (Errors) and refuses unknown parameters.

    `scope_resource` names the resource whose read or write scope a call needs;
    `administrators_only` asks for `admin:all` instead, and `any_scope` for none.
    `administrators_do` is what only administrators may do with the scope, in words for others,
    who may still read if `others_get`.
    """

    scope_resource: ClassVar[str]
    administrators_only = False
    administrators_do = ""
    others_get = True
    any_scope = False
    filterset_class: Any = None
    published = True  # whether it is part of the API for everybody
    tagged = False  # whether its answers carry an ETag
    conditional_post = False  # whether a POST may carry If-Match and If-None-Match
    is_polled = False  # whether requests count for the minute only, not for the hour
    failures: Sequence[int] = ()  # statuses for the OpenAPI document alone
    has_deadline = True  # whether to read may be refused for the time that it takes
    on_primary = False  # whether it reads there although there is a replica
    request: ApiRequest
    throttles: Sequence[Any] = ()
    turn: Turn | None = None
    deadline: Deadline | None = None
    dialect: Dialect | None = None

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        """Handle the request, and always release its turn."""
        try:
            response = super().dispatch(request, *args, **kwargs)
            if self.turn:
                end_with(response, self.turn)
                self.turn = None
            return response
        finally:
            self._end_work()

    def initialize_request(self, request: HttpRequest, *args: object, **kwargs: object) -> Request:
        """Return DRF's request, which else looks these up on Django's each time, in vain first."""
        made = super().initialize_request(request, *args, **kwargs)
        made.META, made.method = request.META, request.method
        return made

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Check credentials, rate limit, method, scope, query and body, in this order."""
        self.request.now = timezone.now()
        self.format_kwarg = None
        negotiated = self.perform_content_negotiation(request)
        request.accepted_renderer, request.accepted_media_type = negotiated
        self.perform_authentication(request)
        if request.auth is None:
            self.check_permissions(request)  # no token is 401 before anything else
        self.dialect = spoken_by(self.request.auth)
        mark = self.dialect.mark(self.request.user) if self.dialect else ""
        self.request.caller = Caller(self.request.now, request.user.pk or 0, mark)
        self.check_throttles(request)
        self._begin_work(request)
        if request.method not in self.allowed_methods:
            self.http_method_not_allowed(request)
        self.check_permissions(request)
        self.check_query(request)
        if request.method == "POST" and not self.conditional_post:
            refuse_preconditions(request)
        if request.method in METHODS_WITH_BODY:
            read_body(request)
        if key := key_of(request):
            raise Answered(self._answer_once(request, key))
        if request.method in METHODS_THAT_READ and not self.on_primary and is_configured():
            handler = getattr(self, request.method.lower())
            raise Answered(
                self.read(lambda: handler(request, *args, **kwargs), self.request.auth.position)
            )
        self._translate_body()

    def read(self, answer: Callable[[], R], position: str | None) -> R:
        """Return an answer that only reads, made on the replica if that is up to date."""
        return answered(answer, position, self.deadline)

    def check_permissions(self, request: Request) -> None:
        """Refuse what is reserved for administrators, after refusing those without the scope."""
        super().check_permissions(request)
        of_others = SAFE_METHODS if self.others_get else ("OPTIONS",)
        if not self.administrators_do or request.method in of_others:
            return
        if not request.user.is_superuser:
            raise AccessDenied(f"Only administrators may {self.administrators_do}.")

    def _begin_work(self, request: Request) -> None:
        """Wait for this token's turn, and start the deadline of a read request."""
        self.turn = turns.take(request.auth.pk)
        if request.method in SAFE_METHODS and self.has_deadline:
            self.deadline = Deadline(settings.READ_DEADLINE).__enter__()

    def _end_work(self) -> None:
        if self.deadline:
            self.deadline.__exit__()
        if self.turn:
            self.turn.end()

    def handle_exception(self, exc: Exception) -> Any:
        """Respond to an error; 400 if the deadline interrupted a statement."""
        if isinstance(exc, Answered):
            return exc.response
        if self.deadline and self.deadline.broke_off(exc):
            exc = TooExpensive(settings.READ_DEADLINE)
        return super().handle_exception(exc)

    def count_more(self, times: int) -> None:
        """Count a request several more times; 429 once over the limit."""
        for throttle in self.throttles:
            if not all(throttle.allow_request(self.request, self) for _ in range(times)):
                self.throttled(self.request, throttle.wait())

    def _answer_once(self, request: Request, key: str) -> HttpResponse:
        """Call the handler that DRF would call next, unless the key's response is stored."""
        handler = getattr(self, str(request.method).lower())

        def answer() -> Response:
            self._translate_body()
            answered: Response = handler(request, *self.args, **self.kwargs)
            return answered

        with references_as_conflicts():
            return answer_once(request, key, answer)

    def _translate_body(self) -> None:
        """Let the token's dialect read the body; an idempotency key stands for it as it came."""
        if self.dialect and self.request.method in METHODS_WITH_BODY:
            self.request._full_data = self.dialect.body(self)  # noqa: SLF001

    def get_throttles(self) -> list[BaseThrottle]:
        """Return this request's throttles; `finalize_response` settles them."""
        self.throttles = throttles = super().get_throttles()
        return throttles

    def finalize_response(
        self, request: Request, response: Response, *args: object, **kwargs: object
    ) -> Response:
        """Settle the rate limit by the status code, and add the headers."""
        for throttle in self.throttles:
            throttle.settle(request, self, response.status_code)
        if self.dialect:
            self.dialect.answer(response, self)
        return super().finalize_response(request, response, *args, **kwargs)

    def query_parameters(self) -> Sequence[str]:
        """Return the accepted query parameters."""
        return []

    def check_query(self, request: Request) -> None:
        """Raise 400 for a parameter that is unknown, empty or given twice."""
        known = self.query_parameters()
        errors = unknown_names(request.query_params, known, kind="parameter")
        for name, values in request.query_params.lists():
            if name not in known:
                continue
            if len(values) > 1:
                errors[name] = ["Send this parameter only once."]
            elif not values[0].strip():
                errors[name] = ["Must not be empty. Send a value or omit the parameter."]
            elif "\ufffd" in values[0]:  # Django's replacement for undecodable bytes
                errors[name] = ["Must be valid UTF-8."]
        if errors:
            raise ValidationError(errors)


def read_body(request: Request) -> None:
    """Parse the body now, so that an invalid body is reported before a missing row."""
    if request.META.get("HTTP_TRANSFER_ENCODING") and not request.META.get("CONTENT_LENGTH"):
        raise LengthRequired
    if request.META.get(NOTHING_IN_CHUNKS):
        raise BadRequest(
            "The chunked body is empty or incomplete. To send no body, use Content-Length: 0."
        )
    if is_too_large(request.META.get("CONTENT_LENGTH") or "0"):
        raise PayloadTooLarge
    check_coding(request)
    request.data  # noqa: B018 - DRF parses on access
