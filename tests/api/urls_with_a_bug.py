"""URLs of views with bugs."""

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def fail(request: HttpRequest) -> HttpResponse:
    return HttpResponse(1 / 0)


def lose_database(request: HttpRequest) -> HttpResponse:
    raise OperationalError("the connection is lost")


urlpatterns = [
    path("bug", fail),
    path("lost-database", lose_database),
    path("", include("timesheets.urls")),
]
