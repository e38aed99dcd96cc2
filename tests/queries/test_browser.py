"""The pages in a real browser: they render and call nobody. Skips, visibly, without Chromium."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from ingest.addresses import Address
from ledger.paths import DataDir
from queries.api.app import application
from spanledger.presence import wait_until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
FLAGS += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
BROWSER_S = 60

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: install the package chromium"),
]


@pytest.fixture(scope="module")
def page(books: DataDir) -> Iterator[str]:
    """Address of the pages over the samples."""
    (listening,) = Address.parse("127.0.0.1:0", "--api").bind()
    server = uvicorn.Server(uvicorn.Config(application(books), log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    assert wait_until(lambda: server.started, BROWSER_S)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listening.close()


def browse(tmp_path: Path, url: str, *flags: str) -> str:
    """What the browser made of the page; what it asked for goes to net.json."""
    assert CHROMIUM is not None
    log = tmp_path / "net.json"
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", f"--log-net-log={log}", *flags, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=BROWSER_S, check=True).stdout


@pytest.mark.parametrize("path", ["/runs", "/cost", "/runs?agent=invoice_clerk"])
def test_pages_render_and_ask_only_this_server(tmp_path: Path, page: str, path: str) -> None:
    document = browse(tmp_path, page + path, "--dump-dom")
    assert "invoice_clerk" in document
    assert "<h1>" in document
    asked = requests_of(tmp_path / "net.json", page)
    assert f"{page}/static/spanledger.css" in {url.partition("?")[0] for url in asked}
    assert [url for url in asked if not url.startswith(page)] == []


def requests_of(log: Path, page: str) -> list[str]:
    """Addresses that the page itself made the browser ask for (the browser asks some of its own accord)."""
    events = json.loads(log.read_text())["events"]
    started = [event["params"] for event in events if "initiator" in event.get("params", {})]
    return [str(params["url"]) for params in started if params["initiator"] == page and "url" in params]


@pytest.mark.parametrize("scheme", ["0", "1"], ids=["dark", "light"])
def test_a_step_of_a_run_is_drawn_in_dark_and_light(tmp_path: Path, page: str, scheme: str) -> None:
    listed = browse(tmp_path, f"{page}/runs?agent=invoice_clerk", "--dump-dom")
    run_id = listed.partition('href="/runs/')[2][:32]
    picture = tmp_path / "step.png"
    setting = f"--blink-settings=preferredColorScheme={scheme}"
    browse(tmp_path, f"{page}/runs/{run_id}?step=12", f"--screenshot={picture}", "--window-size=1320,1000", setting)
    assert picture.stat().st_size > 50_000  # an unstyled or empty page is a tenth of it
