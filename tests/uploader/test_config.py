from pathlib import Path

import pytest

from timesheets.uploader.config import UploaderConfig, load_config
from timesheets.uploader.errors import ConfigurationError

SECRET = "s3cret-of-payroll"
COMPLETE = {
    "AUTH0_DOMAIN": "example.eu.auth0.com",
    "AUTH0_AUDIENCE": "https://timesheets.example.com",
    "AUTH0_CLIENT_ID": "payroll",
    "AUTH0_CLIENT_SECRET": SECRET,
    "TIMESHEETS_API_URL": "https://timesheets.example.com",
}
DEVELOPMENT = {
    "OAUTH_TOKEN_URL": "http://127.0.0.1:8000/oauth/token",
    "AUTH0_AUDIENCE": "https://timesheets.example.com",
    "AUTH0_CLIENT_ID": "payroll",
    "AUTH0_CLIENT_SECRET": "development-secret",
    "TIMESHEETS_API_URL": "http://127.0.0.1:8000",
}


def load(**changes: str) -> UploaderConfig:
    return load_config(COMPLETE | changes, DEVELOPMENT)


def problems_of(environment: dict[str, str]) -> list[str]:
    """The variables that are named, in the order of the lines."""
    with pytest.raises(ConfigurationError) as caught:
        load_config(environment, DEVELOPMENT)
    assert SECRET not in str(caught.value)
    return [line.strip().partition(": ")[0] for line in str(caught.value).splitlines()[1:]]


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


def test_a_domain_stands_for_auth0s_token_endpoint() -> None:
    config = load()

    assert config.token_url == "https://example.eu.auth0.com/oauth/token"
    assert config.audience == "https://timesheets.example.com"
    assert config.client_id == "payroll"
    assert config.client_secret == SECRET
    assert config.upload_url == "https://timesheets.example.com/timesheets/upload"


def test_another_issuer_is_named_by_its_token_endpoint() -> None:
    config = load(AUTH0_DOMAIN="", OAUTH_TOKEN_URL="https://issuer.example.com/token?tenant=7")

    assert config.token_url == "https://issuer.example.com/token?tenant=7"


def test_the_secret_is_in_no_repr() -> None:
    assert SECRET not in repr(load())


@pytest.mark.parametrize("url", ["https://example.com/api", "https://example.com/api/"])
def test_the_upload_address_is_appended_to_the_apis(url: str) -> None:
    assert load(TIMESHEETS_API_URL=url).upload_url == "https://example.com/api/timesheets/upload"


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "127.8.9.10", "localhost:8000", "[::1]:8000"])
def test_plain_http_serves_on_loopback(host: str) -> None:
    config = load(AUTH0_DOMAIN="", OAUTH_TOKEN_URL=f"http://{host}/t", TIMESHEETS_API_URL=f"http://{host}")

    assert config.token_url == f"http://{host}/t"
    assert config.upload_url == f"http://{host}/timesheets/upload"


def test_all_that_is_missing_is_named_at_once() -> None:
    named = problems_of({"AUTH0_DOMAIN": "example.eu.auth0.com"})

    assert named == ["AUTH0_AUDIENCE", "AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET", "TIMESHEETS_API_URL"]


def test_what_is_wrong_is_named_beside_what_is_missing() -> None:
    named = problems_of(COMPLETE | {"AUTH0_DOMAIN": "https://example.com/", "AUTH0_CLIENT_ID": ""})

    assert named == ["AUTH0_DOMAIN", "AUTH0_CLIENT_ID"]


def test_without_any_variable_the_development_ones_serve() -> None:
    config = load_config({"PATH": "/bin", "AUTH0_DOMAIN": ""}, DEVELOPMENT)

    assert config.token_url == "http://127.0.0.1:8000/oauth/token"
    assert config.client_secret == "development-secret"


def test_without_any_variable_in_production_all_are_missing() -> None:
    with pytest.raises(ConfigurationError, match=r"(?s)AUTH0_DOMAIN: not set.*TIMESHEETS_API_URL: not set"):
        load_config({}, {})


def test_a_forgotten_secret_never_becomes_the_development_one() -> None:
    assert problems_of(COMPLETE | {"AUTH0_CLIENT_SECRET": ""}) == ["AUTH0_CLIENT_SECRET"]


@pytest.mark.parametrize("name", [*COMPLETE, "AUTH0_CLIENT_SECRET_FILE", "OAUTH_TOKEN_URL", "OAUTH_ISSUER"])
def test_any_variable_of_its_own_rules_the_development_ones_out(name: str) -> None:
    with pytest.raises(ConfigurationError):
        load_config({name: "https://example.com"}, DEVELOPMENT)


@pytest.mark.parametrize(
    "domain",
    [
        pytest.param("https://example.eu.auth0.com", id="scheme"),
        pytest.param("example.eu.auth0.com/", id="slash"),
        pytest.param("example.eu.auth0.com:443", id="port"),
        pytest.param(" example.eu.auth0.com", id="space before"),
        pytest.param("example.eu.auth0.com\n", id="newline after"),
        pytest.param("example eu.auth0.com", id="space within"),
        pytest.param("me@example.eu.auth0.com", id="user"),
        pytest.param("example.eu.auth0.com?a=b", id="query"),
        pytest.param("example", id="no dot"),
        pytest.param("example..com", id="empty label"),
        pytest.param(f"{'a' * 64}.com", id="long label"),
        pytest.param("exämple.com", id="not ASCII"),
    ],
)
def test_a_domain_that_is_not_bare_is_refused_with_a_remedy(domain: str) -> None:
    with pytest.raises(ConfigurationError, match=r"AUTH0_DOMAIN: must be a bare domain such as example\.eu"):
        load(AUTH0_DOMAIN=domain)


@pytest.mark.parametrize("name", ["OAUTH_TOKEN_URL", "TIMESHEETS_API_URL"])
@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://example.com", id="plain http"),
        pytest.param("http://127.0.0.1.example.com", id="looks like loopback"),
        pytest.param("http://localhost.example.com", id="looks like localhost"),
        pytest.param("http://192.168.0.1", id="an address of the local network"),
        pytest.param("http://127.1", id="short form of an address"),
        pytest.param("ftp://127.0.0.1", id="another scheme"),
        pytest.param("example.com", id="no scheme"),
        pytest.param("https://", id="no host"),
        pytest.param("https://a:b@example.com", id="user and password"),
        pytest.param("http://127.0.0.1@example.com", id="host hidden behind a user"),
        pytest.param("http://127.0.0.1\\@example.com", id="backslash"),
        pytest.param("https://example.com:99999", id="port too high"),
        pytest.param("https://[::1", id="bracket"),
        pytest.param("https://example.com/#here", id="fragment"),
        pytest.param("https://example.com/a b", id="space"),
        pytest.param("https://exam\tple.com", id="tab"),
        pytest.param("https://exämple.com", id="not ASCII"),
    ],
)
def test_an_address_that_no_secret_may_go_to_is_refused(name: str, url: str) -> None:
    environment = COMPLETE | ({"AUTH0_DOMAIN": ""} if name == "OAUTH_TOKEN_URL" else {})

    assert problems_of(environment | {name: url}) == [name]


def test_the_apis_address_has_no_query() -> None:
    assert problems_of(COMPLETE | {"TIMESHEETS_API_URL": "https://example.com/?a=b"}) == [
        "TIMESHEETS_API_URL"
    ]


def test_two_issuers_are_refused() -> None:
    named = problems_of(COMPLETE | {"OAUTH_TOKEN_URL": "https://issuer.example.com/token"})

    assert named == ["AUTH0_DOMAIN, OAUTH_TOKEN_URL"]


@pytest.mark.parametrize("name", ["AUTH0_AUDIENCE", "AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET"])
@pytest.mark.parametrize("value", ["payroll ", "pay\rroll", "pay\udcffroll"], ids=ascii)
def test_invisible_characters_are_refused(name: str, value: str) -> None:
    assert problems_of(COMPLETE | {name: value}) == [name]


def test_the_secret_is_read_from_a_file_without_its_last_newline(secret_file: Path) -> None:
    config = load(AUTH0_CLIENT_SECRET="", AUTH0_CLIENT_SECRET_FILE=str(secret_file))

    assert config.client_secret == SECRET


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610, 0o602], ids=oct)
def test_a_secret_file_for_other_users_too_is_refused(secret_file: Path, mode: int) -> None:
    secret_file.chmod(mode)

    with pytest.raises(ConfigurationError, match=f"chmod 600 {secret_file}"):
        load(AUTH0_CLIENT_SECRET="", AUTH0_CLIENT_SECRET_FILE=str(secret_file))


def test_a_secret_and_its_file_together_are_refused(secret_file: Path) -> None:
    named = problems_of(COMPLETE | {"AUTH0_CLIENT_SECRET_FILE": str(secret_file)})

    assert named == ["AUTH0_CLIENT_SECRET, AUTH0_CLIENT_SECRET_FILE"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"\n", "is empty", id="newline only"),
        pytest.param(b"s3cret\xff", "is not text in UTF-8", id="not UTF-8"),
        pytest.param(b"s3cret-of\nanother", "control character", id="two lines"),
    ],
)
def test_a_secret_file_without_a_secret_is_refused(secret_file: Path, content: bytes, fault: str) -> None:
    secret_file.write_bytes(content)

    with pytest.raises(ConfigurationError, match=f"AUTH0_CLIENT_SECRET_FILE: .*{fault}") as caught:
        load(AUTH0_CLIENT_SECRET="", AUTH0_CLIENT_SECRET_FILE=str(secret_file))

    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name

    with pytest.raises(ConfigurationError, match=f"AUTH0_CLIENT_SECRET_FILE: {path} cannot be read"):
        load(AUTH0_CLIENT_SECRET="", AUTH0_CLIENT_SECRET_FILE=str(path))


def test_a_secret_that_was_set_as_its_file_is_not_shown() -> None:
    named = problems_of(COMPLETE | {"AUTH0_CLIENT_SECRET": "", "AUTH0_CLIENT_SECRET_FILE": SECRET})

    assert named == ["AUTH0_CLIENT_SECRET_FILE"]
