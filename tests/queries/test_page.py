"""The pages as HTML: figures, empty states, and text of strangers."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ingest.json_otlp import to_protobuf
from ledger.journal.frame import Draft
from queries.page.chart import depths
from queries.page.messages import blocks
from spanledger.appending import door
from spanledger.config import load
from tests.ingest.decode.made import request
from tests.queries.asking import Ask, asker
from tests.spanledger.test_residuals import AGENT, WORK

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[2J\u202e'


def run_of(ask: Ask, agent: str) -> str:
    found = re.search(r'href="/runs/([0-9a-f]{32})"', ask(f"/runs?agent={agent}").text)
    assert found is not None
    return found[1]


class Seen(HTMLParser):
    """Tags and attributes of a page, and that every tag which is opened is closed."""

    VOID = frozenset({"meta", "link", "input", "br", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


PAGES = ["/runs", "/runs?agent=invoice_clerk", "/runs?state=open&since=24h", "/cost", "/cost?since=30d", "/runs/LOOP"]
PAGES += ["/runs/LOOP?step=12", "/runs/LOOP?from=401", "/runs/LOOP?step=501", "/runs/zz"]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_whole_and_carries_no_script_and_no_style(ask: Ask, path: str) -> None:
    answer = ask(path.replace("LOOP", run_of(ask, "invoice_clerk")))
    seen = Seen(answer.text)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert not {"script", "style", "iframe", "object"} & set(seen.tags)
    assert [name for name, _ in seen.attributes if name == "style" or name.startswith("on")] == []
    assert [value for name, value in seen.attributes if name in {"href", "src", "action"} and "//" in value] == []
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/runs", "/cost"])
def test_a_ledger_into_which_nothing_came_says_how_to_send(ask_nothing: Ask, path: str) -> None:
    text = ask_nothing(path).text
    assert "Nothing has arrived yet" in text
    assert text.count("export OTEL_") == 3


def test_filters_that_match_nothing_say_so(ask: Ask) -> None:
    assert "No run matches" in ask("/runs?agent=nobody").text


def test_the_front_page_leads_to_the_runs(ask: Ask) -> None:
    assert ask("/").headers["location"] == "/runs"


def test_long_runs_come_in_windows_of_four_hundred(ask: Ask) -> None:
    run_id = run_of(ask, "invoice_clerk")
    first, second = ask(f"/runs/{run_id}").text, ask(f"/runs/{run_id}?from=401").text
    assert "steps 1 to 400 of 501" in first
    assert "steps 401 to 501 of 501" in second
    assert "step=400#" in first
    assert "step=401#" not in first


def test_a_step_shows_money_so_far_and_its_lines(ask: Ask) -> None:
    text = ask(f"/runs/{run_of(ask, 'invoice_clerk')}?step=2").text
    assert "step 2 of 501" in text
    assert "$0.10</strong> so far" in text
    assert "36,000" in text
    assert "$2.5" in text


def test_what_has_no_price_is_never_shown_as_nothing(ask: Ask) -> None:
    row = next(row for row in ask("/cost").text.split("<tr>") if ">flaky-model<" in row)
    assert ">unknown<" in row
    assert "$0" not in row


def test_a_tool_has_its_fee_what_ran_beneath_it_and_what_its_results_cost(ask: Ask) -> None:
    text = ask("/cost").text
    assert all(heading in text for heading in (">Fee<", ">Models beneath it<", ">Its results as input (estimate)<"))
    cells = re.findall(r"<td[^>]*>(.*?)</td>", next(row for row in text.split("<tr>") if ">delegate<" in row))
    assert cells[1:5] == ["1", "unknown", "unknown", '<span class="quiet">no fee</span>']
    cells = re.findall(r"<td[^>]*>(.*?)</td>", next(row for row in text.split("<tr>") if ">book_invoice<" in row))
    assert cells[1:4] == ["250", "none", "$0"]


def test_static_files_are_named_and_nothing_else_is_served(ask: Ask) -> None:
    assert ask("/static/spanledger.css").headers["content-type"].startswith("text/css")
    assert ask("/favicon.ico").status == 200
    for path in ("/static/../environment.py", "/static/environment.py", "/static/%2e%2e/routes.py"):
        assert ask(path).status == 404


def test_text_of_strangers_stays_text(tmp_path: Path) -> None:
    settings = load(data=tmp_path / "data", environ={})
    with door(settings) as ledger:
        body = to_protobuf("traces", hostile_request()).wire
        seq = ledger.append(Draft(kind="otlp.traces", body=body, content_type="application/x-protobuf"))
        ledger.settle(seq, lambda cursor: None)
    with asker(settings.data) as ask:
        run_id = re.findall(r'href="/runs/([0-9a-f]{32})"', ask("/runs").text)[0]
        for path in ("/runs", "/cost", f"/runs/{run_id}?step=1"):
            text = ask(path).text
            assert "script" not in Seen(text).tags
            assert "img" not in Seen(text).tags
            assert "<script" not in text
            assert "&lt;script&gt;" in text


def test_a_step_that_says_no_time_has_none(tmp_path: Path) -> None:
    settings = load(data=tmp_path / "data", environ={})
    with door(settings) as ledger:
        body = request(AGENT, WORK).SerializeToString()
        seq = ledger.append(Draft(kind="otlp.traces", body=body, content_type="application/x-protobuf"))
        ledger.settle(seq, lambda cursor: None)
    with asker(settings.data) as ask:
        shown = re.sub(r"\s+", " ", ask(f"/runs/{run_of(ask, 'planner')}").text)
    assert '<td class="n">–</td> <td class="d' in shown
    assert "-1790000000000" not in shown


def hostile_request() -> bytes:
    def attribute(key: str, value: str) -> dict[str, object]:
        return {"key": key, "value": {"stringValue": value}}

    attributes = [
        attribute("gen_ai.operation.name", "invoke_agent"),
        attribute("gen_ai.agent.name", HOSTILE),
        attribute(
            "gen_ai.input.messages", json.dumps([{"role": HOSTILE, "parts": [{"type": "text", "content": HOSTILE}]}])
        ),
        attribute(HOSTILE, HOSTILE),
    ]
    span = {"traceId": "1" * 32, "spanId": "2" * 16, "name": HOSTILE, "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
    call = span | {"spanId": "3" * 16, "parentSpanId": "2" * 16}
    model = [attribute("gen_ai.operation.name", "chat"), attribute("gen_ai.request.model", HOSTILE)]
    spans = [span | {"attributes": attributes}, call | {"attributes": model}]
    resource = {"attributes": [attribute("service.name", HOSTILE)]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}).encode()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('[{"role":"user","content":"hi"}]', [("user", "hi")]),
        ('[{"role":"user","parts":[{"type":"text","content":"hi"}]}]', [("user", "hi")]),
        ('{"messages":[{"role":"a","content":"x"},{"role":"b","content":"y"}]}', [("a", "x"), ("b", "y")]),
        ("plain words", [("", "plain words")]),
        ("[1,", [("", "[1,")]),
        ("[" * 100_000, None),
        ("", []),
        (None, []),
    ],
)
def test_messages_are_shown_with_their_roles(content: object, expected: list[tuple[str, str]] | None) -> None:
    shown = [(block.role, block.text) for block in blocks(content)]
    assert shown == expected if expected is not None else len(shown) == 1


def test_a_very_long_text_says_how_much_is_not_shown() -> None:
    block = blocks("x" * 70_000)[0]
    assert len(block.text) + block.cut == 70_000
    assert block.cut > 0


def test_depth_follows_parents_and_survives_rings_and_orphans() -> None:
    assert depths([("a", None), ("b", "a"), ("c", "b"), ("d", "lost")]) == {"a": 0, "b": 1, "c": 2, "d": 0}
    assert set(depths([("a", "b"), ("b", "a"), ("c", "c")])) == {"a", "b", "c"}
    chain = [(str(n), str(n - 1)) for n in range(50_000, 0, -1)]
    assert depths(chain)["50000"] == 49_999
