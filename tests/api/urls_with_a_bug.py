"""URLs of views with bugs."""

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


def fail(request: HttpRequest) -> HttpResponse:
    return HttpResponse(1 / 0)


def lose_database(request: HttpRequest) -> HttpResponse:
    raise OperationalError("the connection is lost")


class ForgetfulView(APIView):
    def get(self, request: Request) -> Response:
        return Response("open")


urlpatterns = [
    path("bug", fail),
    path("lost-database", lose_database),
    path("forgetful", ForgetfulView.as_view()),
    path("", include("timesheets.urls")),
]
