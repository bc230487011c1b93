"""Check pages with axe-core, on a light phone and a dark desktop, and whether they fit, on a tablet too."""

from typing import Any

from selenium import webdriver

from tests.kit.browsers import set_screen
from tests.kit.processes import NODE_MODULES

# All of WCAG 2.2 at level AA, and what axe-core recommends besides.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SCREENS = [(390, False), (1280, True)]

# The content security policy does not apply to scripts of the driver, nor to sheets that they build.
_PREPARE = """
    const still = new CSSStyleSheet();
    still.replaceSync("* { transition: none !important; animation: none !important; }");
    document.adoptedStyleSheets.push(still);
    for (const closed of document.querySelectorAll("details")) closed.open = true;"""

# A table that scrolls by the keyboard has a tabindex. In the admin, Django decides.
_IS_CUT = """
    const tables = document.querySelectorAll("main#content .table:not([tabindex])");
    const boxes = [document.documentElement, ...tables];
    return boxes.some((box) => box.scrollWidth > box.clientWidth);"""

# The page takes up to two frames to follow the screen.
_RUN = """
    const drawn = new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    return drawn.then(() => axe.run({ runOnly: arguments[0], resultTypes: ["violations"] }));"""


def find_violations(driver: webdriver.Chrome) -> list[str]:
    """Say what axe-core finds wrong on the page that is open, with each `<details>` opened.

    A page or a table that is wider than its place is wrong, too.
    """
    driver.execute_script((NODE_MODULES / "axe-core/axe.min.js").read_text("utf-8"))
    driver.execute_script(_PREPARE)
    cut = [width for width in (390, 768, 1280) if _is_cut(driver, width)]
    return [f"{driver.current_url} or a table in it is wider than {width} pixels" for width in cut] + [
        f"{driver.current_url} ({width}, {'dark' if is_dark else 'light'}): {violation}"
        for width, is_dark in SCREENS
        for violation in _run(driver, width, is_dark=is_dark)
    ]


def _is_cut(driver: webdriver.Chrome, width: int) -> bool:
    set_screen(driver, width, is_dark=False)
    return bool(driver.execute_script(_IS_CUT))


def _run(driver: webdriver.Chrome, width: int, *, is_dark: bool) -> list[str]:
    set_screen(driver, width, is_dark=is_dark)
    result = driver.execute_script(_RUN, RULES)
    return [_describe(rule, node) for rule in result["violations"] for node in rule["nodes"]]


def _describe(rule: dict[str, Any], node: dict[str, Any]) -> str:
    return f"{rule['impact']} {rule['id']}: {node['target']}: {node['failureSummary']}"
