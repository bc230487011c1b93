"""What lists accept from an address or a form: the look-ups that lists and links use, ten words, and ids."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.exceptions import SuspiciousOperation
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.text import smart_split

MAX_WORDS = 10

ID = re.compile(r"\d{1,18}", re.ASCII)
FLAG = re.compile(r"[01]|True")
MOMENT = re.compile(r"[12]\d{3}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d", re.ASCII)
# For filters that check their values themselves.
ANY = re.compile(r".*", re.DOTALL)


class List(ChangeList):
    """A list in its own order, whatever the address says, because no other order has an index."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        self.params.pop(ORDER_VAR, None)
        return list(super().get_ordering(request, queryset))


# django-stubs makes ModelAdmin generic. Django does not.
class ListAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Refuses what Django lets everybody who may see a list ask: any look-up, which may run for hours."""

    sortable_by = ()
    # The look-ups that links and filters use, with the form of their values.
    lookups: ClassVar[Mapping[str, re.Pattern[str]]] = {}

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        pattern = self.lookups.get(lookup)
        if pattern is None or not pattern.fullmatch(value):
            return False
        # Repeated values are alternatives, and a thousand of them too many for SQLite.
        return request is None or len(request.GET.getlist(lookup)) == 1

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:
        return List

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """No row, rather than every row, if there are more words than the database should compare."""
        if sum(1 for _ in smart_split(search_term)) > MAX_WORDS:
            messages.error(request, f"Nothing is listed. Search for at most {MAX_WORDS} words.")
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def response_action(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse | None:
        if not all(map(ID.fullmatch, request.POST.getlist(ACTION_CHECKBOX_NAME))):
            raise SuspiciousOperation("A selected row has no id.")
        return super().response_action(request, *args, **kwargs)
