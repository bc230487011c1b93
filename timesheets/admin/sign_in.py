"""The admin's sign-in, which slows down those who guess passwords."""

import json
import logging
from collections.abc import Sequence
from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError

from timesheets.addresses import find_address, find_network
from timesheets.storage.rate_limits import Kind, Rate, forget_expired, give_back, use

logger = logging.getLogger(__name__)

# How often a person may fail to sign in from an address, and from there with one name. Nobody far away can
# lock a person out. The first limit is for those who try one password with many names.
_RATES = (Rate(count=50, seconds=15 * 60), Rate(count=10, seconds=15 * 60))


class SignInForm(AdminAuthenticationForm):
    """Django's form, which also limits and logs failed attempts, without the input: it may be a password."""

    def clean(self) -> dict[str, Any]:
        """Count the attempt before the password is checked, or attempts at the same time would be free."""
        address = find_address(self.request) if self.request else ""
        network = find_network(address)
        names = [(network,), (network, self.cleaned_data.get("username", ""))]
        forget_expired()
        for position, (name, rate) in enumerate(zip(names, _RATES, strict=True)):
            if use(Kind.ADMIN_SIGN_IN, name, rate):
                _uncount(names[:position])
                _log_refusal("admin_sign_in_limit", address)
                raise ValidationError("Too many failed attempts from your address. Try again in 15 minutes.")
        try:
            cleaned = super().clean()
        except ValidationError:
            _log_refusal("admin_sign_in", address)
            raise
        _uncount(names)
        return cleaned


def _uncount(names: Sequence[tuple[str, ...]]) -> None:
    for name in names:
        give_back(Kind.ADMIN_SIGN_IN, name)


def _log_refusal(reason: str, address: str) -> None:
    logger.warning("outcome=refused reason=%s address=%s", reason, json.dumps(address))
