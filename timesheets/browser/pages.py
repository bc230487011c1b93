"""What a person sees of the API: DRF's browsable API, in pages of our own."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from timesheets import conf
from timesheets.browser.sessions import find_signed_in_token
from timesheets.exceptions import find_reason_phrase


def describe_visitor(request: HttpRequest) -> dict[str, Any]:
    """What every page's frame shows: who is signed in, if somebody is, or can be."""
    return {
        "lets_sign_in": conf.lets_browsers_sign_in(),
        "signed_in": find_signed_in_token(request) if conf.lets_browsers_sign_in() else None,
    }


class PageRenderer(BrowsableAPIRenderer):
    """The answer as a page, in which the template `page_part` of the view shows what it means.

    DRF's own context tries each method for its form, and with that the caller's permissions. Ours has
    forms in its templates, so a request is judged, and logged, once.
    """

    template = "timesheets/answer.html"

    def get_context(
        self, data: Any, accepted_media_type: str | None, renderer_context: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        context = dict(renderer_context or {})
        view, response = context["view"], context["response"]
        request: Request = context["request"]
        return {
            **describe_visitor(request._request),  # noqa: SLF001  DRF has no public name for it.
            "page_part": getattr(view, "page_part", None),
            "title": view.get_view_name(),
            "address": conf.public_url(request.path),
            "path": request.get_full_path(),
            "answer": data,
            "content": self.get_content(JSONRenderer(), data, accepted_media_type, context),
            "next_page": _find_next_page(data),
            "problem": data if _tells_of_a_problem(request, response) else None,
            "reason": find_reason_phrase(response.status_code),
            "request": request,
            "response": response,
        }


def _find_next_page(data: Any) -> str | None:
    """The next page of a list, under the address that this one has in the browser."""
    following = data.get("next") if isinstance(data, Mapping) else None
    return f"?{urlsplit(following).query}" if following else None


def _tells_of_a_problem(request: Request, response: Response) -> bool:
    """False also where nothing can be got at an address that a person looks at before sending there."""
    is_only_looking = response.status_code == HTTPStatus.METHOD_NOT_ALLOWED and request.method == "GET"
    return response.status_code >= HTTPStatus.BAD_REQUEST and not is_only_looking
