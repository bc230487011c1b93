"""What the views that read rows share: the scopes, and whose rows a request may read."""

from collections.abc import Sequence
from typing import Any, cast

from django.http import Http404
from rest_framework.exceptions import NotAcceptable
from rest_framework.request import Request
from rest_framework.views import APIView

from timesheets import conf
from timesheets.permissions import READ_ALL_SCOPE, READ_SCOPE, may_read_all
from timesheets.renderers import has_page
from timesheets.storage.rows import Reach
from timesheets.trust.principals import MachineClient, VerifiedToken


class ReadingView(APIView):
    """Requires an access token with the scope `read:timesheets` or `read:all-timesheets`."""

    required_scopes = frozenset({READ_SCOPE})
    sufficient_scopes = frozenset({READ_ALL_SCOPE})

    def get_view_name(self) -> str:
        """The name, in which a placeholder has the value from the path."""
        return str(super().get_view_name()).format(**self.kwargs)


class PageView(ReadingView):
    """Has only a page, and only where people sign in. Programs read the address in `for_programs`."""

    for_programs: str

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if not conf.lets_browsers_sign_in():
            raise Http404
        if not has_page(request):
            raise NotAcceptable(
                f"This address has only a page for people. Programs read {self.for_programs}."
            )


def reads_all(request: Request) -> bool:
    return may_read_all(cast("VerifiedToken", request.auth))


def read_reach(request: Request, client_ids: Sequence[str] = ()) -> Reach:
    """The caller's own rows; with `read:all-timesheets` every client's, or those of `client_ids`."""
    if reads_all(request):
        return Reach(own=None, client_ids=client_ids)
    return Reach(own=cast("MachineClient", request.user).key)
