"""The stock endpoint: a batch upload as DRF's documentation and common practice have it.

It uses a ListSerializer, a SELECT of the existing keys, and `bulk_create`. It authenticates callers as the
API does, so only the handling of entries differs.
"""

from typing import Any, cast

from django.db import transaction
from django.urls import include, path
from django.utils import timezone
from rest_framework import serializers
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from timesheets.models import Client, Timesheet
from timesheets.trust.principals import MachineClient


class StockListSerializer(serializers.ListSerializer[Timesheet]):
    def create(self, validated_data: list[dict[str, Any]]) -> list[Timesheet]:  # type: ignore[override]
        client, subject = self.context["client"], self.context["subject"]
        keys = [entry["entry_id"] for entry in validated_data]
        stored = Timesheet.objects.filter(client=client, entry_id__in=keys)
        existing = set(stored.values_list("entry_id", flat=True))
        return Timesheet.objects.bulk_create(
            Timesheet(client=client, received_at=timezone.now(), subject=subject, **entry)
            for entry in validated_data
            if entry["entry_id"] not in existing
        )


class StockSerializer(serializers.ModelSerializer[Timesheet]):
    class Meta:
        model = Timesheet
        list_serializer_class = StockListSerializer
        fields = ("id", "user_id", "date", "project", "hours", "entry_id")


class StockView(APIView):
    required_scopes = frozenset({"batch:upload"})
    parser_classes = [JSONParser]

    def post(self, request: Request) -> Response:
        caller = cast("MachineClient", request.user)
        client, _ = Client.objects.get_or_create(issuer=caller.issuer, client_id=caller.client_id)
        context = {"client": client, "subject": caller.subject}
        serializer = StockSerializer(data=request.data, many=True, context=context)
        serializer.is_valid(raise_exception=True)
        with transaction.atomic():
            serializer.save()
        return Response(serializer.data, status=201)


urlpatterns = [path("", include("timesheets.urls")), path("stock", StockView.as_view())]
