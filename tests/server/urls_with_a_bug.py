"""Addresses whose views are wrong."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


def fail(request: HttpRequest) -> HttpResponse:
    return HttpResponse(1 / 0)


class ForgetfulView(APIView):
    def get(self, request: Request) -> Response:
        return Response("open")


urlpatterns = [path("bug", fail), path("forgetful", ForgetfulView.as_view())]
