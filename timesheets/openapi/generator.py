"""The description as a whole: SPECTACULAR_SETTINGS name this class."""

from typing import Any

from drf_spectacular.generators import SchemaGenerator

from timesheets.exceptions import METADATA_PATH

# Registers what says how our views are described.
from timesheets.openapi import extensions  # noqa: F401
from timesheets.openapi.answers import SCHEMAS
from timesheets.openapi.operations import describe_metadata
from timesheets.openapi.parameters import HEADERS, PARAMETERS
from timesheets.openapi.problems import describe_problem_responses, describe_problem_schemas


class DescriptionGenerator(SchemaGenerator):
    """Adds the components that the operations refer to, and the metadata that challenges lead to."""

    def get_schema(self, request: Any = None, public: bool = False) -> dict[str, Any]:
        description: dict[str, Any] = super().get_schema(request, public)  # type: ignore[no-untyped-call]
        description["components"] |= {
            "schemas": {**SCHEMAS, **describe_problem_schemas()},
            "responses": describe_problem_responses(),
            "parameters": PARAMETERS,
            "headers": HEADERS,
        }
        description["paths"] |= {
            f"{METADATA_PATH}{path}": {"get": describe_metadata(next(iter(methods.values())), path)}
            for path, methods in description["paths"].items()
        }
        return description
