"""Which tokens the API accepts: each rule, the tokens that it refuses and those that it must not refuse."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings as django_settings

from tests.api.conftest import Upload, status_and_code
from tests.api.leaks import find_leaks, format_records, format_response
from tests.kit.django_client import ClientResponse
from tests.kit.issuer import Issuer, to_base64url
from tests.kit.signing_keys import SigningKey
from timesheets.models import Timesheet
from timesheets.trust.token_rules import Fault, TokenPolicy, TokenRejected, read_times

METADATA = 'resource_metadata="https://timesheets.example.com/.well-known/oauth-protected-resource/timesheets/upload"'
REFUSED = f'Bearer realm="timesheets", error="invalid_token", error_description="{{}}", {METADATA}'
NOT_ACCEPTABLE = "The access token is not acceptable"
EXPIRED = "The access token expired"
NOT_YET_VALID = "The access token is not valid yet"
OTHER_ISSUER = "The access token is from another issuer"
OTHER_AUDIENCE = "The access token is for another audience"

DAY = 24 * 3600
AUDIENCE = django_settings.OAUTH["AUDIENCE"]
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

Mint = Callable[[Issuer], str]
Case = Any


def claims(**changes: Any) -> Mint:
    return lambda issuer: issuer.mint(**changes)


def times(**offsets: float) -> Mint:
    """Times in seconds from now."""
    return lambda issuer: issuer.mint(
        **dict[str, Any]({name: time.time() + offsets[name] for name in offsets})
    )


def header(**changes: Any) -> Mint:
    return lambda issuer: issuer.mint(header=changes)


def issued_as(change: Callable[[str], Any]) -> Mint:
    """With an `iss` that is a variant of the issuer's."""
    return lambda issuer: issuer.mint(iss=change(issuer.url))


def changed(change: Callable[..., str]) -> Mint:
    """A good token, changed as text."""
    return lambda issuer: change(issuer.mint())


def payload(raw: bytes) -> Mint:
    """A token with this payload and a good header and signature."""
    return lambda issuer: issuer.sign(b'{"alg":"RS256","kid":"first"}', raw)


def raw_header(raw: bytes) -> Mint:
    """A token with this header and a good payload and signature."""
    return lambda issuer: issuer.sign(raw, decode(issuer.mint().split(".")[1]))


def with_member(member: bytes) -> Mint:
    """A good payload with these bytes as an additional first member."""
    return lambda issuer: issuer.sign(
        b'{"alg":"RS256","kid":"first"}', b"{" + member + b"," + decode(issuer.mint().split(".")[1])[1:]
    )


def signed_by(key: SigningKey, **header: Any) -> Mint:
    return lambda issuer: issuer.mint(key=key, header=header)


def decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "==")


def replace_part(token: str, number: int, part: str) -> str:
    parts = token.split(".")
    return ".".join([*parts[:number], part, *parts[number + 1 :]])


def set_a_stray_bit(token: str) -> str:
    """Another last character that a lenient decoder reads as the same: 256 bytes leave 4 bits unused."""
    return token[:-1] + ALPHABET[ALPHABET.index(token[-1]) + 1]


def grant_more(token: str) -> str:
    """A forged scope with the issuer's signature."""
    granted = {**json.loads(decode(token.split(".")[1])), "scope": "batch:upload admin"}
    return replace_part(token, 1, to_base64url(json.dumps(granted).encode()))


def reserialize(token: str, number: int) -> str:
    """The same JSON with other white space and the issuer's signature."""
    members = json.loads(decode(token.split(".")[number]))
    return replace_part(token, number, to_base64url(json.dumps(members, indent=1).encode()))


def sign_with_public_key(issuer: Issuer) -> str:
    """The classic confusion: HMAC with the public key (RFC 8725 section 2.1)."""
    public_key = issuer.key.private_key.public_key()
    secret = public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = issuer.mint(header={"alg": "HS256"}).rsplit(".", 1)[0]
    return f"{signed}.{to_base64url(hmac.digest(secret, signed.encode(), 'sha256'))}"


def refuse(phrase: str, cases: dict[str, Mint]) -> list[Case]:
    return [pytest.param(mint, phrase, id=name) for name, mint in cases.items()]


def accept(cases: dict[str, Mint]) -> list[Case]:
    return [pytest.param(mint, id=name) for name, mint in cases.items()]


# Patterns of the parts of a good token.
SHAPES = """
{0} {0}.{1} {0}.{1}.{2}.{2} {0}.{1}.{2}.e30.e30 {0}.{1}.{2}. .{0}.{1}.{2} .. .{1}.{2} {0}..{2} {0}.{1}.
{0}.{1}.A {0}.{1}.{2}== {0}.{1}.{2}= {0}.AAAAA.{2} {0}.{1}.ab+/ {0}.{1}.{2}~ {0}.{1}.{2}{2} {2}.{1}.{0}
{1}.{1}.{2}
"""
BAD_SHAPES = refuse(
    NOT_ACCEPTABLE,
    {
        **{
            shape: changed(lambda token, shape=shape: shape.format(*token.split(".")))
            for shape in SHAPES.split()
        },
        "stray-bit-in-the-signature": changed(set_a_stray_bit),
        "signature-cut": changed(lambda token: token[:-6]),
        **{f"opaque-{size}": changed(lambda _, size=size: "a" * size) for size in (6, 7999, 8000)},
    },
)
NOT_I_JSON = [
    # No object, or not one alone.
    *(b"[]", b'"a"', b"7", b"null", b" ", b'{"alg":"RS256"', b'{"alg":"RS256",}', b"{'alg':'RS256'}"),
    *(
        b'{"alg":"RS256"}//',
        b'{"alg":"RS256"}{}',
        b'\xef\xbb\xbf{"alg":"RS256"}',
        '{"alg":"RS256"}'.encode("utf-16"),
    ),
    *(
        b'{"alg":"RS256","x":%s}' % value
        for value in (
            # No text: Latin-1, overlong, surrogates in bytes and in escapes, and a control character.
            *(b'"\xe4"', b'"\xc0\xaf"', b'"\xed\xa0\x80"', b'"\\ud800"', b'"\\ude00\\ud83d"', b'"\n"'),
            *(b"NaN", b"Infinity", b"-Infinity", b"9" * 5000, b'{"a":1,"a":1}'),
        )
    ),
    *(
        b'{"alg":"RS256","\\udfff":1}',
        b'{"alg":"RS256","alg":"RS256"}',
        b'{"alg":"RS256","\\u0061lg":"none"}',
    ),
    b"[" * 3000,
]
BAD_JSON = [
    *refuse(NOT_ACCEPTABLE, {f"header-{raw[:40]!r}": raw_header(raw) for raw in NOT_I_JSON}),
    *refuse(NOT_ACCEPTABLE, {f"payload-{raw[:40]!r}": payload(raw) for raw in NOT_I_JSON}),
    *refuse(
        NOT_ACCEPTABLE,
        {
            "two-audiences": with_member(b'"aud":"https://other"'),
            "two-clients": with_member(b'"azp":"other"'),
            "two-clients-escaped": with_member(b'"\\u0061zp":"other"'),
        },
    ),
]
ODD_ALGORITHMS = ("none", "NONE", "HS256", "rs256", "RS256 ", "", ["RS256"], {"RS256": 1}, 256, True, None)
ODD_CRITS: tuple[list[str], ...] = (["exp"], [], ["http://example.com/unknown"])
BAD_HEADERS = refuse(
    NOT_ACCEPTABLE,
    {
        **{f"alg-{odd!r}": header(alg=odd) for odd in ODD_ALGORITHMS},
        "alg-none-unsigned": changed(
            lambda token: replace_part(replace_part(token, 0, to_base64url(b'{"alg":"none"}')), 2, "AA")
        ),
        "alg-hs256-with-the-public-key": sign_with_public_key,
        "alg-not-configured": claims(algorithm="RS512"),
        "alg-ps256-not-configured": claims(algorithm="PS256"),
        "alg-es256-not-configured": signed_by(SigningKey("first", "ES256")),
        "alg-said-otherwise": lambda issuer: issuer.mint(header={"alg": "RS256"}, algorithm="RS512"),
        **{f"crit-{number}": header(crit=crit) for number, crit in enumerate(ODD_CRITS)},
        **{f"b64-{odd}": header(b64=odd) for odd in (False, True)},
        "zip": header(zip="DEF"),
        "enc": header(enc="A256GCM"),
        "cty": header(cty="JWT"),
        **{f"kid-{odd!r}": header(kid=odd) for odd in (1, ["first"], {"first": 1}, True)},
        "kid-null": raw_header(b'{"alg":"RS256","kid":null}'),
    },
)
ODD_TYPES = ("JOSE", "application/jwt", "at+jwt; charset=utf-8", " at+jwt", "", 1, ["JWT"])
BAD_TYPES = refuse(
    NOT_ACCEPTABLE,
    {
        # Of an ID token, a logout token and a DPoP proof.
        **{f"typ-{odd!r}": header(typ=odd) for odd in ("id+jwt", "logout+jwt", "dpop+jwt", *ODD_TYPES)},
        "typ-null": raw_header(b'{"alg":"RS256","kid":"first","typ":null}'),
    },
)
BAD_ISSUERS = refuse(
    OTHER_ISSUER,
    {
        **{f"iss-{odd!r}": claims(iss=odd) for odd in (None, "", "https://stranger.example/", 1, True)},
        "iss-without-the-slash": issued_as(lambda url: url.rstrip("/")),
        "iss-with-two-slashes": issued_as(lambda url: url + "/"),
        "iss-in-capitals": issued_as(str.upper),
        "iss-with-a-blank": issued_as(lambda url: url + " "),
        "iss-with-a-query": issued_as(lambda url: url + "?"),
        "iss-by-another-name": issued_as(lambda url: url.replace("127.0.0.1", "localhost")),
        "iss-list": issued_as(lambda url: [url]),
        "iss-object": issued_as(lambda url: {url: 1}),
    },
)
OTHER_AUDIENCES: tuple[Any, ...] = (
    *(None, "", "https://other", [], ["https://other", "https://another"], 7, True, {AUDIENCE: True}),
    *(f"{AUDIENCE}/", AUDIENCE.upper(), f"{AUDIENCE}.evil.example", f"{AUDIENCE} https://other"),
    *([AUDIENCE, 1], [AUDIENCE, None], [[AUDIENCE]]),
)
BAD_AUDIENCES = refuse(OTHER_AUDIENCE, {f"aud-{odd!r}": claims(aud=odd) for odd in OTHER_AUDIENCES})
TIME_LIKE: tuple[Any, ...] = (
    *("9999999999", "2099-01-01T00:00:00Z", True, False, [9999999999], {}, -1, 2**53, 10**400),
)
ODD_TIMES = {str(odd)[:30]: odd for odd in TIME_LIKE}
TIMES = ("exp", "iat", "nbf")
BAD_TIMES = [
    *refuse(
        NOT_ACCEPTABLE,
        {
            **{f"{name}-{kind}": claims(**{name: ODD_TIMES[kind]}) for name in TIMES for kind in ODD_TIMES},
            "no-exp": claims(exp=None),
            "no-iat": claims(iat=None),
            "exp-beyond-floats": lambda issuer: issuer.sign(
                b'{"alg":"RS256","kid":"first"}',
                b'{"iss":"%b","aud":"%b","iat":1,"exp":1e400}' % (issuer.url.encode(), AUDIENCE.encode()),
            ),
            "lives-30-days-and-a-second": lambda issuer: issuer.mint(exp=int(time.time()) + 30 * DAY + 1),
            "lived-long": times(iat=-31 * DAY),
            "iat-zero": claims(iat=0),
        },
    ),
    *refuse(
        EXPIRED,
        {
            "expired-an-hour-ago": times(exp=-3600),
            "expired-31-seconds-ago": times(exp=-31),
            "exp-zero": claims(exp=0),
            "exp-before-iat": times(iat=-100, exp=-200),
        },
    ),
    *refuse(
        NOT_YET_VALID,
        {
            "iat-in-the-future": times(iat=600),
            "iat-40-seconds-ahead": times(iat=40),
            "nbf-in-the-future": times(nbf=600),
            "nbf-40-seconds-ahead": times(nbf=40),
            "iat-in-milliseconds": lambda issuer: issuer.mint(iat=int(time.time() * 1000)),
        },
    ),
]
NO_NAMES: dict[str, Any] = {
    repr(odd)[:30]: odd
    for odd in (
        *("", 7, True, ["payroll"], {"payroll": 1}, "x" * 256),
        # Control characters.
        *(f"pay{control}roll" for control in ("\x00", "\n", "\x1b[2J", "\x7f", "\x85")),
    )
}
BAD_CLIENTS = refuse(
    NOT_ACCEPTABLE,
    {
        **{
            f"{claim}-{kind}": claims(**{claim: name})
            for claim in ("azp", "sub", "jti")
            for kind, name in NO_NAMES.items()
        },
        **{f"client-id-{kind}": claims(azp=None, client_id=name) for kind, name in NO_NAMES.items()},
        "client-id-null": with_member(b'"client_id":null'),
        **{f"organization-{kind}": claims(org_id=name) for kind, name in NO_NAMES.items()},
        "organization-null": with_member(b'"org_id":null'),
        "organization-alone": claims(azp=None, sub=None, org_id="org_1"),
        "no-client": claims(azp=None, sub=None),
        "jti-alone": claims(azp=None, sub=None, jti="1"),
        "client-id-unlike-azp": claims(client_id="other"),
        "client-id-like-azp-but-for-case": claims(client_id="Payroll"),
    },
)
BOUND = refuse(
    NOT_ACCEPTABLE,
    {
        "cnf-of-a-certificate": claims(cnf={"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}),
        "cnf-of-dpop": claims(cnf={"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
        "cnf-empty": claims(cnf={}),
        "cnf-false": claims(cnf=False),
        "cnf-null": with_member(b'"cnf":null'),
    },
)
STRANGERS_KEY = SigningKey("first", pair="stranger")
STRANGERS_JWK = STRANGERS_KEY.to_jwk()
BAD_SIGNATURES = refuse(
    NOT_ACCEPTABLE,
    {
        "kid-unknown": signed_by(SigningKey("unknown")),
        "kid-empty": header(kid=""),
        "kid-in-capitals": header(kid="FIRST"),
        "kid-as-a-path": header(kid="../../dev/null"),
        "kid-as-sql": header(kid="' OR '1'='1"),
        "kid-long": header(kid="k" * 5000),
        "a-strangers-key": signed_by(STRANGERS_KEY),
        "a-strangers-key-in-jwk": signed_by(STRANGERS_KEY, jwk=STRANGERS_JWK),
        "a-strangers-key-by-jku": signed_by(STRANGERS_KEY, jku="http://127.0.0.1:1/jwks.json"),
        "a-strangers-key-by-x5u": signed_by(STRANGERS_KEY, x5u="http://127.0.0.1:1/cert.pem"),
        "a-strangers-key-in-x5c": signed_by(STRANGERS_KEY, x5c=["MIIB"]),
        "a-strangers-key-without-kid": signed_by(STRANGERS_KEY, kid=None),
        "payload-changed": changed(grant_more),
        "payload-reserialized": changed(lambda token: reserialize(token, 1)),
        "header-reserialized": changed(lambda token: reserialize(token, 0)),
        "signature-of-zeros": changed(lambda token: replace_part(token, 2, "A" * 342)),
        "signature-of-another-token": lambda issuer: replace_part(
            issuer.mint(), 2, issuer.mint(jti="other").split(".")[2]
        ),
    },
)
BAD_TOKENS = [
    *(*BAD_SHAPES, *BAD_JSON, *BAD_HEADERS, *BAD_TYPES, *BAD_ISSUERS, *BAD_AUDIENCES),
    *(*BAD_TIMES, *BAD_CLIENTS, *BOUND, *BAD_SIGNATURES),
]


def expect_refusal(response: ClientResponse, phrase: str = NOT_ACCEPTABLE) -> None:
    assert status_and_code(response) == (401, "invalid_token")
    assert response.headers["WWW-Authenticate"] == REFUSED.format(phrase)
    assert not Timesheet.objects.exists()


@pytest.mark.parametrize(("mint", "phrase"), BAD_TOKENS)
def test_a_bad_token_is_refused_and_neither_logged_nor_returned(
    upload: Upload, issuer: Issuer, log: pytest.LogCaptureFixture, mint: Mint, phrase: str
) -> None:
    token = mint(issuer)

    response = upload(token=token)

    assert find_leaks(token, format_records(log) + format_response(response)) == []
    expect_refusal(response, phrase)


SCOPES: tuple[Any, ...] = (
    *("read:timesheets batch:upload", "batch:upload batch:upload", "  read:timesheets   batch:upload "),
    *(["read:timesheets", "batch:upload"], [7, None, "batch:upload"]),
)
GOOD_TYPES = (None, "jwt", "at+jwt", "AT+JWT", "application/at+jwt")
GOOD_TOKENS = accept(
    {
        "auth0-default-profile": claims(),
        "auth0-rfc-9068-profile": lambda issuer: issuer.mint(
            header={"typ": "at+jwt"}, azp=None, gty=None, client_id="payroll", jti="1"
        ),
        **{f"typ-{typ}": header(typ=typ) for typ in GOOD_TYPES},
        "kid-absent-and-one-key": header(kid=None),
        "kid-escaped": raw_header(b'{"alg":"RS256","k\\u0069d":"first"}'),
        "header-with-white-space": raw_header(b' {\n"alg" : "RS256" ,\t"kid":"first"}\r\n'),
        "header-with-more": header(x5t="abc", foo={"bar": [1, None]}),
        "header-with-a-jku-that-is-not-asked": header(jku="http://127.0.0.1:1/jwks.json"),
        "header-with-a-jwk-that-is-not-used": header(jwk=STRANGERS_JWK),
        "aud-list-of-one": claims(aud=[AUDIENCE]),
        "aud-list-with-others": claims(aud=["https://other", AUDIENCE, "https://example.com/userinfo"]),
        "sub-absent": claims(sub=None),
        "sub-alone": claims(azp=None, gty=None),
        "client-id-alone": claims(azp=None, sub=None, gty=None, client_id="payroll"),
        "client-id-like-azp": claims(client_id="payroll"),
        "client-of-255-characters": claims(azp="x" * 255),
        "client-with-an-umlaut": claims(azp="Löhne \U0001f4b6"),
        "sub-of-a-user": claims(sub="auth0|507f1f77bcf86cd799439020", gty=None),
        "jti": claims(jti="0190-8c5e"),
        "surrogate-pair-escaped": with_member(b'"name":"\\ud83d\\ude00"'),
        "organization-of-255-characters": claims(org_id="o" * 255),
        "more-claims": claims(roles=["a"], nested={"deep": [{}]}),
        "exp-with-a-fraction": times(exp=3600.5),
        "exp-as-a-float": lambda issuer: issuer.mint(exp=float(int(time.time()) + 60)),
        "exp-in-30-days": lambda issuer: issuer.mint(iat=int(time.time()), exp=int(time.time()) + 30 * DAY),
        "expired-within-the-leeway": times(exp=-20),
        "nbf-in-the-past": times(nbf=-10),
        "nbf-zero": claims(nbf=0),
        "not-yet-valid-within-the-leeway": times(nbf=20),
        "issued-ahead-within-the-leeway": times(iat=20),
        **{f"scope-{scope}": claims(scope=scope) for scope in SCOPES},
        **{f"scp-{scp}": claims(scope=None, scp=scp) for scp in ("batch:upload", ["batch:upload"])},
        "scp-beside-scope": claims(scope="read:timesheets", scp=["batch:upload"]),
        "scope-number-beside-scp": claims(scope=7, scp="batch:upload"),
    }
)


@pytest.mark.parametrize("mint", GOOD_TOKENS)
def test_a_good_token_is_accepted_and_neither_logged_nor_returned(
    upload: Upload, issuer: Issuer, log: pytest.LogCaptureFixture, mint: Mint
) -> None:
    token = mint(issuer)

    response = upload(token=token)

    assert find_leaks(token, format_records(log) + format_response(response)) == []
    assert response.status_code == 201
    assert "WWW-Authenticate" not in response.headers


def test_a_token_in_the_last_second_of_the_leeway_is_good_or_expired(upload: Upload, issuer: Issuer) -> None:
    response = upload(token=issuer.mint(exp=int(time.time()) - 30 + 0.999))

    assert response.headers.get("WWW-Authenticate") in (None, REFUSED.format(EXPIRED))


@pytest.mark.parametrize(
    ("claims", "fault"),
    [
        ({"exp": 971}, None),
        ({"exp": 970}, Fault.EXPIRED),
        ({"iat": 1030}, None),
        ({"nbf": 1031}, Fault.NOT_YET_VALID),
        ({"exp": 2**53 - 1}, Fault.LIFETIME),
        ({"exp": 2**53}, Fault.TIMES),
    ],
)
def test_times_are_compared_to_the_second(claims: dict[str, int], fault: Fault | None) -> None:
    policy = TokenPolicy(issuer="https://issuer.example/", audience=AUDIENCE)
    found = None

    try:
        read_times({"iat": 900, "exp": 2000, **claims}).require_validity(policy, 1000)
    except TokenRejected as rejection:
        found = rejection.fault

    assert found is fault


def test_the_codes_in_the_log_are_stable() -> None:
    assert " ".join(Fault) == (
        "malformed algorithm header type issuer audience times expired not_yet_valid lifetime "
        "client names bound key signature"
    )


OTHER_SCOPES: tuple[Any, ...] = (
    *(
        *("read:timesheets", "", None, "batch:uploads Batch:upload batch:uploa", "batch: upload"),
        *("batch:*", 7, True),
    ),
    *("read:timesheets,batch:upload", "read:timesheets\tbatch:upload", {"batch:upload": True}),
    *(["read:timesheets batch:upload"], [["batch:upload"]]),
)


@pytest.mark.parametrize(
    "granted",
    [
        *(pytest.param({"scope": scope}, id=str(scope)) for scope in OTHER_SCOPES),
        pytest.param({"scope": None, "permissions": ["batch:upload"]}, id="permissions-not-switched-on"),
        pytest.param({"scope": None, "scopes": "batch:upload"}, id="another-claim"),
    ],
)
def test_a_token_without_the_scope_is_forbidden_and_neither_logged_nor_returned(
    upload: Upload, issuer: Issuer, log: pytest.LogCaptureFixture, granted: dict[str, Any]
) -> None:
    token = issuer.mint(**granted)

    response = upload(token=token)

    assert find_leaks(token, format_records(log) + format_response(response)) == []
    assert status_and_code(response) == (403, "insufficient_scope")
    assert response.headers["WWW-Authenticate"] == (
        f'Bearer realm="timesheets", error="insufficient_scope", scope="batch:upload", {METADATA}'
    )
    assert not Timesheet.objects.exists()


@pytest.mark.parametrize(
    ("granted", "status"),
    [
        pytest.param({"gty": "client-credentials"}, 201, id="auth0-machine"),
        pytest.param({"gty": "client-credentials", "sub": "other"}, 201, id="machine-by-gty-alone"),
        *(({"gty": None, "sub": machine}, 201) for machine in ("payroll", "payroll@clients")),
        *(({"gty": None, "sub": other}, 403) for other in ("auth0|someone", "other@clients", None)),
        pytest.param({"gty": "password", "sub": "auth0|someone"}, 403, id="user-with-a-password"),
        *(({"permissions": None, claim: "batch:upload"}, 403) for claim in ("scope", "scp")),
        *(({"permissions": granted}, 403) for granted in ([], ["read:timesheets"], {"batch:upload": 1})),
    ],
)
def test_permissions_count_only_for_machines_and_other_claims_only_if_enabled(
    upload: Upload, issuer: Issuer, settings: Any, granted: dict[str, Any], status: int
) -> None:
    settings.OAUTH = {**settings.OAUTH, "SCOPE_CLAIMS": ["permissions"]}

    response = upload(token=issuer.mint(**{"scope": None, "permissions": ["batch:upload"], **granted}))

    assert response.status_code == status
    assert response.json().get("code") == (None if status == 201 else "insufficient_scope")


# RFC 9068's profile


@pytest.fixture
def rfc_9068(settings: Any) -> None:
    settings.OAUTH = {**settings.OAUTH, "TOKEN_PROFILE": "rfc9068"}


def mint_rfc_9068(issuer: Issuer, typ: str | None = "at+jwt", **changes: Any) -> str:
    standard = {"azp": None, "gty": None, "client_id": "payroll", "sub": "payroll", "jti": "1"}
    return issuer.mint(header={"typ": typ}, **{**standard, **changes})


@pytest.mark.parametrize(
    ("typ", "changes"),
    [
        *((typ, {}) for typ in ("at+jwt", "application/at+jwt", "Application/AT+JWT")),
        *(("at+jwt", changes) for changes in ({"sub": None}, {"azp": "payroll"}, {"aud": [AUDIENCE]})),
    ],
)
def test_a_token_of_rfc_9068_is_accepted(
    upload: Upload, issuer: Issuer, rfc_9068: None, typ: str, changes: dict[str, Any]
) -> None:
    assert upload(token=mint_rfc_9068(issuer, typ, **changes)).status_code == 201


@pytest.mark.parametrize(
    ("typ", "changes", "phrase"),
    [
        *(pytest.param(typ, {}, NOT_ACCEPTABLE, id=f"typ-{typ}") for typ in ("JWT", None, "", "id+jwt")),
        pytest.param("at+jwt", {"client_id": None}, NOT_ACCEPTABLE, id="no-client-id"),
        pytest.param("at+jwt", {"client_id": None, "azp": "payroll"}, NOT_ACCEPTABLE, id="azp-alone"),
        pytest.param("at+jwt", {"jti": None}, NOT_ACCEPTABLE, id="no-jti"),
        pytest.param("at+jwt", {"jti": ""}, NOT_ACCEPTABLE, id="empty-jti"),
        pytest.param("at+jwt", {"azp": "other"}, NOT_ACCEPTABLE, id="azp-unlike-client-id"),
        pytest.param("at+jwt", {"exp": 1}, EXPIRED, id="expired"),
        pytest.param("at+jwt", {"aud": "https://other"}, OTHER_AUDIENCE, id="other-audience"),
        pytest.param("at+jwt", {"iss": "https://other/"}, OTHER_ISSUER, id="other-issuer"),
    ],
)
def test_other_tokens_are_refused_in_the_profile_of_rfc_9068(
    upload: Upload, issuer: Issuer, rfc_9068: None, typ: str | None, changes: dict[str, Any], phrase: str
) -> None:
    expect_refusal(upload(token=mint_rfc_9068(issuer, typ, **changes)), phrase)


# Other algorithms, and the choice of the key

KEYS = [
    SigningKey("first"),
    *(SigningKey(name.lower(), name) for name in ("PS256", "ES256", "ES384", "ES512", "EdDSA")),
]
BY_ID = {key.key_id: key for key in KEYS}


@pytest.fixture
def versatile(fresh_issuer: Issuer) -> Issuer:
    """An issuer that the API trusts, with a key of each kind."""
    fresh_issuer.keys = KEYS
    return fresh_issuer


@pytest.mark.parametrize("key", [pytest.param(key, id=key.algorithm) for key in KEYS])
def test_a_token_is_accepted_if_its_algorithm_is_configured(
    upload: Upload, versatile: Issuer, settings: Any, key: SigningKey
) -> None:
    token = versatile.mint(key=key)
    settings.OAUTH = {**settings.OAUTH, "ALGORITHMS": ["RS256" if key.algorithm != "RS256" else "PS256"]}
    expect_refusal(upload(token=token))
    settings.OAUTH = {**settings.OAUTH, "ALGORITHMS": [key.algorithm]}

    assert upload(token=token).status_code == 201


@pytest.mark.parametrize(
    ("key_id", "algorithm", "named"),
    [
        pytest.param("first", "PS256", "first", id="ps256-with-a-key-for-rs256"),
        pytest.param("ps256", "RS256", "ps256", id="rs256-with-a-key-for-ps256"),
        pytest.param("first", "RS256", "ps256", id="the-kid-of-another-rsa-key"),
        pytest.param("first", "RS256", "es256", id="the-kid-of-an-elliptic-key"),
        pytest.param("es256", "ES256", "first", id="the-kid-of-an-rsa-key"),
        pytest.param("es256", "ES256", "es384", id="the-kid-of-another-curve"),
        pytest.param("first", "RS256", None, id="no-kid-and-many-keys"),
    ],
)
def test_a_key_is_used_only_for_its_own_kid_and_algorithm(
    upload: Upload, versatile: Issuer, settings: Any, key_id: str, algorithm: str, named: str | None
) -> None:
    settings.OAUTH = {**settings.OAUTH, "ALGORITHMS": [key.algorithm for key in KEYS]}

    expect_refusal(
        upload(token=versatile.mint(key=BY_ID[key_id], algorithm=algorithm, header={"kid": named}))
    )


@pytest.mark.parametrize("signature", [bytes.fromhex("3006020101020101"), bytes(64)], ids=["der", "zeros"])
def test_another_form_of_an_elliptic_signature_is_refused(
    upload: Upload, versatile: Issuer, settings: Any, signature: bytes
) -> None:
    settings.OAUTH = {**settings.OAUTH, "ALGORITHMS": ["ES256"]}

    expect_refusal(upload(token=replace_part(versatile.mint(key=BY_ID["es256"]), 2, to_base64url(signature))))


def test_a_key_without_a_kid_verifies_only_tokens_without_one(upload: Upload, versatile: Issuer) -> None:
    versatile.publish(KEYS[0].to_jwk(kid=None))

    expect_refusal(upload(token=versatile.mint(key=KEYS[0])))
    assert upload(token=versatile.mint(key=KEYS[0], header={"kid": None})).status_code == 201


@pytest.mark.parametrize(("leeway_seconds", "status"), [(0, 401), (60, 201)], ids=["none", "a-minute"])
def test_the_configured_leeway_applies(
    upload: Upload, issuer: Issuer, settings: Any, leeway_seconds: int, status: int
) -> None:
    settings.OAUTH = {**settings.OAUTH, "LEEWAY_SECONDS": leeway_seconds}

    assert upload(token=issuer.mint(exp=time.time() - 40)).status_code == status
