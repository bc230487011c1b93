"""What `manage.py explain_token` prints about a token, and that it agrees with the API."""

import io
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.api.conftest import Upload
from tests.kit.issuer import Issuer
from tests.kit.processes import REPOSITORY, link_manage_py, make_environment
from tests.kit.servers import DevelopmentServer
from tests.kit.signing_keys import SigningKey
from timesheets.diagnosis.tokens import EXPLANATIONS, RULES
from timesheets.trust.token_rules import Fault

Mint = Callable[[Issuer], str]
NOW = int(time.time())
SIGNATURE = "it is signed by a key of the issuer"


@pytest.fixture
def issuer(fresh_issuer: Issuer) -> Issuer:
    return fresh_issuer


def configure(settings: Any, **changes: Any) -> None:
    settings.OAUTH = {**settings.OAUTH, **changes}


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


def changed(change: Callable[[str], str]) -> Mint:
    return lambda issuer: change(issuer.mint())


def test_a_good_token_passes_every_rule(issuer: Issuer) -> None:
    explained = explain(issuer.mint())

    assert explained.status == 0
    assert explained.rules_passed == [rule.text.format(scope="batch:upload") for rule in RULES]
    assert 'would accept it, as client "payroll", subject "payroll@clients".' in explained.text


def test_the_rules_after_the_broken_one_are_not_printed(issuer: Issuer) -> None:
    explained = explain(issuer.mint(iss="https://other.example/", aud="https://other"))

    assert explained.rules_passed[-1] == "it is an access token"
    assert "BROKEN   it comes from the trusted issuer (in the API's log: reason=issuer)" in explained.text
    assert "aud" not in explained.text


def test_every_fault_has_a_rule_and_an_explanation() -> None:
    faults = [fault for rule in RULES for fault in rule.faults]

    assert {*faults} == EXPLANATIONS.keys() >= {*Fault}
    assert len(faults) == len({*faults})


# By name: a refused token, what it holds, and what to do.
REFUSED: dict[str, tuple[Mint, str, str]] = {
    "over-8000-characters": (lambda _: "a" * 8001, "of 8001 characters", "Get a new token"),
    "wrapped": (changed(lambda token: f"{token[:60]}\n{token[60:]}"), "was it wrapped?", "Get a new token"),
    "not-ascii": (lambda _: "t\u00f6ken", "an opaque token", "Get a new token"),
    "opaque": (lambda _: "opaque", "an opaque token, not a JWT; parts: 1, of 6 characters", "no audience"),
    "encrypted": (lambda _: "a.b.c.d.e", "an encrypted token", "turn off the encryption"),
    "cut": (changed(lambda token: token.rpartition(".")[0]), "truncated, joined or modified", "whole"),
    "padded": (changed(lambda token: f"{token}="), "parts: 3", "whole"),
    "deep": (lambda issuer: issuer.sign(b'{"alg":"RS256"}', b"[" * 4000), "parts: 3", "whole"),
    "repeated": (lambda issuer: issuer.sign(b'{"alg":"RS256","alg":"RS256"}', b"{}"), "parts: 3", "whole"),
    "shared-secret": (header(alg="HS256"), 'alg "HS256"', "Signing Algorithm: RS256"),
    "other-algorithm": (header(alg="ES256"), 'alg "ES256"', "add it to OAUTH_ALGORITHMS"),
    "algorithm-list": (header(alg=["RS256"]), 'alg ["RS256"]', "Signing Algorithm"),
    "crit": (header(crit=["exp"]), 'crit ["exp"]', "turn it off"),
    "id-token": (header(typ="id+jwt"), 'typ "id+jwt"', "An ID token is for the client"),
    "no-slash": (lambda issuer: issuer.mint(iss=issuer.url.rstrip("/")), 'iss "http', "every byte counts"),
    "issuer": (claims(iss="https://other.eu.auth0.com/"), 'iss "https://other.eu.auth0', "custom domain"),
    "no-issuer": (claims(iss=None), "no iss", "OAUTH_ISSUER"),
    "userinfo": (claims(aud="https://x.example/userinfo"), 'aud "https://x.example/userinfo"', "/userinfo"),
    "audience-is-the-client": (claims(aud="payroll"), 'aud "payroll"', "looks like an ID token"),
    "no-audience": (claims(aud=None), "no aud", 'with the audience "https://timesheets.example.com"'),
    "no-exp": (claims(exp=None), "iat 20", "Have the issuer set them"),
    "lifetime": (claims(iat=NOW - 31 * 86400, exp=NOW + 7200), "iat 20", "Maximum Access Token Lifetime"),
    "not-before": (claims(nbf=NOW + 7200), "nbf 20", "NTP"),
    "no-calendar": (claims(iat=2**52), "iat 4503599627370496, exp 20", "NTP"),
    "no-client": (claims(azp=None, sub=None), "no client_id, azp, sub, jti", "azp (Auth0)"),
    "two-clients": (claims(client_id="other"), 'client_id "other", azp "payroll"', "name the client"),
    "bound": (claims(cnf={"jkt": "x"}), 'cnf {"jkt": "x"}', "without a DPoP header"),
    "unknown-key": (header(kid="gone"), 'kid "gone", alg "RS256"', "get a new token"),
    "signature": (
        lambda issuer: issuer.mint(key=SigningKey("first", pair="strangers")),
        'kid "first"',
        "Get a new token",
    ),
    "scope": (
        claims(scope="read:timesheets"),
        'scope "read:timesheets"',
        'Machine to Machine Applications > "payroll": tick batch:upload',
    ),
    "no-scope": (claims(scope=None), "no scope, scp, permissions", "set OAUTH_SCOPE=batch:upload"),
    "permissions": (
        claims(scope=None, permissions=["batch:upload"]),
        'permissions ["batch:upload"]',
        "set OAUTH_SCOPE_CLAIMS=scope,scp,permissions",
    ),
}


@pytest.mark.parametrize(
    ("mint", "holds", "to_do"), [pytest.param(*case, id=name) for name, case in REFUSED.items()]
)
def test_a_refused_token_is_explained_with_a_remedy(
    upload: Upload, issuer: Issuer, mint: Mint, holds: str, to_do: str
) -> None:
    token = mint(issuer)

    explained, response = explain(token), upload(token=token)

    assert (explained.status, explained.answer) == (65, (response.status_code, response.json()["code"]))
    assert holds in explained.find("holds")
    assert explained.find("expected")
    assert to_do in explained.find("to do")


ODD_VALUES = ["", " ", "a\x00b", 0, -1, 2**53, 1e308, True, [], [[]], {}, {"a": [1]}, ["batch:upload", 1]]
CLAIMS = "iss aud exp iat nbf azp client_id sub jti cnf scope scp permissions"


@pytest.mark.parametrize("name", [*CLAIMS.split(), "alg", "typ", "kid", "crit", "jku"])
def test_odd_values_are_explained(issuer: Issuer, name: str) -> None:
    mint = claims if name in CLAIMS.split() else header

    explained = [explain(mint(**{name: value})(issuer)) for value in ODD_VALUES]

    assert {each.status for each in explained} <= {0, 65}
    assert all(each.find("holds") and each.find("expected") for each in explained if each.status == 65)


def test_an_outage_leaves_the_signature_unknown(upload: Upload, issuer: Issuer) -> None:
    token = issuer.mint()
    issuer.stop()

    explained, response = explain(token), upload(token=token)

    issuer.start()
    assert (explained.status, response.status_code) == (75, 503)
    assert explained.answer == (503, "issuer_unavailable")
    assert f"UNKNOWN  {SIGNATURE}" in explained.text
    assert "ConnectionRefusedError" in explained.find("keys")


@pytest.mark.parametrize(
    ("offsets", "holds"),
    [
        ((-20_000, -11_100), "iat .* UTC, .*, exp .* UTC, 3:05:00 ago"),
        ((600, 4200), "iat .* UTC, in 0:(10:00|09:5.), exp .*"),
    ],
)
def test_times_are_compared_with_the_issuers_clock(
    issuer: Issuer, offsets: tuple[int, int], holds: str
) -> None:
    issuer.headers = {"Date": formatdate(time.time() + 600, usegmt=True)}

    explained = explain(issuer.mint(iat=time.time() + offsets[0], exp=time.time() + offsets[1]))

    clock = r"our clock is 0:(10:00|09:5\d) behind the .*"
    assert re.fullmatch(holds, explained.find("holds"))
    assert re.fullmatch(clock, explained.find("clock"))


def test_the_issuers_keys_are_printed_for_an_unknown_key(issuer: Issuer) -> None:
    issuer.publish(issuer.key.to_jwk(), SigningKey("encryption").to_jwk(use="enc"))

    explained = explain(issuer.mint(header={"kid": "gone"}))

    assert explained.find('key "first"') == 'kty "RSA", use "sig", 2048 bits: the API uses it for RS256'
    assert explained.find('key "encryption"').startswith('kty "RSA", use "enc": the API does not use it')


def test_a_users_permissions_do_not_count(issuer: Issuer, settings: Any) -> None:
    configure(settings, SCOPE_CLAIMS=["scope", "permissions"])

    explained = explain(issuer.mint(scope="openid", sub="auth0|7", gty=None, permissions=["batch:upload"]))

    assert explained.answer == (403, "insufficient_scope")
    assert "A user's never count." in explained.find("to do")


def test_the_profile_of_rfc_9068_is_explained(issuer: Issuer, settings: Any) -> None:
    configure(settings, TOKEN_PROFILE="rfc9068")

    explained = explain(issuer.mint())

    assert explained.find("expected") == "at+jwt: OAUTH_TOKEN_PROFILE is rfc9068"
    assert "Profile: RFC 9068" in explained.find("to do")


@pytest.mark.parametrize(
    ("granted", "judged", "status", "last_rule"),
    [
        ("read:timesheets", None, 0, "it grants read:timesheets"),
        ("batch:upload read:timesheets", None, 0, "it grants batch:upload read:timesheets"),
        ("read:all-timesheets", None, 0, "it grants read:all-timesheets"),
        ("openid", None, 65, SIGNATURE),
        ("read:timesheets", "read:timesheets", 0, "it grants read:timesheets"),
        ("read:timesheets", "batch:upload", 65, SIGNATURE),
        ("batch:upload", "batch:upload correct:timesheets", 65, SIGNATURE),
    ],
)
def test_the_scopes_to_judge_can_be_named_and_otherwise_one_is_enough(
    issuer: Issuer, granted: str, judged: str | None, status: int, last_rule: str
) -> None:
    explained = explain(issuer.mint(scope=granted), judged)

    assert (explained.status, explained.rules_passed[-1]) == (status, last_rule)
    assert ("BROKEN" in explained.text) == (status == 65)


def test_no_token_is_wrong_usage() -> None:
    with pytest.raises(CommandError, match="There is no access token on standard input") as raised:
        explain("Bearer \n")

    assert raised.value.returncode == 2


def test_an_interrupted_wait_ends_without_a_traceback() -> None:
    class Interrupted(io.StringIO):
        def read(self, *_: Any) -> str:
            raise KeyboardInterrupt

    with pytest.raises(SystemExit) as raised:
        call_command("explain_token", stdin=Interrupted())

    assert raised.value.code == 130


NASTY = "\x1b]0;owned\x07\x9b31m\u202e\x7f\u2028{issuer}" + "x" * 5000


@pytest.mark.parametrize(
    "mint",
    [
        *(claims(**{name: NASTY}) for name in ("iss", "exp", "azp", "scope")),
        *(header(**{name: NASTY}) for name in ("alg", "typ", "kid", "crit")),
        *(claims(aud=[NASTY]), claims(cnf={NASTY: 1}), lambda _: NASTY, lambda _: "a.b\x1b[2Jc"),
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
        *(claims(), claims(aud="https://other")),
        *(changed(lambda token: token.replace(".", " ")), changed(lambda token: token.replace(".", ""))),
    ],
    ids=["good", "refused", "malformed", "opaque"],
)
def test_the_token_is_never_printed(issuer: Issuer, mint: Mint, capfd: pytest.CaptureFixture[str]) -> None:
    token = mint(issuer)

    written = explain(token).text + "".join(capfd.readouterr())
    parts = re.split(r"[. ]", token)
    assert not any(part[start : start + 12] in written for part in parts for start in (0, 40))


@pytest.mark.parametrize(("verbosity", "lines"), [(1, 0), (2, 1)])
def test_the_apis_log_lines_are_shown_on_request(
    issuer: Issuer, caplog: pytest.LogCaptureFixture, verbosity: int, lines: int
) -> None:
    token = io.StringIO(issuer.mint(aud="https://other"))

    with pytest.raises(SystemExit):
        call_command("explain_token", stdin=token, stdout=io.StringIO(), verbosity=verbosity)

    assert [record.name for record in caplog.records] == ["timesheets.authentication"] * lines


def manage(folder: Path, pasted: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command with `pasted` on its standard input."""
    return subprocess.run(
        [sys.executable, link_manage_py(folder), "explain_token"],
        env=make_environment(**variables),
        cwd=folder,
        input=pasted,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_troubleshooting_shows_what_it_prints(server: DevelopmentServer, tmp_path: Path) -> None:
    tenant = {"AUTH0_DOMAIN": "example.eu.auth0.com", "AUTH0_AUDIENCE": "https://timesheets.example.com"}
    no_database = "postgres://nobody@127.0.0.1:1/x"

    result = manage(tmp_path, server.get_token(), DATABASE_URL=no_database, **tenant)

    [shown] = re.findall(
        r"^```console\n\$ python manage\.py explain_token < token\.txt\n(.*?)^```",
        (REPOSITORY / "docs/troubleshooting.md").read_text(),
        re.MULTILINE | re.DOTALL,
    )
    assert (result.returncode, result.stderr) == (65, "")
    assert result.stdout.replace(server.url, "http://127.0.0.1:8000") == shown


@pytest.mark.parametrize(
    ("command", "statuses"), [("explain_token", "0 1 2 65 75 78 130"), ("check_issuer", "0 1 2 75 78")]
)
def test_help_names_each_exit_status(capsys: pytest.CaptureFixture[str], command: str, statuses: str) -> None:
    with pytest.raises(SystemExit):
        call_command(command, "--help")

    assert re.findall(r"^  (\d+) +\w", capsys.readouterr().out, re.MULTILINE) == statuses.split()
