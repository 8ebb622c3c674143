"""Price the finished entries, in batches of their own transactions."""

from django.db import migrations

from timeentries.repricing import price_unpriced


def forwards(*_: object) -> None:
    price_unpriced()


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("timeentries", "0013_money"), ("rates", "0002_from_plain")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
