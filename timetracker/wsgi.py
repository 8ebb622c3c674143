"""The WSGI application that the production server runs."""

import gc
import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.utils.module_loading import import_string

from timetracker.orphans import end_with_server

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "timetracker.settings")
django = get_wsgi_application()  # without which our own modules cannot be loaded
# Only here: a command may wait for a commit as long as it takes.
import_string("database.postgresql.commits.Connection").serves = True
application = import_string("timetracker.outermost.Outermost")(django)

# Objects loaded by now stay. Scanning them repeatedly for garbage would take a tenth of a
# bulk request; and the first request need not wait for the views.
import_module(settings.ROOT_URLCONF)
gc.collect()
gc.freeze()
end_with_server()
