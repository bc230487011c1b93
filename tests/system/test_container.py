"""deploy/ agrees with the code: what the image contains, what its check asks for, what compose.yaml sets."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import psycopg
import pytest
import yaml

from tests.kit.issuer import Issuer
from tests.kit.postgresql import PostgreSQLServer
from tests.kit.processes import REPOSITORY, make_environment, run_python
from tests.kit.responders import content
from tests.system.test_docs import FROM_FILES, find_variables_of_settings

DEPLOY = REPOSITORY / "deploy"


def read_instructions() -> list[tuple[str, str]]:
    """Each instruction of the Containerfile with its arguments, such as ("USER", "10001:10001")."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Containerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", "").splitlines()
    return [(word, arguments) for line in lines if line for word, arguments in [line.split(None, 1)]]


INSTRUCTIONS = read_instructions()
# What the image is made of, without what comes from the first stage.
COPIED = {
    arguments.split()[0]
    for word, arguments in INSTRUCTIONS
    if word == "COPY" and not arguments.startswith("--from")
}
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ["api", "migrate"]


# Of the API: whether it is a superuser, and what it may do with entries.
PRIVILEGES = """
    SELECT rolsuper, has_table_privilege('timesheets_timesheet', 'SELECT'),
        has_table_privilege('timesheets_timesheet', 'INSERT'),
        has_table_privilege('timesheets_timesheet', 'UPDATE, DELETE, TRUNCATE'),
        pg_has_role(relowner, 'MEMBER'), has_schema_privilege('public', 'CREATE')
    FROM pg_roles, pg_class WHERE rolname = current_user AND relname = 'timesheets_timesheet'
"""


def find_instruction(word: str) -> str:
    """The arguments of the only instruction of this kind."""
    [arguments] = [arguments for found, arguments in INSTRUCTIONS if found == word]
    return arguments


def read_image_variables() -> dict[str, str]:
    return dict(setting.split("=", 1) for setting in find_instruction("ENV").split())


def find_operators_files() -> set[str]:
    """The files next to compose.yaml that an operator writes."""
    return {
        SERVICES["api"]["env_file"],
        *(secret["file"] for secret in COMPOSE["secrets"].values()),
        *(path for path in find_scripts_of_the_database() if path.startswith("secrets/")),
    }


def find_scripts_of_the_database() -> list[str]:
    """The files that PostgreSQL's image runs on a new database, in its order."""
    mounts = [volume.split(":") for volume in SERVICES["database"]["volumes"]]
    scripts = [
        (mount[1], mount[0]) for mount in mounts if mount[1].startswith("/docker-entrypoint-initdb.d/")
    ]
    return [path.removeprefix("./") for _, path in sorted(scripts)]


def test_the_image_contains_what_exists_and_nothing_of_development() -> None:
    lines = (DEPLOY / "Containerfile.dockerignore").read_text().splitlines()
    patterns = [line for line in lines if not line.startswith("#")]

    assert {"manage.py", "requirements.txt", "timesheets"} <= COPIED
    assert [path for path in COPIED if not (REPOSITORY / path).exists()] == []
    # The builder sees only what is copied.
    assert patterns[0] == "*"
    assert {pattern[1:] for pattern in patterns if pattern.startswith("!")} == COPIED
    assert {"timesheets_site/devissuer", "timesheets_site/settings.py"} <= set(patterns)
    assert read_image_variables()["DJANGO_SETTINGS_MODULE"] == "timesheets_site.settings_production"


def test_the_image_does_not_run_as_root() -> None:
    assert all(int(number) > 0 for number in find_instruction("USER").split(":"))


@pytest.mark.parametrize(("status", "is_healthy"), [(200, True), (503, False), (301, False)])
def test_the_health_check_follows_the_status_of_healthz(status: int, is_healthy: bool) -> None:
    server = Issuer()
    server.answers["/healthz"] = content(b"{}", status, {"Location": server.jwks_url})
    [command] = re.findall(r"CMD (\[.*\])$", find_instruction("HEALTHCHECK"))
    port = server.url.rstrip("/").rpartition(":")[2]

    result = subprocess.run(
        [sys.executable, *json.loads(command)[1:]],
        # A proxy must not be asked about the container's own address.
        env=make_environment(GRANIAN_PORT=port, http_proxy="http://127.0.0.1:1"),
        capture_output=True,
        timeout=30,
        check=False,
    )

    server.close()
    assert (result.returncode == 0) is is_healthy


@pytest.mark.parametrize("service", OURS)
def test_compose_sets_only_variables_that_production_reads(service: str) -> None:
    set_by_compose = set(SERVICES[service]["environment"])

    from_files = {f"{name}_FILE" for name in FROM_FILES}
    assert set_by_compose
    assert set_by_compose <= find_variables_of_settings() | from_files


@pytest.mark.parametrize("service", list(SERVICES))
def test_each_secret_that_a_service_reads_is_given_to_it(service: str) -> None:
    variables = SERVICES[service].get("environment", {})

    read = {PurePosixPath(path).name for name, path in variables.items() if name.endswith("_FILE")}
    read |= set(re.findall(r"/run/secrets/(\w+)", str(SERVICES[service].get("command"))))
    assert read
    secrets = [
        secret if isinstance(secret, dict) else {"source": secret, "target": secret}
        for secret in SERVICES[service]["secrets"]
    ]
    assert read == {secret["target"] for secret in secrets}
    assert {secret["source"] for secret in secrets} <= set(COMPOSE["secrets"])


def test_the_api_waits_for_the_grants_and_the_migrations_and_they_wait_for_the_database() -> None:
    api, grants, migrate = (SERVICES[name]["depends_on"] for name in ("api", "grants", "migrate"))

    assert api == {"grants": {"condition": "service_completed_successfully"}}
    assert grants == {"migrate": {"condition": "service_completed_successfully"}}
    assert migrate == {"database": {"condition": "service_healthy"}}
    assert SERVICES["migrate"]["command"] == "migrate"


def test_only_the_proxy_of_this_machine_reaches_a_port() -> None:
    port = read_image_variables()["GRANIAN_PORT"]

    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published == {"api": [f"127.0.0.1:8000:{port}"]}


@pytest.mark.parametrize("service", OURS)
def test_a_service_of_ours_can_change_nothing_in_its_container(service: str) -> None:
    hardened = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}

    assert {name: SERVICES[service].get(name) for name in hardened} == hardened


def read_guide() -> str:
    _, _, section = (REPOSITORY / "docs/deployment.md").read_text().partition("\n## Container\n")
    return section


def test_the_metrics_have_a_temporary_folder() -> None:
    assert SERVICES["api"]["tmpfs"] == ["/tmp"]  # noqa: S108
    assert "docker run --detach --read-only --tmpfs /tmp" in read_guide()


def test_the_documentation_creates_every_file_that_compose_reads() -> None:
    created = re.findall(r"> ([\w./${}]+)(?: <<END)?$", read_guide(), re.MULTILINE)

    assert {
        path.replace("${role}", role) for path in created for role in ("owner", "api")
    } == find_operators_files()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[PostgreSQLServer]:
    """A server as compose.yaml starts it, with the tables."""
    (tmp_path / "deploy").mkdir()
    commands, _, _ = read_guide().partition("```sh\n")[2].partition("docker compose")
    subprocess.run(["bash", "-ec", commands], cwd=tmp_path, check=True)
    server = PostgreSQLServer()
    with psycopg.connect(server.create_database("timesheets")) as connection:
        for script in find_scripts_of_the_database():
            folder = tmp_path / "deploy" if script.startswith("secrets/") else DEPLOY
            connection.execute((folder / script).read_text().encode())
    yield server
    server.close()


@pytest.mark.postgresql
@pytest.mark.shell
def test_only_the_migrations_run_as_a_role_that_can_change_entries(
    database: PostgreSQLServer, tmp_path: Path
) -> None:
    api, owner = (
        (tmp_path / "deploy" / COMPOSE["secrets"][SERVICES[service]["secrets"][0]["source"]]["file"])
        .read_text()
        .strip()
        .replace("@database/", f"@127.0.0.1:{database.port}/")
        for service in OURS
    )
    run_python(
        "-m", "django", "migrate", TEST_DATABASE_URL=owner, DJANGO_SETTINGS_MODULE="tests.settings_server"
    )

    with psycopg.connect(api) as connection:
        [may] = connection.execute(PRIVILEGES).fetchall()

    assert may == (False, True, True, False, False, False)
    # The roles have passwords.
    assert database.execute("SELECT count(rolpassword) FROM pg_authid WHERE rolname LIKE 'timesheets_%'") == [
        (2,)
    ]


def test_git_ignores_what_an_operator_adds() -> None:
    ignored = (REPOSITORY / ".gitignore").read_text().splitlines()

    assert {f"/deploy/{re.sub('/.*', '/', file)}" for file in find_operators_files()} <= set(ignored)
