"""The WSGI application. It starts only if the system checks pass."""

import gc
import os

from django.core.management.base import BaseCommand
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "timesheets_site.settings_production")

application = get_wsgi_application()
BaseCommand().check()

# What exists now stays for good. The garbage collector would visit all of it again and again, and stop every
# request meanwhile.
gc.freeze()
