"""The service as processes: start, stop, crashes, and death of the supervisor."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from ingest.addresses import Address
from ledger.paths import DataDir
from queries.progress import progress
from spanledger import supervise
from spanledger.config import load
from spanledger.exporting import Exporter
from spanledger.presence import running, wait_until
from spanledger.samples import sample_directory
from spanledger.supervise import Supervisor

pytestmark = pytest.mark.slow

FREE = ["--otlp-grpc=127.0.0.1:0", "--otlp-http=127.0.0.1:0", "--api=127.0.0.1:0"]
PATIENCE_S = 30.0


@dataclass
class Served:
    process: subprocess.Popen[bytes]
    data: DataDir
    addresses: dict[str, str]
    log: Path

    def children(self) -> dict[str, psutil.Process]:
        """Processes under the supervisor by their name."""
        found = {}
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.Error):  # it ends just now
                words = child.cmdline()
                if words and words[-1].startswith("spanledger.processes."):
                    found[words[-1].rpartition(".")[2]] = child
        return found


@contextmanager
def serve(root: Path, *more: str) -> Iterator[Served]:
    ready, log = root / "ready.json", root / "log"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "spanledger", "serve", "--data", str(root / "data"), "--ready-file", str(ready)]
    with log.open("ab") as sink:
        process = subprocess.Popen([*command, *FREE, *more], stderr=sink, stdout=sink)
    try:
        assert wait_until(ready.is_file, PATIENCE_S), log.read_text()
        yield Served(process, DataDir(root / "data"), json.loads(ready.read_text()), log)
    finally:
        family = psutil.Process(process.pid).children() if process.poll() is None else []
        process.kill()
        process.wait()
        psutil.wait_procs(family, PATIENCE_S)


def send(served: Served, dialect: str = "runaway_loop") -> None:
    with Exporter(served.addresses["otlp_grpc"]) as exporter:
        for path in sorted((sample_directory() / dialect).glob("*.traces.binpb")):
            exporter.send("traces", path.read_bytes())


def posted(served: Served) -> bool:
    now = progress(served.data)
    return now.durable_seq > 1 and now.lag_events == 0


def get(served: Served, path: str) -> object:
    with urllib.request.urlopen(f"http://{served.addresses['api']}{path}", timeout=PATIENCE_S) as answer:
        return json.load(answer)


def test_a_service_takes_answers_and_leaves_in_good_order(tmp_path: Path) -> None:
    with serve(tmp_path) as served:
        assert served.data.root.stat().st_mode & 0o777 == 0o700
        assert running(served.data.serve_json) == served.addresses
        assert set(served.addresses) == {"otlp_grpc", "otlp_http", "api", "pid"}
        send(served)
        assert wait_until(lambda: posted(served), PATIENCE_S)
        runs = get(served, "/api/v1/runs")
        assert isinstance(runs, dict)
        assert [run["cost_usd"] for run in runs["items"]] == ["25"]
        family = served.children()
        assert set(family) == {"collector", "poster", "api"}
        assert {os.getpgid(child.pid) for child in family.values()} == {os.getpgid(served.process.pid)}
        assert family["poster"].nice() > family["collector"].nice()
        start = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(PATIENCE_S) == 0, served.log.read_text()
        assert time.monotonic() - start < 3.5
        assert not served.data.serve_json.exists()
        assert not any(child.is_running() for child in family.values())
        assert "Traceback" not in served.log.read_text()


def test_when_the_supervisor_is_killed_all_die_with_it(tmp_path: Path) -> None:
    with serve(tmp_path) as served:
        family = list(served.children().values())
        served.process.kill()
        served.process.wait()
        gone, alive = psutil.wait_procs(family, 6)
        assert (len(gone), alive) == (3, [])


@pytest.mark.parametrize("victim", ["poster", "api", "collector"])
def test_a_process_that_is_killed_comes_back_and_harms_no_other(tmp_path: Path, victim: str) -> None:
    with serve(tmp_path) as served:
        before = served.children()
        before[victim].kill()

        def is_back() -> bool:
            now = served.children()
            return victim in now and now[victim].pid != before[victim].pid

        assert wait_until(is_back, PATIENCE_S)
        send(served)
        assert wait_until(lambda: posted(served), PATIENCE_S)
        assert get(served, "/healthz") == {"status": "ok"}
        after = served.children()
        assert {name for name in after if after[name].pid != before[name].pid} == {victim}
        assert f"{victim} ended with code -9" in served.log.read_text()


def test_a_taken_port_ends_the_start_naming_port_flag_and_holder(tmp_path: Path) -> None:
    (taken,) = Address.parse("127.0.0.1:0", "--api").bind()
    with taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [sys.executable, "-m", "spanledger", "serve", "--data", str(tmp_path), *FREE, "--otlp-http", address]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert address in line
    assert "--otlp-http" in line
    assert f"process {os.getpid()}" in line


def test_a_second_service_on_the_same_data_is_turned_away_and_the_first_goes_on(tmp_path: Path) -> None:
    with serve(tmp_path) as served:
        command = [sys.executable, "-m", "spanledger", "serve", "--data", str(served.data.root), *FREE]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert ended.returncode == 1
        assert "in use by" in ended.stderr
        assert "Traceback" not in ended.stderr
        assert running(served.data.serve_json) == served.addresses
        send(served)


def test_an_address_that_others_reach_needs_insecure(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "spanledger", "serve", "--data", str(tmp_path), *FREE, "--api", "0.0.0.0:0"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert ended.returncode == 1
    assert "--insecure" in ended.stderr


def test_import_goes_through_the_running_server(tmp_path: Path) -> None:
    files = [str(path) for path in (sample_directory() / "runaway_loop").glob("*.binpb")]
    with serve(tmp_path) as served:
        command = [sys.executable, "-m", "spanledger", "import", "--data", str(served.data.root), *files]
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S)
        assert posted(served)
        url = f"http://{served.addresses['api']}"
        command = [sys.executable, "-m", "spanledger", "cost", "--by", "model", "--url", url]
        answer = subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S)
        assert json.loads(answer.stdout)["cost_usd"] == "25"
        run_id = json.loads(
            subprocess.run([*command[:3], "runs", "--url", url], check=True, capture_output=True).stdout
        )["run_id"]
        command = [*command[:3], "replay", run_id[:8], "--url", url]
        steps = subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S).stdout.splitlines()
        assert len(steps) == 501
        assert json.loads(steps[-1])["cost_so_far_usd"] == "25"


def test_a_grpc_client_on_the_api_port_is_told_of_once(tmp_path: Path) -> None:
    with serve(tmp_path) as served:
        api = Address.parse(served.addresses["api"], "--api")
        for _ in range(3):
            with socket.create_connection((api.host, api.port), PATIENCE_S) as client:
                client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
                while client.recv(4096):
                    continue
        assert wait_until(lambda: "is it an exporter?" in served.log.read_text(), PATIENCE_S)
        assert served.log.read_text().count("exporter") == 1


def test_a_service_whose_addresses_cannot_be_written_runs_and_writes_them_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    told: list[dict[str, object]] = []
    supervisor = Supervisor(load(data=tmp_path, environ={}), told.append)
    supervisor.values = dict(supervisor.config.values)
    write_atomic = supervise.write_atomic
    monkeypatch.setattr(supervise, "write_atomic", full)
    supervisor._announce()
    supervisor._leave_addresses()
    assert [facts["api"] for facts in told] == ["127.0.0.1:8317"]
    assert [record.getMessage() for record in caplog.records] == [
        "commands do not find this service until its addresses can be written: [Errno 28] No space left on device"
    ]
    assert supervisor.leave_at_s is not None
    monkeypatch.setattr(supervise, "write_atomic", write_atomic)
    supervisor._leave_addresses()
    assert supervisor.leave_at_s is None
    assert json.loads(supervisor.config.data.serve_json.read_text()) == told[0]
