"""How lists are filtered: by what people type, by state, and by time of receipt. Knows no list of values."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from timesheets import conf
from timesheets.formats.days import find_start_of_day
from timesheets.models import Timesheet
from timesheets.storage.rows import is_in_state
from timesheets.storage.verdicts import State


class DayField(forms.DateField):
    """A day on which an entry can be."""

    default_validators = [MinValueValidator(date(1900, 1, 1)), MaxValueValidator(date(2999, 12, 31))]
    input_formats = ["%Y-%m-%d"]
    widget = forms.DateInput(attrs={"type": "date"})


class EntryForm(forms.Form):
    """Selects the entries of one employee, or of some days, both of which count. Each field can be empty."""

    user_id = forms.CharField(label="Employee", required=False, max_length=64)
    first_day = DayField(label="From", required=False)
    last_day = DayField(label="To", required=False)

    def clean_last_day(self) -> date | None:
        first: date | None = self.cleaned_data.get("first_day")
        last: date | None = self.cleaned_data["last_day"]
        if first and last and last < first:
            raise forms.ValidationError("The last day is before the first.")
        return last

    def condition(self) -> Q:
        """What the entries have in common. The form must be valid."""
        condition, zone = Q(), conf.time_zone()
        if user_id := self.cleaned_data["user_id"]:
            condition &= Q(user_id=user_id)
        if first := self.cleaned_data["first_day"]:
            condition &= Q(date__gte=find_start_of_day(first.isoformat(), zone))
        if last := self.cleaned_data["last_day"]:
            condition &= Q(date__lt=find_start_of_day((last + timedelta(days=1)).isoformat(), zone))
        return condition


class EntryFilter(admin.ListFilter):
    """A form instead of a list of values, because there may be a hundred thousand employees."""

    title = "employee and date"
    template = "timesheets/admin/entry_filter.html"

    def __init__(
        self,
        request: HttpRequest,
        params: dict[str, list[str]],
        model: type[Model],
        model_admin: admin.ModelAdmin,  # type: ignore[type-arg]
    ) -> None:
        super().__init__(request, params, model, model_admin)
        given = {name: params.pop(name)[-1] for name in self.expected_parameters() if name in params}
        self.form = EntryForm(given, auto_id="filter_%s")

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(EntryForm.base_fields)

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        """The other parameters of the list, which the form sends, too."""
        for name, values in changelist.filter_params.items():
            if name not in EntryForm.base_fields:
                yield from ({"name": name, "value": value} for value in values)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Timesheet]) -> QuerySet[Timesheet]:
        """No entry, rather than every entry, if the form has an error."""
        return queryset.filter(self.form.condition()) if self.form.is_valid() else queryset.none()


class StateFilter(admin.SimpleListFilter):
    title = parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state.capitalize()) for state in State]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Timesheet]) -> QuerySet[Timesheet]:
        value = self.value()
        if value is None:
            return queryset
        return queryset.filter(is_in_state(State(value))) if value in set(State) else queryset.none()


class ReceivedFilter(admin.DateFieldListFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "time of receipt"
