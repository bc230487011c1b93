"""The documents say what the code does."""

import ast
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.kit.processes import REPOSITORY, link_manage_py, make_environment, run_python
from tests.kit.servers import DevelopmentServer
from timesheets.storage.verdicts import Outcome
from timesheets.trust.token_rules import MAX_LIFETIME_SECONDS
from timesheets_client.environment.config import VARIABLES
from timesheets_client.errors import MEANINGS

README = (REPOSITORY / "README.md").read_text()
API, ARCHITECTURE, CLIENT, DEPLOYMENT = (
    (REPOSITORY / f"docs/{name}.md").read_text() for name in ("api", "architecture", "client", "deployment")
)
PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])
# Each of these may also be read from the file that NAME_FILE names.
FROM_FILES = {"DJANGO_SECRET_KEY", "DATABASE_URL", "AUTH0_CLIENT_SECRET", "OAUTH_WEB_CLIENT_SECRET"}


def find_variables_of_settings() -> set[str]:
    """The names that the settings read: the first argument of each `env.kind("NAME", ...)`."""
    calls = [
        node
        for module in ("environment", "settings", "settings_production")
        for node in ast.walk(ast.parse((REPOSITORY / f"timesheets_site/{module}.py").read_text()))
        if isinstance(node, ast.Call)
        and re.match(r"(env|self)\.(str|int|float|bool|list)$", ast.unparse(node.func))
    ]
    return {str(ast.literal_eval(call.args[0])) for call in calls}


def find_variables() -> set[str]:
    return find_variables_of_settings() | set(VARIABLES) | {f"{name}_FILE" for name in FROM_FILES}


def test_the_settings_read_variables() -> None:
    assert {"DATABASE_URL", "AUTH0_DOMAIN", "TIMESHEETS_DEV_PORT"} <= find_variables_of_settings()


def test_the_example_lists_every_variable_and_no_other() -> None:
    lines = (REPOSITORY / ".env.example").read_text().splitlines()

    named = [match[1] for line in lines if (match := re.fullmatch(r"#([A-Z0-9_]+)=.*", line))]
    assert sorted(named) == sorted(find_variables())


def find_documented_variables(page: str) -> set[str]:
    return set(re.findall(r"^\| `([A-Z0-9_]+)` \|", page, re.MULTILINE))


def test_the_pages_explain_every_variable_and_no_other() -> None:
    settings = find_documented_variables(DEPLOYMENT)
    variables = find_documented_variables(CLIENT)

    assert variables == set(VARIABLES)
    assert settings | {f"{name}_FILE" for name in FROM_FILES} | variables == find_variables()
    assert all(f"`{name}_FILE`" in DEPLOYMENT + CLIENT for name in FROM_FILES)


def test_troubleshooting_states_how_long_a_token_may_live() -> None:
    page = (REPOSITORY / "docs/troubleshooting.md").read_text()

    assert f"for more than {MAX_LIFETIME_SECONDS // 86400} days (`exp` minus `iat`)" in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_links_exists(page: Path) -> None:
    linked = re.findall(r"\]\(((?!https?:)[^)#]+)\)", page.read_text())

    assert [link for link in linked if not (page.parent / link).exists()] == []


def test_every_file_that_the_architecture_names_exists() -> None:
    named = re.findall(r"`((?:timesheets(?:_client|_files|_site)?|tests)/[\w/.]*)`", ARCHITECTURE)

    assert named
    assert [path for path in named if not (REPOSITORY / path).exists()] == []


def test_every_module_has_a_line_in_the_architecture() -> None:
    files = (REPOSITORY / "timesheets").glob("*.py")
    packages = (REPOSITORY / "timesheets").glob("*/__init__.py")
    modules = {path.stem for path in files} | {path.parent.name for path in packages}
    modules -= {"__init__", "migrations"}

    [layers] = re.findall(r"```\n(management, urls.*?)```", ARCHITECTURE, re.DOTALL)
    assert set(re.findall(r"\w+", layers)) == modules


def test_the_help_names_what_the_client_reads_and_how_it_ends(tmp_path: Path) -> None:
    help_text = run_python(link_manage_py(tmp_path), "upload_timesheet", "--help").stdout

    assert all(f"\n  {name} " in help_text for name in VARIABLES)
    assert all(
        re.search(rf"^  {status.value} +{meaning}$", help_text, re.M) for status, meaning in MEANINGS.items()
    )


def test_the_clients_page_knows_each_exit_status() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \| (.*?) \|", CLIENT, re.MULTILINE)

    statuses = {int(status): meaning for numbers, meaning in rows for status in numbers.split(", ")}
    assert {status.value for status in MEANINGS} == set(statuses)
    assert all(MEANINGS[status] in statuses[status.value] for status in MEANINGS)


def find_console_blocks() -> Iterator[tuple[str, str]]:
    """Each command of the API's page with what it prints."""
    for block in re.findall(r"^```console\n\$ (.*?)^```", API, re.MULTILINE | re.DOTALL):
        # What is printed begins where a line begins with a brace.
        command, brace, printed = block.partition("\n{")
        yield command, f"{brace}{printed}".strip()


def find_typed_commands(page: str) -> Iterator[tuple[str, str]]:
    """Each command of a page with what it prints. A line that ends in a backslash or a pipe goes on."""
    for block in re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        for command, printed in re.findall(
            r"^\$ ((?:.*[\\|]\n)*.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE
        ):
            yield command, printed.strip()


def type_commands(folder: Path, commands: Sequence[str]) -> list[str]:
    """What each of the commands prints, on both streams, next to a server with an empty database."""
    server = DevelopmentServer(folder)
    script = "\necho; echo '----'\n".join(commands).replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    try:
        result = subprocess.run(
            ["bash", "-c", script],
            cwd=folder,
            env=make_environment(**server.variables, PATH=path),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=True,
        )
    finally:
        server.close()
    output = result.stdout.replace(f"127.0.0.1:{server.port}", "127.0.0.1:8000")
    return [normalize(part) for part in output.split("----\n")]


def normalize(printed: str) -> str:
    """What differs from run to run, made alike."""
    printed = re.sub(r"in \d+\.\d s", "in 0.1 s", printed)
    printed = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", "2026-06-02T08:00:00+00:00", printed)
    printed = re.sub(r'"created_at":"[\d.:TZ-]+"', '"created_at":"-"', printed)
    printed = re.sub(r"eyJ[\w.-]*", "eyJ", printed.strip())
    printed = re.sub(r'"received_at":"[\d.:TZ-]+"', '"received_at":"-"', printed)
    return re.sub(r'"request_id":"\w+"', '"request_id":"-"', printed)


def test_the_deployment_guide_names_every_verdict_that_is_counted() -> None:
    [explained] = re.findall(
        r"^\| `timesheets_entries_total` \| Entries by `verdict`. (.*)", DEPLOYMENT, re.MULTILINE
    )

    assert set(re.findall(r"`(\w+)`", explained)) == set(Outcome)


def test_the_first_screen_shows_what_run_says() -> None:
    [block] = re.findall(r"^```console\n\$ \./run\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    script = (REPOSITORY / "run").read_text()

    said = [re.sub(r" (in /tmp|at http).*", "", line) for line in block.splitlines() if line[:1].isupper()]
    assert len(said) == 7
    assert [line for line in said if line not in script and "Created timesheet" not in line] == []


@pytest.mark.shell
def test_run_serve_prints_no_address_while_its_port_is_in_use() -> None:
    functions, _, _ = (REPOSITORY / "run").read_text().partition("\nproject=$(")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        result = subprocess.run(
            ["sh", "-c", f"{functions}\nserve"],
            env=make_environment(python=sys.executable, project=str(REPOSITORY), TIMESHEETS_DEV_PORT=port),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert (result.returncode, result.stdout) == (1, "")
    assert f"port {port} is in use" in result.stderr


@pytest.mark.shell
def test_the_commands_print_what_the_apis_page_says(tmp_path: Path) -> None:
    commands, expected = zip(*find_console_blocks(), strict=True)

    printed = type_commands(tmp_path, commands)

    assert len(printed) > 15
    assert printed == [normalize(part) for part in expected]


@pytest.mark.shell
def test_a_month_goes_as_the_page_about_payday_says(tmp_path: Path) -> None:
    page = (REPOSITORY / "docs/payday.md").read_text()
    commands, expected = zip(*find_typed_commands(page), strict=True)

    printed = type_commands(tmp_path, commands)

    assert len(printed) > 15
    assert printed == [normalize(part) for part in expected]


def test_the_readmes_own_file_is_uploaded_as_it_says(tmp_path: Path, server: DevelopmentServer) -> None:
    [rows] = re.findall(r"^```csv\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    [printed] = re.findall(r"^\$ \S+ manage\.py upload_timesheet week23\.csv\n(.*)$", README, re.MULTILINE)
    file = tmp_path / "week23.csv"
    file.write_text(rows)

    result = server.manage("upload_timesheet", str(file))

    said = re.sub(r"in [\d.]+ s; upload \d+", "in 0.1 s; upload 1", result.stdout).strip()
    assert said == printed.replace("week23.csv", str(file))
