from django.apps import AppConfig


class TimesheetsConfig(AppConfig):
    name = "timesheets"

    def ready(self) -> None:
        from timesheets import checks  # noqa: F401  Importing it registers the checks.
