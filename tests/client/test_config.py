from pathlib import Path
from typing import Never

import pytest

from tests.client.configurations import COMPLETE, DEVELOPMENT, SECRET, load, problems_of
from timesheets_client.environment.config import UploaderConfig, load_config
from timesheets_client.errors import ConfigurationError

# Addresses to which no secret is sent.
UNSAFE = (
    *("http://example.com", "http://127.0.0.1.example.com", "http://localhost.example.com"),
    *("https://[::1", "http://192.168.0.1", "http://127.1", "ftp://127.0.0.1", "example.com"),
    *("https://", "https://a:b@example.com", "http://127.0.0.1@example.com"),
    *("http://127.0.0.1\\@example.com", "https://example.com:99999", "https://example.com/#here"),
    *("https://example.com/a b", "https://exam\tple.com"),
)


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


def test_a_domain_sets_auth0s_issuer_and_what_auth0_documents() -> None:
    config = load()

    assert config.is_auth0
    assert config.issuer == "https://example.eu.auth0.com/"
    assert config.token_url == "https://example.eu.auth0.com/oauth/token"
    assert config.audience == "https://timesheets.example.com"
    assert config.client_id == "payroll"
    assert config.client_secret == SECRET
    assert config.upload_url == "https://timesheets.example.com/timesheets/upload"
    assert SECRET not in repr(config)
    assert (config.token_request, config.audience_parameter) == ("json", "audience")
    assert (config.client_auth, config.scope) == ("client_secret_post", "")


@pytest.mark.parametrize(
    ("issuer", "token_url"),
    [
        pytest.param("", "https://issuer.example.com/token?tenant=7", id="token endpoint"),
        pytest.param("https://issuer.example.com/realms/a/", "", id="issuer"),
        pytest.param("https://a.example.com", "https://a.example.com/t/", id="both"),
    ],
)
def test_another_issuer_is_kept_byte_for_byte_and_gets_a_form(issuer: str, token_url: str) -> None:
    config = load(AUTH0_DOMAIN="", OAUTH_ISSUER=issuer, OAUTH_TOKEN_URL=token_url)

    assert (config.issuer, config.token_url, config.is_auth0) == (issuer, token_url, False)
    assert config.token_request == "form"


def test_each_default_can_be_changed() -> None:
    config = load(
        OAUTH_TOKEN_REQUEST="form",
        OAUTH_AUDIENCE_PARAMETER="none",
        OAUTH_CLIENT_AUTH="client_secret_basic",
        OAUTH_SCOPE="batch:upload read:timesheets",
    )

    assert (config.token_request, config.audience_parameter) == ("form", "none")
    assert (config.client_auth, config.scope) == ("client_secret_basic", "batch:upload read:timesheets")


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("OAUTH_TOKEN_REQUEST", "json or form"),
        ("OAUTH_AUDIENCE_PARAMETER", "audience, resource or none"),
        ("OAUTH_CLIENT_AUTH", "client_secret_post, client_secret_basic or private_key_jwt"),
    ],
)
@pytest.mark.parametrize("value", ["other", "JSON", " form", SECRET])
def test_an_unknown_choice_is_refused_and_not_quoted(name: str, choices: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name}: must be {choices}$") as caught:
        load(**{name: value})

    assert value not in str(caught.value).replace(choices, "")


def test_the_default_state_folder_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    assert load().state_dir == tmp_path / "timesheets"


def test_a_user_without_a_home_must_set_the_state_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_no_user(uid: int) -> Never:
        raise KeyError(uid)

    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", find_no_user)

    assert problems_of(COMPLETE) == ["TIMESHEETS_STATE_DIR"]


def test_a_state_folder_does_not_rule_out_the_development_values() -> None:
    empty = {"PATH": "/bin", "AUTH0_DOMAIN": ""}
    config = load_config(empty | {"TIMESHEETS_STATE_DIR": "/var/lib/timesheets"}, DEVELOPMENT)

    assert config.token_url == "http://127.0.0.1:8000/oauth/token"
    assert config.client_secret == "development-secret"
    assert config.state_dir == Path("/var/lib/timesheets")


@pytest.mark.parametrize("url", ["https://example.com/api", "https://example.com/api/"])
def test_the_upload_path_is_appended_to_the_apis_address(url: str) -> None:
    assert load(TIMESHEETS_API_URL=url).upload_url == "https://example.com/api/timesheets/upload"


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "127.8.9.10", "localhost:8000", "[::1]:8000"])
def test_plain_http_is_accepted_on_loopback(host: str) -> None:
    config = load(AUTH0_DOMAIN="", OAUTH_TOKEN_URL=f"http://{host}/t", TIMESHEETS_API_URL=f"http://{host}")

    assert config.token_url == f"http://{host}/t"
    assert config.upload_url == f"http://{host}/timesheets/upload"


ISSUER = {"AUTH0_DOMAIN": "", "OAUTH_ISSUER": "https://issuer.example.com"}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        pytest.param({"AUTH0_CLIENT_SECRET": ""}, "AUTH0_CLIENT_SECRET", id="only the secret"),
        *(
            pytest.param({name: value}, name, id=ascii(value))
            for name in ("AUTH0_AUDIENCE", "AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET")
            for value in ("payroll ", "pay\rroll", "pay\udcffroll")
        ),
        *(
            pytest.param({"TIMESHEETS_STATE_DIR": folder}, "TIMESHEETS_STATE_DIR", id=folder)
            for folder in ("state", "~/state", "./state")
        ),
        *(
            pytest.param(
                {name: "https://issuer.example.com/token"}, f"AUTH0_DOMAIN, {name}", id="two issuers"
            )
            for name in ("OAUTH_ISSUER", "OAUTH_TOKEN_URL")
        ),
        *(
            pytest.param(ISSUER | {name: url}, name, id=url)
            for name in ("OAUTH_ISSUER", "OAUTH_TOKEN_URL", "TIMESHEETS_API_URL")
            for url in UNSAFE
        ),
        pytest.param(
            {"AUTH0_CLIENT_SECRET_FILE": "secret"}, "AUTH0_CLIENT_SECRET, AUTH0_CLIENT_SECRET_FILE", id="both"
        ),
    ],
)
def test_a_variable_that_is_wrong_is_named(changes: dict[str, str], named: str) -> None:
    # A missing secret never becomes the development secret.
    assert problems_of(COMPLETE | changes) == [named]


def test_all_wrong_and_missing_variables_are_named_at_once() -> None:
    assert problems_of({"AUTH0_DOMAIN": "https://example.com/", "AUTH0_CLIENT_ID": ""}) == [
        *("AUTH0_DOMAIN", "AUTH0_CLIENT_SECRET", "AUTH0_AUDIENCE", "AUTH0_CLIENT_ID", "TIMESHEETS_API_URL")
    ]


@pytest.mark.parametrize(
    "name",
    [
        *(*COMPLETE, "AUTH0_CLIENT_SECRET_FILE", "OAUTH_TOKEN_URL", "OAUTH_ISSUER"),
        # The API's.
        *("OAUTH_ALGORITHMS", "OAUTH_JWKS_URL", "OAUTH_CA_FILE"),
    ],
)
def test_any_of_these_variables_rules_out_the_development_values(name: str) -> None:
    with pytest.raises(ConfigurationError):
        load_config({name: "https://example.com"}, DEVELOPMENT)


NO_DOMAINS = (
    *("https://example.eu.auth0.com", "example.eu.auth0.com/", "example.eu.auth0.com:443", "example"),
    *(" example.eu.auth0.com", "example.eu.auth0.com\n", "example eu.auth0.com", "me@example.eu.auth0.com"),
    *("example.eu.auth0.com?a=b", "example..com", f"{'a' * 64}.com", "exämple.com"),
)


@pytest.mark.parametrize("domain", NO_DOMAINS)
def test_a_domain_that_is_not_bare_is_refused(domain: str) -> None:
    with pytest.raises(ConfigurationError, match=r"AUTH0_DOMAIN: (must be a bare domain|has white space)"):
        load(AUTH0_DOMAIN=domain)


def load_from(path: Path | str) -> UploaderConfig:
    return load(AUTH0_CLIENT_SECRET="", AUTH0_CLIENT_SECRET_FILE=str(path))


def test_the_secret_is_read_from_a_file_without_its_last_newline(secret_file: Path) -> None:
    assert load_from(secret_file).client_secret == SECRET


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610, 0o602], ids=oct)
def test_a_secret_file_that_others_can_access_is_refused(secret_file: Path, mode: int) -> None:
    secret_file.chmod(mode)

    with pytest.raises(ConfigurationError, match=f"chmod 600 {secret_file}"):
        load_from(secret_file)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"\n", "is empty", id="newline only"),
        pytest.param(b"s3cret\xff", "is not UTF-8 text", id="not UTF-8"),
        pytest.param(b"s3cret-of\nanother", "control character", id="two lines"),
    ],
)
def test_a_secret_file_without_a_secret_is_refused(secret_file: Path, content: bytes, fault: str) -> None:
    secret_file.write_bytes(content)

    with pytest.raises(ConfigurationError, match=f"AUTH0_CLIENT_SECRET_FILE: .*{fault}") as caught:
        load_from(secret_file)

    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("name", ["missing", "."])
def test_an_unreadable_secret_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        ConfigurationError, match=f"AUTH0_CLIENT_SECRET_FILE: {tmp_path / name} cannot be read"
    ):
        load_from(tmp_path / name)


def test_a_secret_that_was_set_as_its_file_is_not_quoted() -> None:
    with pytest.raises(ConfigurationError, match="AUTH0_CLIENT_SECRET_FILE: its file cannot be") as caught:
        load_from(SECRET)

    assert SECRET not in str(caught.value)
