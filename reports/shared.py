"""The page of a shared report, for anyone who has its link."""

from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_safe
from rest_framework.exceptions import ValidationError

from ratelimit import limits as rate_limit
from ratelimit.client_address import client_address, network_of
from reports import sharing
from reports.admin import pages
from reports.admin.selection import Selection, Viewer, sentences
from reports.exports import FILES
from reports.models import SharedReport
from reports.tables import summary_table

OPENINGS = 30  # a minute, of one address, good and bad
# The link is its password: no script sees it, no other site hears of it, no search engine and no
# cache keeps it.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'none'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store, private",
}
GONE = "This link is not valid. It may have expired or been revoked: ask for a new one."
TOO_MANY = "Too many requests. Try again in a minute."


@require_safe
def shared_report(request: HttpRequest, secret: str) -> HttpResponseBase:
    """Show the report, or send it as a file; any link that is not valid has the same answer."""
    response = _limited(request) or _opened(request, secret) or _page_of(GONE, "Not found", 404)
    for name, value in HEADERS.items():
        response.headers[name] = value
    return response


def _limited(request: HttpRequest) -> HttpResponse | None:
    address = network_of(client_address(request))
    usage = rate_limit.count(request, "shared-report", address, OPENINGS, rate_limit.MINUTE)
    if not usage.exceeded:
        return None
    sharing.security_log.warning("Shared report throttled")
    response = _page_of(TOO_MANY, "Too many requests", HTTPStatus.TOO_MANY_REQUESTS)
    response["Retry-After"] = str(usage.retry_after)
    return response


def _opened(request: HttpRequest, secret: str) -> HttpResponseBase | None:
    shared = sharing.shared_by_link(secret, timezone.now())
    selection = shared and Selection.of(QueryDict(urlencode(shared.query)), _viewer_of(shared))
    if shared is None or not isinstance(selection, Selection):
        sharing.security_log.warning("Shared report refused")
        return None
    file_format = request.GET.get("format", "")
    sharing.log(
        "Shared report opened", shared, format=file_format if file_format in FILES else "page"
    )
    levels, order = selection.form.levels, shared.query.get("sort", "")
    try:
        whole = selection.report(levels, order)
        if file_format in FILES:
            return FILES[file_format](summary_table(whole, levels, selection.zone))
        contents = pages.contents(selection, whole, levels)
    except ValidationError as error:
        return _report(shared, selection, {"errors": sentences(error)})
    return _report(shared, selection, contents)


def _viewer_of(shared: SharedReport) -> Viewer:
    """Return the creator, with what is hidden and what they may not see any more left out."""
    creator = shared.created_by
    may_view_amounts = creator.has_perm("reports.view_amounts")
    return Viewer(
        creator,
        amounts=may_view_amounts and not shared.hides_amounts,
        names=not shared.hides_names,
    )


def _report(
    shared: SharedReport, selection: Selection, contents: dict[str, object]
) -> HttpResponse:
    compared = selection.before is not None
    titles = pages.headings(selection.form.levels, compared=compared).items()
    context = {
        "title": shared.title,
        "expires": _words_of(shared.expires_at.astimezone(selection.zone)),
        "chosen": selection.chosen(),
        "headings": [pages.Heading(title, "", "none", name) for name, title in titles],
        "files": [(f"format={name}", name.upper()) for name in FILES],
    }
    # Without the request: what would read it are the session and messages.
    return HttpResponse(render_to_string("reports/shared.html", {**context, **contents}))


def _page_of(sentence: str, title: str, status: int) -> HttpResponse:
    context = {"title": title, "sentence": sentence}
    return HttpResponse(render_to_string("reports/gone.html", context), status=status)


def _words_of(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}"
