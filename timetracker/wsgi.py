"""The WSGI application that the production server runs."""

import gc
import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "timetracker.settings")
application = get_wsgi_application()

# What is loaded by now stays. To go through it again and again for garbage takes a tenth of a
# bulk request; and the first request need not wait for the views.
import_module(settings.ROOT_URLCONF)
gc.collect()
gc.freeze()
