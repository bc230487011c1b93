"""Tell drf-spectacular what it cannot see in the views. To import this is to register it."""

from typing import Any, Protocol, cast

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiViewExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.settings import spectacular_settings
from rest_framework.views import APIView

from timesheets.openapi import operations
from timesheets.openapi.operations import Operation


class ScopedView(Protocol):
    required_scopes: frozenset[str]


class DescribedSchema(AutoSchema):
    """The operations as they are described, and whom they let in as the view itself says."""

    def __init__(self, described: dict[str, Operation]) -> None:
        super().__init__()
        self._described = described

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> Operation:
        self.registry = registry
        return {**self._described[method], "security": self.get_auth()}


class _DescribedView(OpenApiViewExtension):
    described: dict[str, Operation]

    def view_replacement(self) -> type[APIView]:
        return type(self.target.__name__, (self.target,), {"schema": DescribedSchema(self.described)})


class DescribedUpload(_DescribedView):
    target_class = "timesheets.views.uploads.UploadView"
    described = {"POST": operations.UPLOAD}


class DescribedTimesheetList(_DescribedView):
    target_class = "timesheets.views.timesheets.TimesheetListView"
    described = {"GET": operations.LIST}


class DescribedTimesheet(_DescribedView):
    target_class = "timesheets.views.timesheets.TimesheetView"
    described = {"GET": operations.RETRIEVE}


class BearerScheme(OpenApiAuthenticationExtension):
    """A bearer token, however one comes by it: the settings can append schemes that obtain one."""

    target_class = "timesheets.authentication.JWTAuthentication"
    name = "bearer"

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[Any]]]:
        scopes = sorted(cast("ScopedView", auto_schema.view).required_scopes)
        names = [self.name, *spectacular_settings.APPEND_COMPONENTS.get("securitySchemes", {})]
        return [{name: scopes} for name in names]

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token of the issuer that the API trusts, without the word `Bearer`.",
        }
