"""A student opens JupyterLab in a browser, runs the first lab and presses the panel's buttons."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress

import pytest
from playwright.sync_api import sync_playwright

from pacslab.scenario import load_scenario

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(400)]

TOKEN = "a-token-of-the-tests"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 90_000  # milliseconds


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def served(places, program):
    """Serve the labs as ``pacslab lab`` does, and return their address."""
    program("Orthanc")
    port = free_port()
    # A person's own JupyterLab settings and open tabs would be seen, and changed, by the test.
    jupyter = {f"JUPYTER_{name}_DIR": str(places / "jupyter" / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    lab = {"PACSLAB_TOKEN": TOKEN, "PACSLAB_STUDENT": "asha", "PACSLAB_RUNTIME": "process"}
    environment = {**os.environ, **jupyter, **lab}
    command = [sys.executable, "-m", "pacslab", "lab", "--no-browser", "--port", str(port)]
    server = subprocess.Popen(command, env=environment, cwd=places)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            with suppress(OSError):
                urllib.request.urlopen(f"{address}/api", timeout=5)
                break
            time.sleep(0.2)
        yield address
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(60) == 0


@pytest.fixture
def page(chromium, tmp_path):
    """Return a page of a browser with a new profile."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch_persistent_context(
            tmp_path / "profile", executable_path=chromium, args=ARGUMENTS, viewport={"width": 1400, "height": 1000}
        )
        browser.set_default_timeout(PATIENCE)
        yield browser.pages[0]
        browser.close()


class Notebook:
    """The open notebook, as a person sees it."""

    def __init__(self, page):
        self.page = page
        page.wait_for_selector("text=/ipykernel.*Idle/")

    def run_all(self):
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_text("Run All Cells", exact=True).click()
        self.page.wait_for_selector("text=/ipykernel.*Busy/")
        calm = 0
        while calm < 8:  # between two cells the kernel is idle for a moment
            self.page.wait_for_timeout(250)
            calm = calm + 1 if self.page.locator("text=/ipykernel.*Idle/").count() else 0

    def everything(self):
        """Return all that the notebook says, read from top to bottom (JupyterLab draws only what is near)."""
        pane = ".jp-WindowedPanel-outer"
        seen = []
        height = self.page.eval_on_selector(pane, "one => one.scrollHeight")
        for top in range(0, height, 700):
            self.page.eval_on_selector(pane, "(one, top) => { one.scrollTop = top }", top)
            self.page.wait_for_timeout(150)
            seen.append(self.page.inner_text(".jp-Notebook"))
        self.page.eval_on_selector(pane, "one => { one.scrollTop = 0 }")
        return "\n".join(seen)

    def to_panel(self):
        pane = ".jp-WindowedPanel-outer"
        for top in range(0, 5000, 300):
            self.page.eval_on_selector(pane, "(one, top) => { one.scrollTop = top }", top)
            self.page.wait_for_timeout(150)
            if self.page.locator("button.widget-button", has_text="Assess").count():
                break
        self.page.locator("button.widget-button", has_text="Assess").scroll_into_view_if_needed()

    def press(self, button):
        self.page.locator("button.widget-button", has_text=re.compile(rf"^\s*{button}")).click()

    def panel_says(self, words):
        panel = self.page.locator(".jupyter-widgets.widget-vbox", has=self.page.locator("button.widget-button"))
        panel.get_by_text(words).first.wait_for()


def test_browser_runs_the_first_lab_and_the_panel(served, page):
    page.goto(f"{served}/lab/tree/labs/01_discover.ipynb?token={TOKEN}")
    notebook = Notebook(page)
    notebook.run_all()
    said = notebook.everything()
    assert "✓ running" in said
    assert "What the archive calls itself · 5 points" in said
    assert "No answer was given yet" in said
    assert "ways in are open" in said
    assert f"0 of {load_scenario('open-archive').points} points" in said
    assert "Traceback" not in said
    assert not page.locator("[data-mime-type='application/vnd.jupyter.error']").count()

    notebook.to_panel()
    notebook.press("Assess")
    notebook.panel_says("ways in are open, none of the hospital's tasks are broken")
    notebook.press("Reset")
    notebook.panel_says("Do you want that?")
    notebook.press("No, keep my work")
    notebook.panel_says("Nothing was changed.")
    notebook.press("Restart")
    notebook.panel_says("The archive runs with your configuration.")
    notebook.press("Stop")
    notebook.panel_says("Ended 4 servers.")
    notebook.panel_says("○ not running")
    assert page.locator("button.widget-button", has_text="Assess").is_disabled()
    notebook.press("Start")
    notebook.panel_says("The hospital's network is running.")
    assert page.locator("a[href^='http://127.']").first.is_visible()
    assert not page.get_by_text("official Jupyter news").count()
