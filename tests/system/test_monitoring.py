"""The alert rules fit the metrics, and Prometheus accepts them."""

import re
import subprocess

import pytest
import yaml

from tests.kit.processes import REPOSITORY
from timesheets.metrics import export

ALERTS = REPOSITORY / "deploy/alerts.yml"


def find_metrics() -> set[str]:
    """The names of all metrics. The library adds the time of creation, but not for several workers."""
    names = re.findall(r"^# TYPE (\w+)", export().decode(), re.MULTILINE)
    return {name for name in names if not name.endswith("_created")}


def test_the_page_explains_every_metric_and_no_other() -> None:
    page = (REPOSITORY / "docs/monitoring.md").read_text()

    assert set(re.findall(r"^\| `(timesheets_\w+)` \|", page, re.MULTILINE)) == find_metrics()


def test_every_metric_that_an_alert_names_exists() -> None:
    named = set(re.findall(r"timesheets_\w+", ALERTS.read_text()))

    assert len(named) == 5
    assert named <= find_metrics()


def test_every_alert_says_what_to_do_first() -> None:
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]

    assert len(group["rules"]) == 5
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert re.search(r"\b(Look|Run)\b", rule["annotations"]["summary"])


@pytest.mark.prometheus
@pytest.mark.parametrize(
    "arguments", [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]]
)
def test_prometheus_accepts_the_alerts(arguments: list[str]) -> None:
    result = subprocess.run(
        ["promtool", *arguments], cwd=ALERTS.parent, capture_output=True, text=True, timeout=60, check=False
    )

    assert result.returncode == 0, result.stdout + result.stderr
