"""What the views that read rows share: the scopes, and whose rows a request may read."""

from collections.abc import Sequence
from typing import cast

from rest_framework.request import Request
from rest_framework.views import APIView

from timesheets.permissions import READ_ALL_SCOPE, READ_SCOPE, may_read_all
from timesheets.storage.reach import Reach
from timesheets.trust.principals import MachineClient
from timesheets.trust.verified_tokens import VerifiedToken


class ReadingView(APIView):
    """Requires an access token with the scope `read:timesheets` or `read:all-timesheets`."""

    required_scopes = frozenset({READ_SCOPE})
    sufficient_scopes = frozenset({READ_ALL_SCOPE})


def reads_all(request: Request) -> bool:
    return may_read_all(cast("VerifiedToken", request.auth))


def read_reach(request: Request, client_ids: Sequence[str] = ()) -> Reach:
    """The caller's own rows; with `read:all-timesheets` every client's, or those of `client_ids`."""
    if reads_all(request):
        return Reach(own=None, client_ids=client_ids)
    return Reach(own=cast("MachineClient", request.user).key)
