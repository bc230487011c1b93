"""The documents say what the code does."""

import ast
import os
import re
import shlex
import socket
import subprocess
import sys
import tomllib
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from tests.kit.processes import REPOSITORY, make_environment
from tests.kit.servers import DevelopmentServer
from timesheets import exceptions
from timesheets.exceptions import Problem
from timesheets.storage.entries import Outcome
from timesheets.trust.token_rules import MAX_LIFETIME_SECONDS
from timesheets_client.arguments import add_arguments
from timesheets_client.environment.config import VARIABLES
from timesheets_client.errors import ExitStatus

README = (REPOSITORY / "README.md").read_text()
API, ARCHITECTURE, CLIENT, MONITORING, SEND_FILES, SETTINGS = (
    (REPOSITORY / f"docs/{name}.md").read_text()
    for name in ("api", "architecture", "client", "monitoring", "send-files", "settings")
)
PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])
# The headers of responses that a page shows. All others are the same everywhere.
SHOWN_HEADERS = {
    *("Content-Type", "Idempotency-Replayed", "Link", "Location", "Preference-Applied"),
    *("Timesheets-As-Of", "WWW-Authenticate"),
}
# Each of these may also be read from the file that NAME_FILE names.
FROM_FILES = {"DJANGO_SECRET_KEY", "DATABASE_URL", "AUTH0_CLIENT_SECRET", "OAUTH_WEB_CLIENT_SECRET"}


def find_calls_of_settings(*modules: str) -> Iterator[tuple[str, list[ast.expr]]]:
    """Each `env.kind("NAME", default)` of the modules: the name, and the default if there is one."""
    for module in modules:
        for node in ast.walk(ast.parse((REPOSITORY / f"timesheets_site/{module}.py").read_text())):
            if isinstance(node, ast.Call) and re.match(
                r"(env|self)\.(str|int|float|bool|list)$", ast.unparse(node.func)
            ):
                yield str(ast.literal_eval(node.args[0])), node.args[1:]


def find_variables_of_settings() -> set[str]:
    return {name for name, _ in find_calls_of_settings("environment", "settings", "settings_production")}


def find_variables() -> set[str]:
    return find_variables_of_settings() | set(VARIABLES) | {f"{name}_FILE" for name in FROM_FILES}


def test_the_settings_read_variables() -> None:
    assert {"DATABASE_URL", "AUTH0_DOMAIN", "TIMESHEETS_DEV_PORT"} <= find_variables_of_settings()


def test_the_example_lists_every_variable_and_no_other() -> None:
    lines = (REPOSITORY / ".env.example").read_text().splitlines()

    named = [match[1] for line in lines if (match := re.fullmatch(r"#([A-Z0-9_]+)=.*", line))]
    assert sorted(named) == sorted(find_variables())


def find_documented_variables(heading: str) -> dict[str, str]:
    """The rows of the table below this heading of the page about settings, by variable."""
    [section] = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", SETTINGS, re.MULTILINE | re.DOTALL)
    return dict(re.findall(r"^\| `([A-Z0-9_]+)` \| (.*) \|$", section, re.MULTILINE))


def test_the_settings_page_explains_every_variable_and_no_other() -> None:
    both, api, client = (find_documented_variables(who) for who in ("API and client", "API", "Client"))

    assert set(both) == find_variables_of_settings() & set(VARIABLES)
    assert set(api) == find_variables_of_settings() - set(VARIABLES)
    assert set(client) == set(VARIABLES) - find_variables_of_settings()
    assert all(f"`{name}_FILE`" in SETTINGS for name in FROM_FILES)


def test_the_settings_page_states_each_default() -> None:
    rows = find_documented_variables("API") | find_documented_variables("API and client")

    stated = {name: row.rpartition(" | ")[2] for name, row in rows.items()}
    for name, arguments in find_calls_of_settings("settings_production", "environment"):
        default = ast.unparse(arguments[0]) if arguments else "required"
        if default == "required":
            assert stated[name] == "required"
        elif re.fullmatch(r"False|[\d.]+|'[^']+'|\['.+'\]", default):
            value = default.strip("[]").replace("'", "").replace(", ", ",").removesuffix(".0")
            assert stated[name] == f"`{value.replace('False', 'false')}`"


def test_troubleshooting_states_how_long_a_token_may_live() -> None:
    page = (REPOSITORY / "docs/troubleshooting.md").read_text()

    assert f"for more than {MAX_LIFETIME_SECONDS // 86400} days (`exp` minus `iat`)" in page


def find_anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of the page."""
    headings = re.findall(r"^#+ (.*)", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_everything_that_a_page_links_exists(page: Path) -> None:
    linked = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", page.read_text())

    assert linked or "](" not in page.read_text()
    for path, anchor in linked:
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not anchor or anchor in find_anchors(target), f"{path}#{anchor}"


def test_the_changelog_and_the_description_begin_with_the_version(description: dict[str, Any]) -> None:
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    changes = (REPOSITORY / "CHANGELOG.md").read_text().replace("## Unreleased\n", "")

    assert re.findall(r"^## (.*)$", changes, re.MULTILINE)[0] == description["info"]["version"] == version


def test_the_lines_of_the_pages_are_as_long_as_the_editors_are_told() -> None:
    [width] = re.findall(
        r"^\[\*\.md\]\nmax_line_length = (\d+)$", (REPOSITORY / ".editorconfig").read_text(), re.MULTILINE
    )

    for page in [*PAGES, REPOSITORY / "timesheets_client/README.md"]:
        prose = re.sub(r"^ *```.*?^ *```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        lines = [line for line in prose.splitlines() if not line.startswith("|") and " " in line]
        assert [line for line in lines if len(line) > int(width)] == [], page.name


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


def test_the_clients_pages_know_each_option_and_no_other() -> None:
    parser = ArgumentParser(add_help=False)
    add_arguments(parser)

    options = set(re.findall(r"^  (--[a-z-]+)", parser.format_help(), re.MULTILINE))
    named = set(
        re.findall(
            r"(?<=[`\s])--[a-z][a-z-]*",
            CLIENT + re.sub(r"^.*\b(?:pip|systemctl)\b.*", "", SEND_FILES, flags=re.M),
        )
    )
    assert named == options | {"--env-file", "--traceback"}


def test_the_clients_page_knows_each_exit_status() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \| (.*?) \|", CLIENT, re.MULTILINE)

    statuses = {int(status): meaning for numbers, meaning in rows for status in numbers.split(", ")}
    assert set(ExitStatus) == set(statuses)
    assert all(status.meaning in statuses[status] for status in ExitStatus)


def find_typed_commands(page: str) -> Iterator[tuple[str, str]]:
    """Each command of a page with what it prints. A line that ends in one of `\\|,[` goes on."""
    for block in re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        for command, printed in re.findall(
            r"^\$ ((?:.*[\\|,[]\n)*.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE
        ):
            yield command, printed.strip()


def type_commands(folder: Path, page: str) -> list[tuple[str, str]]:
    """What each command of the page should print and prints, next to a server with an empty database."""
    commands, expected = zip(*find_typed_commands(page), strict=True)
    server = DevelopmentServer(folder)
    for name, program in re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        (folder / name).write_text(program.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}"))
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
    printed = [normalize(part) for part in output.split("----\n")]
    return list(zip(map(normalize, expected), printed, strict=True))


def normalize(printed: str) -> str:
    """What differs from run to run, made alike, without the headers that no page shows."""
    if printed.startswith("HTTP/"):
        head, _, body = printed.replace("\r", "").partition("\n\n")
        # RFC 9110 renamed this status, and Python 3.13 follows it.
        start, *headers = head.replace("Unprocessable Entity", "Unprocessable Content").split("\n")
        shown = sorted(header for header in headers if header.partition(":")[0] in SHOWN_HEADERS)
        printed = "\n".join([start, *shown, "", body])
    printed = re.sub(r"in \d+\.\d s", "in 0.1 s", printed)
    printed = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", "2026-06-02T08:00:00+00:00", printed)
    printed = re.sub(r'"created_at":"[\d.:TZ-]+"', '"created_at":"-"', printed)
    printed = re.sub(r"eyJ[\w.-]*", "eyJ", printed.strip())
    printed = re.sub(r'"received_at":"[\d.:TZ-]+"', '"received_at":"-"', printed)
    return re.sub(r'"request_id":"\w+"', '"request_id":"-"', printed)


def test_the_page_about_metrics_names_every_verdict_that_is_counted() -> None:
    [explained] = re.findall(
        r"^\| `timesheets_entries_total` \| Entries by `verdict`. (.*)", MONITORING, re.MULTILINE
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


@pytest.mark.slow
@pytest.mark.parametrize("name", ["api", "payday"])
@pytest.mark.shell
def test_the_commands_of_a_page_print_what_it_says(tmp_path: Path, name: str) -> None:
    results = type_commands(tmp_path, (REPOSITORY / f"docs/{name}.md").read_text())

    assert len(results) > 15
    assert [printed for _, printed in results] == [expected for expected, _ in results]


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    source = (REPOSITORY / "timesheets/openapi.yaml").read_text()
    return cast("dict[str, Any]", yaml.safe_load(source))


def test_the_apis_page_has_every_operation_with_its_parameters(description: dict[str, Any]) -> None:
    sections = dict(re.findall(r"^## (\w+ /\S+)\n(.*?)(?=^## )", API, re.MULTILINE | re.DOTALL))

    operations = {
        f"{method.upper()} {re.sub(r'(timesheet|upload|run)_', '', path)}": operation.get("parameters", [])
        for path, methods in description["paths"].items()
        if not path.startswith("/.well-known/")
        for method, operation in methods.items()
    }
    assert set(sections) == set(operations)
    for operation, parameters in operations.items():
        described = [
            description["components"]["parameters"][each["$ref"].split("/")[-1]] if "$ref" in each else each
            for each in parameters
        ]
        names = {each["name"] for each in described if each["in"] != "path"} - {"X-Request-ID"}
        assert {name for name in names if not re.search(rf"`{name}\b", sections[operation])} == set()
    assert {name for name in description["components"]["headers"] if name not in API} == set()


def test_the_apis_page_has_every_code_with_its_status(description: dict[str, Any]) -> None:
    classes = [each for each in vars(exceptions).values() if isinstance(each, type)]
    problems = [each for each in classes if issubclass(each, Problem) and each is not Problem]

    rows = {code: int(status) for status, code in re.findall(r"^\| (\d+) \| `(\w+)` \|", API, re.MULTILINE)}
    assert set(rows) == set(description["components"]["schemas"]["Problem"]["properties"]["code"]["enum"])
    assert {each.default_code: each.status_code for each in problems}.items() <= rows.items()


def test_the_readmes_own_file_is_uploaded_and_corrected_as_it_says(
    tmp_path: Path, server: DevelopmentServer
) -> None:
    [rows] = re.findall(r"^```csv\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    commands = re.findall(r"^\$ \S+ manage\.py (upload_timesheet .*week23\.csv)\n(.*)$", README, re.MULTILINE)
    file = tmp_path / "week23.csv"

    assert len(commands) == 2
    for command, printed in commands:
        file.write_text(rows)
        result = server.manage(*shlex.split(command.replace("week23.csv", str(file))))
        said = re.sub(r"in [\d.]+ s; upload \d+", "in 0.1 s; upload 1", result.stdout).strip()
        assert said == re.sub(r"upload \d+$", "upload 1", printed).replace("week23.csv", str(file))
        rows = rows.replace(",7.5,", ",8,")
