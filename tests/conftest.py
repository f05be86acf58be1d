"""What tests of several rooms share: a real browser that waits for minutes, and examples drawn alike each time."""

import os
import shutil

import pytest
from hypothesis import HealthCheck, settings

from tests.patience import PATIENCE_SECONDS

# the same examples everywhere, nothing kept in the checkout, and no word about how slow a machine draws them
settings.register_profile(
    "alike", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
# CRLM_TEST_EXAMPLES=new looks for others
settings.register_profile("new", parent=settings.get_profile("alike"), derandomize=False)
settings.load_profile(os.environ.get("CRLM_TEST_EXAMPLES", "alike"))

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


class PatientBrowser:
    """A browser whose pages wait as long as everything else."""

    def __init__(self, running) -> None:
        self.running = running

    def new_context(self, **options):
        context = self.running.new_context(**options)
        context.set_default_timeout(1000 * PATIENCE_SECONDS)
        return context

    def new_page(self, **options):
        return self.new_context(**options).new_page()


# a module's and no longer: while Playwright's own event loop runs, no other test of this process can run one
@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install .[dev]")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("there is no Chromium (Debian: chromium)")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=path, args=FLAGS, timeout=1000 * PATIENCE_SECONDS)
        yield PatientBrowser(running)
        running.close()
