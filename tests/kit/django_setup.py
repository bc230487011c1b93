"""Prepare Django in a process that pytest-django did not start. Import it before any module with models."""

import os

import django
from django.apps import apps

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings_server")
if not apps.ready:
    django.setup()
