"""What HasScope accepts, and what it logs."""

import logging

import pytest
from django.core.exceptions import ImproperlyConfigured
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from tests.kit.issuer import Issuer

pytestmark = pytest.mark.django_db


class ViewOfTwoScopes(APIView):
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
    assert get(ViewOfTwoScopes, issuer.mint(scope=scope)).status_code == 200


@pytest.mark.parametrize("scope", ["batch:upload", "read:timesheets", "read:timesheets other", "other", ""])
def test_a_token_that_lacks_one_of_two_scopes_is_refused(issuer: Issuer, scope: str) -> None:
    response = get(ViewOfTwoScopes, issuer.mint(scope=scope))

    assert (response.status_code, response.data["code"]) == (403, "insufficient_scope")
    assert 'scope="batch:upload read:timesheets"' in response["WWW-Authenticate"]


@pytest.mark.parametrize("view", [ViewWithoutScopes, APIView])
def test_a_view_without_scopes_refuses_every_token(issuer: Issuer, view: type[APIView]) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"{view.__name__} must declare required_scopes"):
        get(view, issuer.mint())


def test_a_refusal_is_one_line_of_the_log(issuer: Issuer, caplog: pytest.LogCaptureFixture) -> None:
    get(ViewOfTwoScopes, issuer.mint(sub=None, jti="7"))

    line = 'outcome=refused reason=insufficient_scope client="payroll" subject=null token_id="7"'
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [(logging.WARNING, line)]


def test_a_caller_without_a_token_is_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    response = get(ViewOfTwoScopes, None)

    assert (response.status_code, response.data["code"]) == (401, "not_authenticated")
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, "outcome=refused reason=not_authenticated")
    ]
