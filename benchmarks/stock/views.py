"""The rival: a batch endpoint as DRF's documentation and common practice have it.

A ListSerializer, a select of the keys that are there, and `bulk_create`. It knows its callers in the same
way as the API, so the difference is what happens to the entries.
"""

from typing import Any

from django.db import transaction
from django.utils import timezone
from rest_framework import serializers
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from timesheets.models import Client, Timesheet


class StockListSerializer(serializers.ListSerializer):
    def create(self, validated_data: list[dict[str, Any]]) -> list[Timesheet]:
        keys = [entry["entry_id"] for entry in validated_data]
        present = set(
            Timesheet.objects.filter(client=self.context["client"], entry_id__in=keys).values_list(
                "entry_id", flat=True
            )
        )
        return Timesheet.objects.bulk_create(
            Timesheet(
                client=self.context["client"],
                received_at=timezone.now(),
                subject=self.context["subject"],
                **entry,
            )
            for entry in validated_data
            if entry["entry_id"] not in present
        )


class StockSerializer(serializers.ModelSerializer):
    class Meta:
        model = Timesheet
        list_serializer_class = StockListSerializer
        fields = ("id", "user_id", "date", "project", "hours", "entry_id")


class StockView(APIView):
    resource_path = "/stock"
    required_scopes = frozenset({"batch:upload"})
    parser_classes = [JSONParser]

    def post(self, request: Request) -> Response:
        client, _ = Client.objects.get_or_create(issuer=request.user.issuer, client_id=request.user.client_id)
        context = {"client": client, "subject": request.user.subject}
        serializer = StockSerializer(data=request.data, many=True, context=context)
        serializer.is_valid(raise_exception=True)
        with transaction.atomic():
            serializer.save()
        return Response(serializer.data, status=201)
