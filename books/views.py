"""The endpoint of the books."""

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from api.conditional import check_preconditions, tag_of
from api.schema.answers import envelope, written_envelope
from api.serializers.representation import representation_of
from api.views import ApiRequest, ApiView
from books.models import Books
from books.serializers import BooksSerializer
from resources.integrity import constraints_as_errors

SHOWN = representation_of(BooksSerializer)


class BooksView(ApiView):
    """The day through which the books are closed."""

    scope_resource = "time_entries"
    administrators_do = "close or open the books"
    tagged = True

    @extend_schema(
        operation_id="books_retrieve",
        summary="Get the day through which the books are closed",
        responses=envelope(BooksSerializer, "books"),
    )
    def get(self, request: ApiRequest) -> Response:
        """Return the last closed day; null if nothing is closed."""
        shown, tag = _shown(Books.current(), request)
        check_preconditions(request, tag)
        return Response({"books": shown}, headers={"ETag": tag})

    @extend_schema(
        operation_id="books_update",
        summary="Close or open the books",
        request=BooksSerializer,
        responses=written_envelope(BooksSerializer, "books"),
    )
    def put(self, request: ApiRequest) -> Response:
        """Close the books through a day, or open them with null; for administrators.

        Time entries that start on that day or before, in the time zone of their user, can then no
        longer be added, changed, moved or deleted, by anybody: 409 `period_closed`. Running
        timers are no exception: stop them first. No write gets in after the response.
        """
        with constraints_as_errors(Books):
            books = Books.locked()
            check_preconditions(request, _shown(books, request)[1])
            serializer = BooksSerializer(books, data=request.data, partial=True)
            serializer.is_valid(raise_exception=True)
            shown, tag = _shown(serializer.save(), request)
        body = {"message": "Books updated successfully", "books": shown}
        return Response(body, headers={"ETag": tag})


def _shown(books: Books, request: ApiRequest) -> tuple[dict[str, object], str]:
    """Return what is shown of the books, and its tag."""
    row = SHOWN.row_of(books)
    return SHOWN.of_row(row, request.caller), tag_of(SHOWN, row, request.caller)
