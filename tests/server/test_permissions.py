"""What HasScope accepts, and what it logs."""

import logging
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from tests.issuer import Issuer


class ViewOfTwoScopes(APIView):
    resource_path = "/timesheets/upload"
    required_scopes = frozenset({"batch:upload", "read:timesheets"})

    def get(self, request: Request) -> Response:
        return Response({})


class ViewWithoutScopes(ViewOfTwoScopes):
    required_scopes = frozenset()


def get(view: type[APIView], token: str | None) -> Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    response: Response = view.as_view()(APIRequestFactory().get("/", headers=headers))
    return response


@pytest.mark.parametrize("scope", ["batch:upload read:timesheets", "read:timesheets other batch:upload"])
def test_a_token_that_grants_all_scopes_is_accepted(issuer: Issuer, scope: str) -> None:
    response = get(ViewOfTwoScopes, issuer.mint(scope=scope))

    assert response.status_code == 200


@pytest.mark.parametrize("scope", ["batch:upload", "read:timesheets", "read:timesheets other", "other", ""])
def test_a_token_that_lacks_one_of_two_scopes_is_refused(issuer: Issuer, scope: str) -> None:
    response = get(ViewOfTwoScopes, issuer.mint(scope=scope))

    assert (response.status_code, response.data["code"]) == (403, "insufficient_scope")
    assert 'scope="batch:upload read:timesheets"' in response["WWW-Authenticate"]


@pytest.mark.parametrize("view", [ViewWithoutScopes, APIView])
def test_a_view_without_scopes_refuses_every_token(issuer: Issuer, view: type[APIView]) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"{view.__name__} must declare required_scopes"):
        get(view, issuer.mint())


@pytest.mark.parametrize(
    ("claims", "level", "line"),
    [
        pytest.param(
            {"scope": "batch:upload read:timesheets", "jti": "7"},
            logging.INFO,
            'outcome=accepted client="payroll" subject="payroll@clients" token_id="7"',
            id="accepted",
        ),
        pytest.param(
            {"scope": "batch:upload read:timesheets", "azp": None},
            logging.INFO,
            'outcome=accepted client="payroll@clients" subject="payroll@clients" token_id=null',
            id="sub-is-the-client",
        ),
        pytest.param(
            {"sub": None},
            logging.WARNING,
            'outcome=refused reason=insufficient_scope client="payroll" subject=null token_id=null',
            id="refused",
        ),
    ],
)
def test_each_decision_is_one_line_of_the_log(
    issuer: Issuer, caplog: pytest.LogCaptureFixture, claims: dict[str, Any], level: int, line: str
) -> None:
    with caplog.at_level(logging.INFO, "timesheets.permissions"):
        get(ViewOfTwoScopes, issuer.mint(**claims))

    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [(level, line)]


def test_a_caller_without_a_token_is_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    response = get(ViewOfTwoScopes, None)

    assert (response.status_code, response.data["code"]) == (401, "not_authenticated")
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, "outcome=refused reason=not_authenticated")
    ]
