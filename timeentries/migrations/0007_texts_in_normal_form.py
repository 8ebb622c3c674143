from django.db import migrations


class Migration(migrations.Migration):
    # It had the texts renewed; 0011 does that, with the tags, so that the rows are written once.
    dependencies = [
        ("timeentries", "0006_folded_texts"),
    ]

    operations = []
