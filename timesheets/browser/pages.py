"""Render the API as pages for people: DRF's browsable API with the project's own templates."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from timesheets import conf
from timesheets.browser.details import describe_more
from timesheets.browser.filters import read_filters
from timesheets.browser.sessions import find_person, find_signed_in_token
from timesheets.browser.suggestions import suggest_names
from timesheets.exceptions import PROBLEM_MEDIA_TYPE, find_reason_phrase
from timesheets.permissions import UPLOAD_SCOPE, may_read, may_read_all
from timesheets.renderers import PageResponse

# They describe the page.
_PAGE_HEADERS = {"content-type", "vary"}


def describe_visitor(request: HttpRequest) -> dict[str, Any]:
    """Return what the header of every page needs: where the visitor is, who is signed in, and may do what.

    Nobody knows what visitors may do before they sign in, so until then they are offered everything.
    """
    token = find_signed_in_token(request) if conf.lets_browsers_sign_in() else None
    person = find_person(request) if token else None
    return {
        "section": request.resolver_match.url_name if request.resolver_match else None,
        "lets_sign_in": conf.lets_browsers_sign_in(),
        "signed_in": token,
        "person": person,
        "visitor": person.name if person else token and token.client.client_id,
        "may_upload": token is None or UPLOAD_SCOPE in token.scopes,
        "may_read": token is None or may_read(token),
        "may_read_all": token is not None and may_read_all(token),
    }


class PageRenderer(BrowsableAPIRenderer):
    """Render a response as a page. The view's `page_part` names the template that presents its body, and
    `page_script` a script of that page alone.

    DRF's own context checks the caller's permissions for every method, to offer a form. Here the templates
    have the forms, so a request is checked, and logged, once.
    """

    template = "timesheets/response.html"

    def get_context(
        self, data: Any, accepted_media_type: str | None, renderer_context: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        context = dict(renderer_context or {})
        view, response = context["view"], context["response"]
        request: Request = context["request"]
        visitor = describe_visitor(request._request)  # noqa: SLF001  DRF has no public name for it.
        return {
            **visitor,
            "page_part": getattr(view, "page_part", None),
            "page_script": getattr(view, "page_script", None),
            "filters": SimpleLazyObject(lambda: _read_filters(request, visitor["section"])),
            "suggested": SimpleLazyObject(lambda: suggest_names(getattr(response, "shown", {}).get("reach"))),
            "title": view.get_view_name(),
            "address": conf.public_url(request.path),
            "path": request.get_full_path(),
            "time_zone": conf.time_zone(),
            "body": data,
            "wire": None if data is None else _describe_wire(response, _write_json(data)),
            "next_page": _find_next_page(data),
            "first_page": _find_first_page(request),
            "problem": data if response.status_code >= HTTPStatus.BAD_REQUEST else None,
            "reason": find_reason_phrase(response.status_code),
            "request": request,
            "response": response,
            **(describe_more(view.page_part, response.shown) if isinstance(response, PageResponse) else {}),
        }


def _read_filters(request: Request, section: str | None) -> Mapping[str, Any]:
    page = section if section in ("corrections", "totals") else "timesheets"
    return read_filters(request.query_params, timezone.localdate(timezone=conf.time_zone()), page)


def _write_json(data: Any) -> str:
    return JSONRenderer().render(data, "application/json; indent=2").decode()


def _describe_wire(response: Response, content: str) -> dict[str, Any]:
    """The headers and the `content` that a program gets."""
    media_type = PROBLEM_MEDIA_TYPE if response.exception else "application/json"
    headers = [(name, value) for name, value in response.items() if name.lower() not in _PAGE_HEADERS]
    return {"headers": [("Content-Type", media_type), *headers], "content": content}


def _find_next_page(data: Any) -> str | None:
    """Return a link to the next page of a list, relative to the address in the browser."""
    next_url = data.get("next") if isinstance(data, Mapping) else None
    return f"?{urlsplit(next_url).query}" if next_url else None


def _find_first_page(request: Request) -> str:
    query = request.query_params.copy()
    query.pop("cursor", None)
    return f"?{query.urlencode()}"
