"""Bills in the admin: the list, one with its lines, and the question before it is released."""

from django.urls import reverse

from billing.bills import bill
from tests.billing.test_billing import DAY, hours
from tests.browser.visitor import Visitor
from tests.support.factories import make_client, make_project
from timeentries.models import TimeEntry
from users.models import User


def test_bills_can_be_read_by_everybody(visitor: Visitor, administrator: User) -> None:
    for currency in ("EUR", "JPY"):
        client = make_client(f"Client {currency}", currency=currency, default_hourly_rate=9870)
        hours(administrator, make_project("Website Redesign", client=client))
    made = bill(TimeEntry.objects.all(), "2024-01/client-7", {}, user=administrator, now=DAY)
    visitor.log_in(administrator)
    for name, arguments in {"changelist": [], "change": [made.pk], "release": [made.pk]}.items():
        visitor.open(reverse(f"admin:billing_bill_{name}", args=arguments))
        visitor.look(f"bills {name}")
