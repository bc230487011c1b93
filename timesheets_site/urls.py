"""The site's addresses, in every environment."""

from django.urls import include, path

urlpatterns = [path("", include("timesheets.urls"))]
