"""The URLs of every environment."""

from django.apps import apps
from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView

from timesheets.urls import urlpatterns as api_urlpatterns
from timesheets.views.service import respond_with

urlpatterns: list[URLPattern | URLResolver] = [*api_urlpatterns]

handler400, handler403, handler404, handler500 = map(respond_with, (400, 403, 404, 500))

if apps.is_installed("django.contrib.admin"):
    from timesheets.admin import site

    urlpatterns += [
        # People type it without the slash.
        path("admin", RedirectView.as_view(pattern_name="admin:index")),
        path("admin/", site.urls),
    ]
