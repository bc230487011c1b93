"""Render the API as pages for people: DRF's browsable API with the project's own templates."""

import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from itertools import accumulate
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.html import escape
from django.utils.text import Truncator
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from timesheets import conf
from timesheets.browser.details import describe_more
from timesheets.browser.filters import read_filters
from timesheets.browser.sessions import find_person, find_signed_in_token
from timesheets.exceptions import PROBLEM_MEDIA_TYPE
from timesheets.permissions import UPLOAD_SCOPE, may_read, may_read_all
from timesheets.renderers import PageResponse
from timesheets.storage.clients import Names, list_names
from timesheets.storage.rows import Reach
from timesheets.trust.principals import ClientKey

# What programs read in other places.
_ONLY_PAGES = {"landing", "clients", "corrections", "week"}
# Of a body, in characters, so that a page stays below 100 kB.
_MAX_SHOWN = 4_000
_MAX_AGE_SECONDS = 60
# Of the names of a field, with an element around each. The limit keeps a page below 100 kB.
_MAX_BYTES, _ELEMENT_BYTES = 11_000, 20


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
        shown = response.shown if isinstance(response, PageResponse) else None
        visitor = describe_visitor(request._request)  # noqa: SLF001  DRF has no public name for it.
        page = visitor["section"] if visitor["section"] in ("corrections", "totals") else "timesheets"
        first_page = request.query_params.copy()
        first_page.pop("cursor", None)
        return {
            **visitor,
            "page_part": getattr(view, "page_part", None),
            "page_script": getattr(view, "page_script", None),
            "filters": SimpleLazyObject(
                lambda: read_filters(
                    request.query_params, timezone.localdate(timezone=conf.time_zone()), page
                )
            ),
            "suggested": SimpleLazyObject(lambda: _suggest_names((shown or {}).get("reach"))),
            "title": view.get_view_name(),
            "address": conf.public_url(request.path),
            "path": request.get_full_path(),
            "time_zone": conf.time_zone(),
            "body": data,
            "asked": (shown or {}).get("asked", request.get_full_path()),
            "wire": None
            if data is None or visitor["section"] in _ONLY_PAGES
            else _describe_wire(response, data),
            "next_page": _find_next_page(data),
            "first_page": f"?{first_page.urlencode()}",
            "problem": data if response.status_code >= HTTPStatus.BAD_REQUEST else None,
            "request": request,
            "response": response,
            **({} if shown is None else describe_more(view.page_part, shown)),
        }


def _describe_wire(response: Response, data: Any) -> dict[str, Any] | None:
    """The headers and the body that a program gets."""
    if data is None:
        return None
    media_type = PROBLEM_MEDIA_TYPE if response.exception else "application/json"
    headers = {**dict(response.items()), "Content-Type": media_type}
    headers.pop("Vary", None)
    body = JSONRenderer().render(data, "application/json; indent=2").decode()
    return {"headers": headers.items(), "body": Truncator(body).chars(_MAX_SHOWN)}


def _find_next_page(data: Any) -> str | None:
    """Return a link to the next page of a list, relative to the address in the browser."""
    next_url = data.get("next") if isinstance(data, Mapping) else None
    return f"?{urlsplit(next_url).query}" if next_url else None


def _suggest_names(reach: Reach | None) -> Names:
    """Names for the fields of a form: those that were used last, a minute ago at most, in order."""
    return _read_names(reach.own, int(time.monotonic() / _MAX_AGE_SECONDS)) if reach else Names()


@lru_cache(maxsize=128)
def _read_names(own: ClientKey | None, _period: int) -> Names:
    return Names(*(sorted(_fit(names), key=str.casefold) for names in list_names(Reach(own=own))))


def _fit(names: Sequence[str]) -> list[str]:
    sizes = accumulate(len(escape(name).encode()) + _ELEMENT_BYTES for name in names)
    return [name for name, size in zip(names, sizes, strict=True) if size <= _MAX_BYTES]
