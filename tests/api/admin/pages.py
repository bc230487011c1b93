"""A person who visits the pages of the admin, and what is on them."""

import csv
import io
import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

from django.test import Client

from tests.kit.django_client import ClientResponse

LIST = "/admin/timesheets/timesheet/"
UPLOADS = "/admin/timesheets/upload/"
PASSWORD = "a-long-password-of-tests"
DATE = datetime(2017, 5, 10, 22, tzinfo=UTC)


class Visitor:
    """A person with a browser that runs no scripts."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        # As a proxy adds it.
        self.browser = Client(headers={"X-Forwarded-For": address}, raise_request_exception=False)

    def sign_in(self, name: str, password: str = PASSWORD) -> ClientResponse:
        return self.post("/admin/login/?next=/admin/", username=name, password=password)

    def get(self, path: str, **query: Any) -> ClientResponse:
        return self.browser.get(path, query or None, follow=True)

    def post(self, path: str, **fields: Any) -> ClientResponse:
        return self.browser.post(path, fields, follow=True)

    def list_ids(self, query: str = "") -> list[int]:
        """Return the ids on a page of the list, in order."""
        return [
            int(found) for found in re.findall(rf'href="{LIST}(\d+)/change/', self.get(LIST + query).text)
        ]

    def find_link(self, title: str, query: str = "") -> str:
        """Return the query of a link on the list."""
        [link] = re.findall(rf'href="(\?[^"]*)"[^>]*>\s*{title}\s*<', self.get(LIST + query).text)
        return unescape(link)

    def export(self, query: str = "", **fields: Any) -> ClientResponse:
        return self.post(LIST + query, action="export_as_csv", **fields)


def read_csv(response: ClientResponse) -> list[list[str]]:
    return list(csv.reader(io.StringIO(response.getvalue().decode("utf-8-sig"), newline="")))


def read_cells(page: str, name: str) -> list[str]:
    """The texts of a column of a list."""
    return [unescape(text) for text in re.findall(rf'class="field-{name}[^"]*">(.*?)</td>', page)]


def read_history(page: str) -> list[str]:
    """The text of each revision in the history of an entry."""
    [table] = re.findall(r'<table class="entries">.*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    return [" ".join(unescape(re.sub("<[^>]*>", " ", row)).split()) for row in rows]
