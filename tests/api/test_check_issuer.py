"""What `manage.py check_issuer` prints about an issuer, and that it agrees with the API."""

import io
import re
import time
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

import pytest
from django.core.management import call_command

from tests.kit.issuer import Issuer
from tests.kit.processes import REPOSITORY
from tests.kit.responders import Responder, close, content, delayed, document, redirect, reset
from tests.kit.servers import DevelopmentServer
from tests.kit.signing_keys import SigningKey
from timesheets import conf
from timesheets.trust.issuers import fetch_keys
from timesheets.trust.jwks import KeysUnavailable


@pytest.fixture
def issuer(fresh_issuer: Issuer) -> Issuer:
    """An issuer whose JWKS URL is configured."""
    fresh_issuer.headers = {"Date": write_http_date(), "Cache-Control": "max-age=300"}
    return fresh_issuer


@pytest.fixture
def discovered(issuer: Issuer, settings: Any) -> Issuer:
    """An issuer whose keys are found only by its metadata."""
    configure(settings, JWKS_URL="")
    return issuer


def configure(settings: Any, **changes: Any) -> None:
    settings.OAUTH = {**settings.OAUTH, **changes}


def write_http_date(seconds: float = 0) -> str:
    return formatdate(time.time() + seconds, usegmt=True)


@dataclass(frozen=True, kw_only=True)
class Checked:
    status: int
    text: str

    def find(self, subject: str) -> str:
        """The status, text and remedy of a finding."""
        found = re.search(rf"^(\S+ +{subject}.*: .*(?:\n {{9}}.*)?)$", self.text, re.MULTILINE)
        return re.sub(r"\s+", " ", found[1]) if found else ""


def check() -> Checked:
    out = io.StringIO()
    try:
        call_command("check_issuer", stdout=out)
    except SystemExit as ended:
        return Checked(status=int(str(ended.code)), text=out.getvalue())
    return Checked(status=0, text=out.getvalue())


def test_a_good_issuer_passes(issuer: Issuer) -> None:
    checked = check()

    *findings, verdict = checked.text.splitlines()
    subjects = ["issuer", "discovery", "name", "keys", 'key "first"', "cache", "clock"]
    assert checked.status == 0
    assert [line.split(":")[0] for line in findings] == [f"ok       {subject}" for subject in subjects]
    assert verdict == "The API can verify this issuer's tokens."


@pytest.fixture
def web_issuer(issuer: Issuer, settings: Any) -> Issuer:
    """An issuer at which people can sign in."""
    configure(settings, WEB_CLIENT_ID="pages", WEB_CLIENT_SECRET="not shown")
    endpoints = {name: f"{issuer.url}{name}" for name in ("authorization_endpoint", "token_endpoint")}
    issuer.metadata |= {**endpoints, "code_challenge_methods_supported": ["S256"]}
    return issuer


def test_the_web_client_is_checked_too(web_issuer: Issuer) -> None:
    checked = check()

    assert checked.status == 0
    for name in ("authorization_endpoint", "token_endpoint"):
        assert checked.find(name) == f"ok {name}: {web_issuer.url}{name}"
    assert checked.find("PKCE") == "ok PKCE: the issuer supports S256"
    assert checked.find("web client") == (
        "ok web client: pages, which requests resource=https://timesheets.example.com "
        "There, register exactly this redirect URI: https://timesheets.example.com/sign-in/callback"
    )
    assert "not shown" not in checked.text


@pytest.mark.parametrize(
    ("name", "value", "finding"),
    [
        ("authorization_endpoint", None, "FAILED authorization_endpoint: the issuer's metadata name no"),
        ("token_endpoint", "http://plain.example/", "FAILED token_endpoint: the issuer's metadata name no"),
        ("code_challenge_methods_supported", ["plain"], "FAILED PKCE: the metadata do not say"),
        ("code_challenge_methods_supported", None, "warning PKCE: the metadata do not say"),
    ],
)
def test_what_the_web_client_lacks_is_named(
    web_issuer: Issuer, name: str, value: object, finding: str
) -> None:
    web_issuer.metadata[name] = value

    checked = check()

    assert checked.status == (0 if finding.startswith("warning") else 78)
    assert checked.find("PKCE" if "PKCE" in finding else name).startswith(finding)


def test_people_need_the_metadata_even_if_the_keys_are_known(web_issuer: Issuer) -> None:
    for path in (web_issuer.openid_path, web_issuer.oauth_path):
        web_issuer.answers[path] = close

    assert check().status == 75


@pytest.mark.parametrize(
    ("answer", "expected", "status"),
    [
        (content(b"", 404), "answered 404", 78),
        (redirect("https://evil.example/\x1b[2J"), "The API follows no redirects", 78),
        (content(b"<html>"), "did not send JSON", 78),
        (document([]), "did not send a JSON object", 78),
        (document({"a": "x" * 70_000}), "sent more than 65536 bytes", 78),
        (content(b"", 503), "answered 503", 75),
        (content(b"", 429), "answered 429", 75),
        (close, "RemoteDisconnected", 75),
        (reset, "ConnectionResetError", 75),
    ],
)
def test_without_metadata_the_keys_cannot_be_found(
    discovered: Issuer, answer: Responder, expected: str, status: int
) -> None:
    discovered.answers = {discovered.openid_path: answer, discovered.oauth_path: answer}

    checked = check()

    assert checked.status == status
    assert checked.find("discovery").startswith("FAILED discovery: ")
    assert expected in checked.find("discovery")
    assert "evil" not in checked.text
    assert checked.find("keys") == ""


def test_metadata_are_not_needed_if_the_jwks_url_is_configured(issuer: Issuer) -> None:
    issuer.answers = {issuer.openid_path: content(b"", 404), issuer.oauth_path: content(b"", 404)}

    checked = check()

    assert checked.status == 0
    assert checked.find("discovery").startswith("warning discovery: ")
    assert "The API does not need it" in checked.find("discovery")


@pytest.mark.parametrize("jwks_url_is_configured", [True, False])
def test_an_issuer_of_other_name_fails(issuer: Issuer, settings: Any, jwks_url_is_configured: bool) -> None:
    issuer.metadata["issuer"] = issuer.url.rstrip("/")
    configure(settings, JWKS_URL=issuer.jwks_url if jwks_url_is_configured else "")

    checked = check()

    assert checked.status == 78
    assert checked.find("name").startswith("FAILED name: ")
    assert "Set OAUTH_ISSUER" in checked.find("name")
    # The API does not follow another issuer's metadata.
    assert bool(checked.find("keys")) is jwks_url_is_configured


@pytest.mark.parametrize(
    ("uri", "subject", "expected"),
    [
        (None, "jwks_uri", "Set OAUTH_JWKS_URL"),
        (7, "jwks_uri", "Set OAUTH_JWKS_URL"),
        ("http://issuer.example/jwks.json", "keys", "is not an https address"),
        ("https://[", "keys", "is not an https address"),
    ],
)
def test_metadata_without_a_good_uri_fail(
    discovered: Issuer, uri: object, subject: str, expected: str
) -> None:
    discovered.metadata["jwks_uri"] = uri

    checked = check()

    assert checked.status == 78
    assert expected in checked.find(subject)


@pytest.mark.parametrize("uri", ["https://issuer.example:x/\x1b[2J\nok  all", "http://\u202e\x07.example/"])
def test_a_url_from_the_metadata_is_escaped(discovered: Issuer, uri: str) -> None:
    discovered.metadata["jwks_uri"] = uri

    checked = check()

    assert checked.status == 78
    assert re.fullmatch(r"[ -~\n]*", checked.text)
    assert "\nok  all" not in checked.text


NOT_USED = "the API does not use it, because it"


@pytest.mark.parametrize(
    ("jwk", "expected"),
    [
        (
            SigningKey("enc").to_jwk(use="enc"),
            f'"enc": kty "RSA", use "enc": {NOT_USED} is not for signatures',
        ),
        (
            SigningKey("es", "ES256").to_jwk(),
            f'"es": kty "EC", crv "P-256", use "sig": {NOT_USED} is for none of RS256',
        ),
        (SigningKey("short", bits=1024).to_jwk(), f'"short": kty "RSA", use "sig": {NOT_USED} has 1024'),
        (SigningKey("private").to_private_jwk(), '"private": kty "RSA"'),
        ("no object", f"null: : {NOT_USED} is not a JSON object"),
        ({"kid": "a\x1b[2J\u202e"}, r'"a\u001b[2J\u202e"'),
    ],
    ids=["encryption", "other-algorithm", "short", "private", "no-object", "nasty"],
)
def test_an_unusable_key_is_a_warning(issuer: Issuer, jwk: Any, expected: str) -> None:
    issuer.publish(issuer.key.to_jwk(), jwk)

    checked = check()

    assert checked.status == 0
    assert f"warning key {expected}" in re.sub(r"\s+", " ", checked.text)
    assert re.fullmatch(r"[ -~\n]*", checked.text)


NONE_OF_THEM = "FAILED keys: the API can use none of them"
FIRST = SigningKey("first")
OTHER = SigningKey("first", pair="other")
CURVE = SigningKey("curve", algorithm="ES256")


# The answer as a whole, or the keys of its document.
KEYS: list[tuple[Responder | list[Any], str, int]] = [
    *((keys, "ok keys", 0) for keys in ([FIRST.to_jwk(alg=None, use=None)], [7, FIRST.to_jwk()])),
    *((keys, NONE_OF_THEM, 78) for keys in ([FIRST.to_jwk(), OTHER.to_jwk()], [], [CURVE.to_jwk()])),
    *((document({"keys": keys}), NONE_OF_THEM, 78) for keys in ("first", None)),
    (content(b"{"), "did not send JSON", 78),
    (content(b"", 404), "answered 404", 78),
    (content(b"", 500), "answered 500", 75),
    (close, "RemoteDisconnected", 75),
    (redirect("/"), "The API follows no redirects", 78),
]


@pytest.mark.parametrize(("answer", "expected", "status"), KEYS)
@pytest.mark.parametrize("is_configured", [True, False])
def test_it_agrees_with_the_api_about_the_keys(
    issuer: Issuer, settings: Any, answer: Any, expected: str, status: int, is_configured: bool
) -> None:
    issuer.answers[issuer.jwks_path] = document({"keys": answer}) if isinstance(answer, list) else answer
    configure(settings, JWKS_URL=issuer.jwks_url if is_configured else "")
    try:
        can_be_used = bool(fetch_keys(conf.issuer(), ["RS256"]))
    except KeysUnavailable:
        can_be_used = False

    checked = check()

    verb = "can" if can_be_used else "cannot"
    assert checked.text.splitlines()[-1] == f"The API {verb} verify this issuer's tokens."
    assert (checked.status, status == 0) == (status, can_be_used)
    assert expected in re.sub(r"\s+", " ", checked.text)


@pytest.mark.parametrize(
    ("ahead_seconds", "expected", "status"),
    [(20, "warning", 0), (-20, "warning", 0), (40, "FAILED", 78), (-40, "FAILED", 78)],
)
def test_the_clocks_are_compared(issuer: Issuer, ahead_seconds: float, expected: str, status: int) -> None:
    issuer.headers["Date"] = write_http_date(ahead_seconds)

    checked = check()

    assert checked.status == status
    assert checked.find("clock").startswith(f"{expected} clock: our clock is")
    assert ("behind" if ahead_seconds > 0 else "ahead of") in checked.find("clock")


def test_the_age_of_a_cached_response_is_added_to_its_date(issuer: Issuer) -> None:
    # One second ahead, so that a slow test still passes.
    issuer.headers |= {"Date": write_http_date(-3599), "Age": "3600"}

    assert check().find("clock") == "ok clock: our clock agrees with the issuer's"


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Foo 2024 00:00:00 GMT"])
def test_an_unknown_issuer_time_is_a_warning(issuer: Issuer, date: str) -> None:
    issuer.headers["Date"] = date

    checked = check()

    assert checked.status == 0
    assert checked.find("clock").startswith("warning clock: the issuer sends no time to compare")


@pytest.mark.parametrize(
    ("cache_control", "expected"),
    [
        ("public, max-age=300", "the API refreshes the keys after 0:05:00"),
        ("max-age=0", "the API refreshes the keys after 0:01:00"),
    ],
)
def test_the_cache_lifetime_is_printed(issuer: Issuer, cache_control: str, expected: str) -> None:
    issuer.headers["Cache-Control"] = cache_control

    assert expected in check().find("cache")


def test_metadata_and_keys_share_one_deadline(discovered: Issuer) -> None:
    discovered.answers[discovered.openid_path] = delayed(2, document(discovered.metadata))
    discovered.answers[discovered.jwks_path] = delayed(2, document({"keys": [discovered.key.to_jwk()]}))

    checked = check()

    assert checked.status == 75
    assert checked.find("keys").startswith("FAILED keys: ")


def normalize(printed: str) -> str:
    """Mask what differs between runs: times and the key's id."""
    return re.sub(r'key "[\w-]+"', 'key "..."', re.sub(r"\d+ ms", "... ms", printed))


def test_troubleshooting_shows_what_it_prints(server: DevelopmentServer) -> None:
    result = server.manage("check_issuer", DATABASE_URL="postgres://nobody@127.0.0.1:1/nowhere")

    [shown] = re.findall(
        r"^```console\n\$ python manage\.py check_issuer\n(.*?)^```",
        (REPOSITORY / "docs/troubleshooting.md").read_text(),
        re.MULTILINE | re.DOTALL,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert normalize(result.stdout.replace(f":{server.port}", ":8000")) == normalize(shown)
