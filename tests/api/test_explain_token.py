"""What `manage.py explain_token` prints about a token, and that it agrees with the API."""

import io
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command

from tests.api.conftest import Upload
from tests.kit.issuer import Issuer
from tests.kit.processes import REPOSITORY, find_free_port, link_manage_py, make_environment, run_python
from tests.kit.servers import DevelopmentServer
from tests.kit.signing_keys import SigningKey
from timesheets.authentication import get_issuer_keys
from timesheets.diagnosis.token_steps import EXPLAINERS
from timesheets.trust.token_rules import RULES, Fault

Mint = Callable[[Issuer], str]
NOW = int(time.time())


@pytest.fixture
def issuer(settings: Any) -> Iterator[Issuer]:
    """An issuer that the API trusts, but whose keys it has not fetched yet."""
    get_issuer_keys.cache_clear()
    issuer = Issuer(audience=django_settings.OAUTH["AUDIENCE"])
    settings.OAUTH = {**settings.OAUTH, "ISSUER": issuer.url, "JWKS_URL": issuer.jwks_url}
    yield issuer
    issuer.stop()


@dataclass(frozen=True, kw_only=True)
class Explained:
    status: int
    text: str

    @property
    def answer(self) -> tuple[int, str]:
        """The status and code that the API would answer; 201 if it would accept the token."""
        found = re.search(r"^The API would answer (\d+) (\w+): ", self.text, re.MULTILINE)
        return (int(found[1]), found[2]) if found else (201, "")

    @property
    def rules_passed(self) -> list[str]:
        return re.findall(r"^ok       (.*)$", self.text, re.MULTILINE)

    def find(self, label: str) -> str:
        return "\n".join(re.findall(rf"^         {label}: (.*)$", self.text, re.MULTILINE))


def explain(pasted: str, scope: str | None = "batch:upload") -> Explained:
    out = io.StringIO()
    try:
        call_command("explain_token", stdin=io.StringIO(pasted), stdout=out, scope=scope)
    except SystemExit as ended:
        return Explained(status=int(str(ended.code)), text=out.getvalue())
    return Explained(status=0, text=out.getvalue())


def claims(**changes: Any) -> Mint:
    return lambda issuer: issuer.mint(**changes)


def header(**changes: Any) -> Mint:
    return lambda issuer: issuer.mint(header=changes)


def write_http_date(seconds: float) -> str:
    return formatdate(time.time() + seconds, usegmt=True)


def test_a_good_token_passes_every_rule(issuer: Issuer) -> None:
    explained = explain(issuer.mint())

    assert explained.status == 0
    assert explained.rules_passed == [
        "it fits in the Authorization header",
        "it is a signed JWT",
        *RULES,
        "it is signed with one of the issuer's keys",
        "it grants batch:upload",
    ]
    assert 'would accept it, as client "payroll", subject "payroll@clients".' in explained.text


def test_the_rules_after_the_broken_one_are_not_printed(issuer: Issuer) -> None:
    explained = explain(issuer.mint(iss="https://other.example/", aud="https://other"))

    assert explained.rules_passed[-1] == "it is an access token"
    assert "BROKEN   it comes from the trusted issuer (in the API's log: reason=issuer)" in explained.text
    assert "aud" not in explained.text


def test_every_fault_has_an_explanation() -> None:
    assert set(EXPLAINERS) == set(Fault) - {Fault.MALFORMED}


@pytest.mark.parametrize(
    ("mint", "holds", "to_do"),
    [
        pytest.param(
            lambda issuer: issuer.mint(iss=issuer.url.rstrip("/")),
            "it does not end with a slash, the expected one does",
            "set OAUTH_ISSUER to",
            id="issuer-without-its-slash",
        ),
        pytest.param(
            lambda issuer: issuer.mint(iss=f"{issuer.url}/"),
            "it ends with a slash, the expected one does not",
            "AUTH0_DOMAIN",
            id="issuer-with-another-slash",
        ),
        pytest.param(
            lambda issuer: issuer.mint(iss=issuer.url.replace("http:", "https:")),
            "it starts with https, the expected one with http",
            "set OAUTH_ISSUER to",
            id="issuer-with-another-scheme",
        ),
        pytest.param(
            claims(iss="https://other.eu.auth0.com/"),
            'iss "https://other.eu.auth0.com/"',
            "custom domain",
            id="issuer-of-another-tenant",
        ),
        pytest.param(claims(iss=None), "no iss", "OAUTH_ISSUER", id="no-issuer"),
        pytest.param(
            claims(aud="https://example.eu.auth0.com/userinfo"),
            'aud "https://example.eu.auth0.com/userinfo"',
            "/userinfo: it was requested without this API's audience",
            id="audience-userinfo",
        ),
        pytest.param(
            claims(aud="payroll"), 'aud "payroll"', "looks like an ID token", id="audience-is-the-client"
        ),
        pytest.param(
            claims(aud="Jf8aHr2mY3kD0qLw9sXz7vTn5bPc1eGu", azp=None),
            "aud",
            "looks like an ID token",
            id="audience-like-a-client-of-auth0",
        ),
        pytest.param(
            claims(aud="https://timesheets.example.com/"),
            "it ends with a slash, the expected one does not",
            "AUTH0_AUDIENCE",
            id="audience-with-a-slash",
        ),
        pytest.param(claims(aud=None), "no aud", "Request the token with the audience", id="no-audience"),
        pytest.param(
            lambda _: "opaque",
            "an opaque token, not a JWT; parts: 1, of 6 characters",
            "if the request names no audience",
            id="opaque",
        ),
        pytest.param(lambda _: "a.b.c.d.e", "an encrypted token", "turn off the encryption", id="encrypted"),
        pytest.param(lambda _: "v1.MAcbDefGhi", "a refresh token", "access_token", id="refresh-token"),
        pytest.param(
            lambda issuer: issuer.mint().rpartition(".")[0],
            "truncated, joined or modified token; parts: 2",
            "whole",
            id="cut",
        ),
        pytest.param(header(alg="HS256"), 'alg "HS256"', "Signing Algorithm: RS256", id="shared-secret"),
        pytest.param(
            header(alg="ES256"), 'alg "ES256"', "add ES256 to OAUTH_ALGORITHMS", id="other-algorithm"
        ),
        pytest.param(header(alg=["RS256"]), 'alg ["RS256"]', "Signing Algorithm", id="algorithm-list"),
        pytest.param(header(crit=["exp"]), '"crit"', "turn it off", id="crit"),
        pytest.param(header(typ="id+jwt"), 'typ "id+jwt"', "An ID token is for the client", id="id-token"),
        pytest.param(claims(exp=None), "iat ", "Have the issuer set them", id="no-exp"),
        pytest.param(
            claims(iat=0, exp=31 * 86400 + 2**32),
            "exp 49741 days 6 hours after iat",
            "Maximum Access Token Lifetime",
            id="lifetime",
        ),
        pytest.param(claims(nbf=NOW + 7200), "nbf 20", "NTP", id="not-before"),
        pytest.param(
            claims(iat=2**52), "iat 4503599627370496 seconds after 1970", "NTP", id="time-of-no-calendar"
        ),
        pytest.param(claims(azp=None, sub=None), "no client_id, azp or sub", "azp (Auth0)", id="no-client"),
        pytest.param(claims(client_id="other"), 'client_id "other", azp "payroll"', "", id="two-clients"),
        pytest.param(claims(cnf={"jkt": "x"}), 'cnf {"jkt": "x"}', "without a DPoP header", id="bound"),
        pytest.param(header(kid="gone"), 'kid "gone", alg "RS256"', "get a new token", id="unknown-key"),
        pytest.param(
            lambda issuer: issuer.mint(key=SigningKey("first", pair="strangers")),
            'a signature that the key "first" did not make',
            "in the issuer's name",
            id="strangers-signature",
        ),
        pytest.param(
            claims(scope="read:timesheets"),
            '"read:timesheets" in scope and scp',
            'Machine to Machine Applications > "payroll": tick batch:upload',
            id="other-scope",
        ),
        pytest.param(
            claims(scope=" read:timesheets  other "),
            '"other read:timesheets" in scope and scp',
            "tick batch:upload",
            id="scopes-with-blanks",
        ),
        pytest.param(
            claims(scope=None), '"" in scope and scp', "set OAUTH_SCOPE=batch:upload", id="no-scope"
        ),
        pytest.param(
            claims(scope=None, permissions=["batch:upload"]),
            '"" in scope and scp',
            "set OAUTH_SCOPE_CLAIMS=scope,scp,permissions",
            id="scope-among-permissions",
        ),
    ],
)
def test_a_broken_rule_is_explained_with_a_remedy(issuer: Issuer, mint: Mint, holds: str, to_do: str) -> None:
    explained = explain(mint(issuer))

    assert explained.status == 65
    assert holds in explained.find("holds")
    assert explained.find("expected")
    assert to_do in explained.find("to do")


def test_the_time_since_a_token_expired_is_printed(issuer: Issuer) -> None:
    # One second ahead, so that a slow test still passes.
    issuer.headers = {"Date": write_http_date(1)}

    explained = explain(issuer.mint(iat=time.time() - 20_000, exp=time.time() - 11_100))

    assert "it expired 3 hours 5 minutes ago" in explained.find("holds")
    assert explained.find("clock") == "our clock agrees with the issuer's"


@pytest.mark.parametrize(
    ("ahead_seconds", "expected"),
    [
        pytest.param(
            600, r"our clock is (10 minutes|9 minutes 5\d seconds) behind the issuer's", id="behind"
        ),
        pytest.param(
            -600, r"our clock is (10 minutes|9 minutes 5\d seconds) ahead of the issuer's", id="ahead"
        ),
        pytest.param(None, "the issuer sends no time to compare our clock with", id="issuer-says-no-time"),
    ],
)
def test_a_token_from_the_future_is_compared_with_the_issuers_clock(
    issuer: Issuer, ahead_seconds: float | None, expected: str
) -> None:
    issuer.headers = {} if ahead_seconds is None else {"Date": write_http_date(ahead_seconds)}

    explained = explain(issuer.mint(iat=time.time() + 600, exp=time.time() + 4200))

    assert re.search(r"iat .* UTC: it becomes valid in (10 minutes|9 minutes)", explained.find("holds"))
    assert re.fullmatch(expected, explained.find("clock"))


def test_the_issuers_keys_are_printed_for_an_unknown_key(issuer: Issuer) -> None:
    issuer.publish(issuer.key.to_jwk(), SigningKey("encryption").to_jwk(use="enc"))

    facts = explain(issuer.mint(header={"kid": "gone"})).find("issuer")

    assert 'key "first": RSA 2048 bits, use "sig": the API uses it for RS256' in facts
    assert 'key "encryption": RSA 2048 bits, use "enc": the API does not use it' in facts


def test_a_users_permissions_are_explained(issuer: Issuer, settings: Any) -> None:
    settings.OAUTH = {**settings.OAUTH, "SCOPE_CLAIMS": ["scope", "permissions"]}

    explained = explain(issuer.mint(scope="openid", sub="auth0|7", gty=None, permissions=["batch:upload"]))

    assert explained.answer == (403, "insufficient_scope")
    assert "they are a user's" in explained.find("to do")


@pytest.mark.parametrize(
    ("granted", "judged", "status", "last_rule"),
    [
        ("read:timesheets", None, 0, "it grants read:timesheets"),
        ("batch:upload read:timesheets", None, 0, "it grants batch:upload read:timesheets"),
        ("openid", None, 65, "it is signed with one of the issuer's keys"),
        ("read:timesheets", "read:timesheets", 0, "it grants read:timesheets"),
        ("read:timesheets", "batch:upload", 65, "it is signed with one of the issuer's keys"),
        (
            "batch:upload",
            "batch:upload correct:timesheets",
            65,
            "it is signed with one of the issuer's keys",
        ),
    ],
)
def test_the_scopes_to_judge_can_be_named_and_otherwise_one_is_enough(
    issuer: Issuer, granted: str, judged: str | None, status: int, last_rule: str
) -> None:
    explained = explain(issuer.mint(scope=granted), judged)

    assert (explained.status, explained.rules_passed[-1]) == (status, last_rule)
    assert ("BROKEN" in explained.text) == (status == 65)


def test_the_scopes_that_a_good_token_lacks_are_named(issuer: Issuer) -> None:
    explained = explain(issuer.mint(scope="read:timesheets"), None)

    assert re.findall("^note     (.*)$", explained.text, re.MULTILINE) == [
        "it does not grant batch:upload: what needs that gets 403",
        "it does not grant correct:timesheets: what needs that gets 403",
    ]


def test_the_profile_of_rfc_9068_is_explained(issuer: Issuer, settings: Any) -> None:
    settings.OAUTH = {**settings.OAUTH, "TOKEN_PROFILE": "rfc9068"}

    explained = explain(issuer.mint())

    assert explained.find("expected") == "at+jwt: OAUTH_TOKEN_PROFILE is rfc9068"
    assert "Profile: RFC 9068" in explained.find("to do")


def test_the_signature_is_unknown_without_the_issuers_keys(issuer: Issuer) -> None:
    token = issuer.mint()
    issuer.stop()

    explained = explain(token)

    issuer.start()
    assert (explained.status, explained.answer) == (75, (503, "issuer_unavailable"))
    assert "UNKNOWN  it is signed with one of the issuer's keys" in explained.text
    assert "Is the development server running? manage.py runserver" in explained.find("issuer")


@pytest.mark.parametrize(
    ("template", "note"),
    [
        pytest.param("{token}\n", None, id="alone"),
        pytest.param("{token}\r\n", None, id="line-of-windows"),
        pytest.param("  {token}\n\n", "white space around the token", id="white-space"),
        pytest.param("Bearer {token}", '"Authorization: Bearer" around the token', id="scheme"),
        pytest.param("authorization:bearer {token}", '"Authorization: Bearer" around the token', id="header"),
        pytest.param("'Authorization: Bearer {token}'", "quotes around the token", id="quoted-header"),
        pytest.param('"{token}"', "quotes around the token", id="quoted"),
        pytest.param('Bearer "{token}"', "quotes around the token", id="quoted-in-the-header"),
        pytest.param("\ufeff{token}\r\n", None, id="byte-order-mark"),
        pytest.param('{{"access_token": "{token}", "expires_in": 1}}', "used only access_token", id="answer"),
    ],
)
def test_text_around_a_token_is_ignored_with_a_note(issuer: Issuer, template: str, note: str | None) -> None:
    explained = explain(template.format(token=issuer.mint()))

    assert explained.status == 0
    notes = re.findall("^note     (.*)$", explained.text, re.MULTILINE)
    assert any(note in line for line in notes) if note else not notes


@pytest.mark.parametrize("pasted", ["", " \n", "Bearer \n", '""', "Authorization: ", '{"access_token": ""}'])
def test_no_token_is_wrong_usage(pasted: str) -> None:
    with pytest.raises(CommandError, match="There is no access token on standard input") as raised:
        explain(pasted)

    assert raised.value.returncode == 2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_it_prompts_on_a_terminal(issuer: Issuer) -> None:
    err = io.StringIO()

    call_command("explain_token", stdin=Terminal(issuer.mint()), stdout=io.StringIO(), stderr=err)

    assert err.getvalue().startswith("Waiting for an access token")


def test_an_interrupted_wait_ends_without_a_traceback() -> None:
    class Interrupted(io.StringIO):
        def read(self, *_: Any) -> str:
            raise KeyboardInterrupt

    with pytest.raises(SystemExit) as raised:
        call_command("explain_token", stdin=Interrupted())

    assert raised.value.code == 130


NASTY = "\x1b]0;owned\x07\x9b31m\u202e\x7f\u2028" + "x" * 5000


@pytest.mark.parametrize(
    "mint",
    [
        pytest.param(claims(iss=NASTY), id="iss"),
        pytest.param(claims(aud=[NASTY]), id="aud"),
        pytest.param(claims(exp=NASTY), id="exp"),
        pytest.param(claims(azp=NASTY), id="azp"),
        pytest.param(claims(cnf={NASTY: 1}), id="cnf"),
        pytest.param(claims(scope=NASTY), id="scope"),
        pytest.param(header(alg=NASTY), id="alg"),
        pytest.param(header(typ=NASTY), id="typ"),
        pytest.param(header(kid=NASTY), id="kid"),
        pytest.param(header(**{"crit": 1, NASTY: 1}), id="header"),
        pytest.param(lambda _: NASTY, id="all"),
        pytest.param(lambda _: "a.b\x1b[2Jc", id="text"),
    ],
)
def test_text_from_a_token_is_escaped(issuer: Issuer, mint: Mint) -> None:
    explained = explain(mint(issuer))

    assert explained.status == 65
    assert re.fullmatch(r"[ -~\n]*", explained.text)
    assert max(len(line) for line in explained.text.splitlines()) < 300


@pytest.mark.parametrize(
    "mint",
    [
        pytest.param(claims(), id="good"),
        pytest.param(claims(aud="https://other"), id="refused"),
        pytest.param(lambda issuer: issuer.mint().replace(".", " "), id="malformed"),
        pytest.param(lambda issuer: issuer.mint().replace(".", ""), id="opaque"),
    ],
)
def test_the_token_is_never_printed(issuer: Issuer, mint: Mint, capfd: pytest.CaptureFixture[str]) -> None:
    token = mint(issuer)

    explained = explain(token)

    written = explained.text + "".join(capfd.readouterr())
    assert not any(
        part[start : start + 12] in written for part in re.split(r"[. ]", token) for start in (0, 40)
    )


GOOD_AND_BAD: dict[str, Mint] = {
    "good": claims(),
    "rfc-9068": lambda issuer: issuer.mint(header={"typ": "at+jwt"}, client_id="payroll", jti="1"),
    "no-kid": header(kid=None),
    "expired-within-the-leeway": claims(exp=time.time() - 20),
    "expired": claims(iat=1, exp=2),
    "future": claims(nbf=time.time() + 3600),
    "other-issuer": claims(iss="https://other.example/"),
    "other-audience": claims(aud="https://other"),
    "lives-long": claims(exp=time.time() + 31 * 86400),
    "no-client": claims(azp=None, sub=None),
    "bound": claims(cnf={}),
    "alg-none": header(alg="none"),
    "unknown-key": header(kid="gone"),
    "strangers-signature": lambda issuer: issuer.mint(key=SigningKey("first", pair="strangers")),
    "other-scope": claims(scope="read:timesheets"),
    "scp": claims(scope=None, scp=["batch:upload"]),
    "permissions": claims(scope=None, permissions=["batch:upload"]),
    "opaque": lambda _: "opaque",
    "encrypted": lambda _: "a.b.c.d.e",
    "padded": lambda issuer: f"{issuer.mint()}=",
    "wrapped": lambda issuer: f"{issuer.mint()[:60]}\n{issuer.mint()[60:]}",
    "not-ascii": lambda _: "t\u00f6ken",
    "over-8000-characters": lambda _: "a" * 8001,
    "deep": lambda issuer: issuer.sign(b'{"alg":"RS256"}', b"[" * 4000),
    "repeated-member": lambda issuer: issuer.sign(b'{"alg":"RS256","alg":"RS256"}', b"{}"),
}


@pytest.mark.parametrize("mint", [pytest.param(mint, id=name) for name, mint in GOOD_AND_BAD.items()])
def test_it_agrees_with_the_api(upload: Upload, issuer: Issuer, mint: Mint) -> None:
    token = mint(issuer)

    explained, response = explain(token), upload(token=token)

    assert explained.answer == (response.status_code, response.json().get("code", ""))
    assert (explained.status == 0) == (response.status_code == 201)


ODD_VALUES = ["", " ", "a\x00b", 0, -1, 2**53, 1e308, True, [], [[]], {}, {"a": [1]}, ["batch:upload", 1]]


@pytest.mark.parametrize(
    "name",
    [
        "iss",
        "aud",
        "exp",
        "iat",
        "nbf",
        "azp",
        "client_id",
        "sub",
        "jti",
        "cnf",
        "scope",
        "scp",
        "permissions",
    ],
)
def test_it_agrees_with_the_api_on_odd_claims(upload: Upload, issuer: Issuer, name: str) -> None:
    tokens = [issuer.mint(**dict[str, Any]({name: value})) for value in ODD_VALUES]

    answers = [explain(token).answer for token in tokens]

    responses = [upload(token=token) for token in tokens]
    assert answers == [(answer.status_code, answer.json().get("code", "")) for answer in responses]


@pytest.mark.parametrize("name", ["alg", "typ", "kid", "crit", "jku"])
def test_it_agrees_with_the_api_on_odd_headers(upload: Upload, issuer: Issuer, name: str) -> None:
    tokens = [issuer.mint(header={name: value}) for value in ODD_VALUES]

    answers = [explain(token).answer for token in tokens]

    responses = [upload(token=token) for token in tokens]
    assert answers == [(answer.status_code, answer.json().get("code", "")) for answer in responses]


def test_it_agrees_with_the_api_on_an_outage(upload: Upload, issuer: Issuer) -> None:
    issuer.stop()
    token = issuer.mint()

    explained, response = explain(token), upload(token=token)

    issuer.start()
    assert explained.answer == (response.status_code, response.json()["code"]) == (503, "issuer_unavailable")


@pytest.mark.parametrize(("verbosity", "lines"), [(1, 0), (2, 1)])
def test_the_apis_log_lines_are_shown_on_request(
    issuer: Issuer, caplog: pytest.LogCaptureFixture, verbosity: int, lines: int
) -> None:
    with pytest.raises(SystemExit):
        call_command(
            "explain_token",
            stdin=io.StringIO(issuer.mint(aud="https://other")),
            stdout=io.StringIO(),
            verbosity=verbosity,
        )

    assert [record.name for record in caplog.records] == ["timesheets.authentication"] * lines


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevelopmentServer]:
    server = DevelopmentServer(tmp_path_factory.mktemp("server"))
    yield server
    server.close()


def manage(folder: Path, *arguments: str, pasted: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a management command with `pasted` on its standard input."""
    return subprocess.run(
        [sys.executable, link_manage_py(folder), *arguments],
        env=make_environment(**variables),
        cwd=folder,
        input=pasted,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_troubleshooting_shows_what_it_prints(server: DevelopmentServer, tmp_path: Path) -> None:
    result = manage(
        tmp_path,
        "explain_token",
        pasted=server.get_token(),
        AUTH0_DOMAIN="example.eu.auth0.com",
        AUTH0_AUDIENCE="https://timesheets.example.com",
    )

    [shown] = re.findall(
        r"^```console\n\$ python manage\.py explain_token < token\.txt\n(.*?)^```",
        (REPOSITORY / "docs/troubleshooting.md").read_text(),
        re.MULTILINE | re.DOTALL,
    )
    assert (result.returncode, result.stderr) == (65, "")
    assert result.stdout.replace(server.url, "http://127.0.0.1:8000") == shown


def test_a_token_of_the_development_issuer_is_accepted(server: DevelopmentServer, tmp_path: Path) -> None:
    result = manage(
        tmp_path, "explain_token", pasted=server.get_token(), TIMESHEETS_DEV_PORT=str(server.port)
    )

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[-2] == (
        'The API would accept it, as client "payroll", subject "payroll@clients".'
    )


def test_it_asks_whether_the_development_server_is_running(server: DevelopmentServer, tmp_path: Path) -> None:
    port = find_free_port()
    token = server.get_token()

    result = manage(
        tmp_path,
        "explain_token",
        pasted=token,
        OAUTH_ISSUER=f"{server.url}/",
        OAUTH_JWKS_URL=f"http://127.0.0.1:{port}/jwks.json",
        AUTH0_AUDIENCE="https://timesheets.example.com",
    )

    assert result.returncode == 75
    assert f"Is the development server running? manage.py runserver {port}" in result.stdout


def test_a_token_needs_no_database(server: DevelopmentServer, tmp_path: Path) -> None:
    result = manage(
        tmp_path,
        "explain_token",
        pasted=server.get_token(),
        DATABASE_URL="postgres://nobody@127.0.0.1:1/nowhere",
        TIMESHEETS_DEV_PORT=str(server.port),
    )

    assert (result.returncode, result.stderr) == (0, "")


def test_refused_settings_are_reported(tmp_path: Path) -> None:
    result = manage(
        tmp_path,
        "explain_token",
        pasted="token",
        OAUTH_ISSUER="http://issuer.example/",
        AUTH0_AUDIENCE="https://timesheets.example.com",
        TIMESHEETS_DEV_PORT=str(find_free_port()),
    )

    assert result.returncode == 1
    assert "OAUTH_ISSUER is not an https address" in result.stderr


def test_the_help_names_each_exit_status(tmp_path: Path) -> None:
    help_text = run_python(link_manage_py(tmp_path), "explain_token", "--help").stdout

    assert re.findall(r"^  (\d+) +\w", help_text, re.MULTILINE) == ["0", "1", "2", "65", "75", "78", "130"]
