"""Links to reports: who may see what by one, and for how long."""

import logging
import re
from datetime import datetime

from reports.models import SharedReport
from users.models import User
from values.credentials import digest_of, random_text

PREFIX = "sr_"
LINK = re.compile(rf"{PREFIX}[0-9A-Za-z]{{32}}")

security_log = logging.getLogger("timetracker.security")


def share(shared: SharedReport) -> str:
    """Store a shared report and return the secret of its link, which nobody can read again."""
    secret = PREFIX + random_text()
    shared.digest = digest_of(secret)
    shared.save(force_insert=True)
    log("Report shared", shared, account=shared.created_by_id)
    return secret


def revoke(shared: SharedReport, by: User, now: datetime) -> bool:
    """End a link for good; return whether it had not been revoked before."""
    unrevoked = SharedReport.objects.filter(pk=shared.pk, revoked_at=None)
    if not unrevoked.update(revoked_at=now):
        return False
    log("Report link revoked", shared, account=by.pk)
    return True


def shared_by_link(secret: str, now: datetime) -> SharedReport | None:
    """Return what a link leads to, while it is valid and its creator may view reports."""
    if not LINK.fullmatch(secret):
        return None
    found = SharedReport.objects.valid(now).select_related("created_by")
    shared = found.filter(digest=digest_of(secret)).first()
    return shared if shared and may_share(shared.created_by) else None


def may_share(user: User) -> bool:
    """Return whether somebody may view reports in the admin, and so by a link."""
    return user.is_active and user.is_staff and user.has_perm("reports.view_reports")


def log(event: str, shared: SharedReport, **details: object) -> None:
    """Write a line of the security log."""
    security_log.info(event, extra={"shared_report": shared.pk, **details})
