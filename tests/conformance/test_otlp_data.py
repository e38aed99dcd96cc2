"""What the data of a span may be, sent over each transport and read back through SQL: Span, in OTLP's trace.proto."""

from collections.abc import Callable, Iterator, Mapping

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.conformance import good
from tests.conformance.books import TRANSPORTS, Books, open_books
from tests.conformance.good import COST_USD, attribute, fixed64, int_field, span_id
from tests.ingest.otlp import field, string_attribute, varint
from tests.queries.asking import asker

DAY_NS = 86_400 * 10**9

ADDED: Mapping[str, bytes] = {
    "plain": b"",
    "zero trace": field(1, bytes(16)),
    "short span": field(2, b"\1" * 7),
    "zero parent": field(4, bytes(8)),
    "end before start": fixed64(8, good.START_NS - DAY_NS),
    "no start": fixed64(7, 0),
    "no end": fixed64(8, 0),
    "no times": fixed64(7, 0) + fixed64(8, 0),
    "year 2300": fixed64(7, 10_413_792_000 * 10**9) + fixed64(8, 10_413_792_001 * 10**9),
    "largest times": fixed64(7, 2**64 - 1) + fixed64(8, 2**64 - 1),
    "1970": fixed64(7, 1) + fixed64(8, 1_000_001),
    "key twice": string_attribute(b"k", b"first") + string_attribute(b"k", b"last"),
    "values": attribute("empty", b"")
    + attribute("bytes", field(7, b"\0\xff"))
    + attribute("array", field(5, field(1, field(1, b"a")) + field(1, int_field(3, 1)) + field(1, b"")))
    + attribute("map", field(6, field(1, field(1, b"k") + field(2, field(5, field(1, field(7, b"\1"))))))),
    "flags": varint(16 << 3 | 5) + (0xFFFF_FD01).to_bytes(4, "little"),
    "no kind": int_field(6, 0),
    "kind 99": int_field(6, 99),
    "status 3": field(15, int_field(3, 3)),
    "no name": field(5, b""),
    "dropped": int_field(10, 1) + int_field(12, 2) + int_field(14, 3),
    "string table": attribute("k", int_field(8, 3)) + field(9, int_field(3, 2) + field(2, field(1, b"v"))),
    "unknown field": field(999, b"from the future"),
}
"""Case -> what is added to a good span; of a field sent twice the last one counts."""


def trace(case: str, transport: str) -> bytes:
    return good.trace_of(f"{case} over {transport}")


def lone(case: str, transport: str, added: bytes = b"", number: int = 0) -> bytes:
    return good.group([good.span(trace(case, transport), number) + added], good.resource("shop"))


def whole(case: str, transport: str) -> list[bytes]:
    """A request that says all that can be said around a span."""
    entity = field(3, field(2, b"service"))
    scope = field(1, field(1, b"s") + field(3, field(1, b"of scope") + field(2, field(1, b"v"))))
    span = field(2, good.span(trace(case, transport)) + field(3, b"vendor=1"))
    inner = field(2, scope + span + field(3, b"https://two"))
    return [field(1, field(1, good.resource("shop") + entity) + inner + field(3, b"https://one"))]


def twice_in_one(case: str, transport: str) -> list[bytes]:
    return [good.group([good.span(trace(case, transport))] * 2, good.resource("shop"))]


def family(*numbers: int) -> Callable[[str, str], list[bytes]]:
    """Requests of one span each: 0 is an agent at the root, 1 its child, 2 a child of a span that never comes."""

    def bodies(case: str, transport: str) -> list[bytes]:
        agent = string_attribute(b"gen_ai.operation.name", b"invoke_agent")
        agent += string_attribute(b"gen_ai.agent.name", b"planner")
        added = {0: agent, 1: field(4, span_id(0)), 2: field(4, span_id(77))}
        return [lone(case, transport, added[number], number) for number in numbers]

    return bodies


SEVERAL: Mapping[str, Callable[[str, str], list[bytes]]] = {
    "whole": whole,
    "twice in one": twice_in_one,
    "again": lambda case, transport: [lone(case, transport)] * 3,
    "other content": lambda case, transport: [lone(case, transport), lone(case, transport, field(5, b"other"))],
    "root first": family(0, 1),
    "child first": family(1, 0),
    "orphan": family(2),
}


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """All cases, sent over each transport and posted."""
    with open_books(tmp_path_factory.mktemp("books")) as books:
        for transport in TRANSPORTS:
            for case, added in ADDED.items():
                books.send(case, transport, lone(case, transport, added))
            for case, bodies in SEVERAL.items():
                for body in bodies(case, transport):
                    books.send(case, transport, body)
        body = lone("grpc then json", "both")
        books.send("grpc then json", "grpc", body)
        books.send("grpc then json", "json", body)
        books.post()
        yield books


def only(books: Books, case: str, transport: str) -> dict[str, object]:
    """The only span of a case; it is stored once, and billed whatever is odd about it."""
    (reply,) = books.replies[case, transport]
    assert (reply.code, reply.partial) == ("OK", False)
    (row,) = books.of("spans", trace(case, transport))
    assert [call["cost_usd"] for call in books.of("calls", trace(case, transport))] == [COST_USD]
    return row


def sent(books: Books, case: str, transport: str) -> ExportTraceServiceRequest:
    """The request of a case as the journal has it, as far as protobuf shows it."""
    body = books.body(int(str(only(books, case, transport)["source_seq"])))
    if transport == "json":
        from ingest.json_otlp import to_protobuf

        body = to_protobuf("traces", body).wire
    return ExportTraceServiceRequest.FromString(body)


def span_sent(books: Books, case: str, transport: str) -> object:
    return sent(books, case, transport).resource_spans[0].scope_spans[0].spans[0]


@pytest.mark.duty("D1a", "G6c", "G6b", "H9b")
@pytest.mark.parametrize("case", ["zero trace", "short span"])
def test_a_span_with_a_bad_id_is_rejected_and_in_quarantine(books: Books, transport: str, case: str) -> None:
    (reply,) = books.replies[case, transport]
    assert (reply.code, reply.rejected) == ("OK", 1)
    assert "1 of 1 spans rejected" in reply.message
    assert books.of("spans", trace(case, transport)) == []
    rows = [row for row in books.tables["quarantine"] if span_id(0) in row["bytes"] or b"\1" * 7 in row["bytes"]]
    assert all("ids are not 16 and 8 bytes" in row["reason"] for row in rows)
    assert len(books.tables["quarantine"]) == 6  # two cases, three transports


@pytest.mark.duty("D1b", "D1c")
@pytest.mark.parametrize("case", ["plain", "zero parent"])
def test_no_parent_and_a_parent_of_zeros_are_a_root(books: Books, transport: str, case: str) -> None:
    assert only(books, case, transport)["parent_span_id"] is None


@pytest.mark.duty("D2a")
def test_an_end_before_the_start_leaves_the_duration_unknown(books: Books, transport: str) -> None:
    row = only(books, "end before start", transport)
    assert (row["start_ns"], row["end_ns"], row["duration_ms"]) == (good.START_NS, good.START_NS - DAY_NS, None)
    (run,) = [run for run in books.tables["runs"] if run["run_id"] == row["run_id"]]
    assert run["duration_ms"] == 0


@pytest.mark.duty("D2b")
def test_a_start_that_was_not_sent_is_unknown_and_the_price_is_that_of_the_end(books: Books, transport: str) -> None:
    row = only(books, "no start", transport)
    assert (row["start_ns"], row["start_time"], row["duration_ms"]) == (0, None, None)
    (run,) = [run for run in books.tables["runs"] if run["run_id"] == row["run_id"]]
    assert (run["started_ns"], run["duration_ms"]) == (good.END_NS, 0)


@pytest.mark.duty("D2c")
@pytest.mark.parametrize("case", ["no end", "no times"])
def test_an_end_that_was_not_sent_is_unknown_and_the_receipt_is_charged(
    books: Books, transport: str, case: str
) -> None:
    row = only(books, case, transport)
    assert (row["end_ns"], row["end_time"], row["duration_ms"]) == (0, None, None)
    calls = {call["call_id"] for call in books.of("calls", trace(case, transport))}
    charges = [line for line in books.tables["charges"] if line["call_id"] in calls]
    assert {line["charged_ns"] for line in charges} == {row["received_ns"]}


@pytest.mark.duty("D2d")
@pytest.mark.parametrize(("case", "start_ns"), [("year 2300", 10_413_792_000 * 10**9), ("largest times", 2**64 - 1)])
def test_times_that_do_not_fit_are_the_last_that_do(books: Books, transport: str, case: str, start_ns: int) -> None:
    row = only(books, case, transport)
    assert (row["start_ns"], row["end_ns"]) == (2**63 - 1, 2**63 - 1)
    assert str(row["start_time"]).startswith("2262-04-11")
    assert span_sent(books, case, transport).start_time_unix_nano == start_ns  # type: ignore[attr-defined]
    calls = {call["call_id"] for call in books.of("calls", trace(case, transport))}
    charged = {line["charged_ns"] for line in books.tables["charges"] if line["call_id"] in calls}
    assert charged == {row["received_ns"]}


@pytest.mark.duty("D2e")
def test_times_of_1970_are_kept_as_sent(books: Books, transport: str) -> None:
    (row,) = books.of("spans", trace("1970", transport))
    assert (row["start_ns"], row["end_ns"], row["duration_ms"]) == (1, 1_000_001, 1.0)
    (call,) = books.of("calls", trace("1970", transport))
    assert (call["input_tokens"], call["output_tokens"]) == (36_000, 1_000)


@pytest.mark.duty("D2a", "D2b", "D2c", "D2d", "D2e")
@pytest.mark.parametrize("case", ["end before start", "no start", "no end", "no times", "largest times", "1970"])
def test_runs_with_odd_times_can_be_looked_at(books: Books, case: str) -> None:
    (row,) = books.of("spans", trace(case, "grpc"))
    with asker(books.data) as ask:
        shown = [ask(f"/runs/{row['run_id']}"), ask(f"/api/v1/runs/{row['run_id']}/replay"), ask("/runs")]
    assert [answer.status for answer in shown] == [200, 200, 200]


@pytest.mark.duty("D3")
def test_of_a_key_sent_twice_the_last_counts_and_both_are_kept(books: Books, transport: str) -> None:
    assert dict(only(books, "key twice", transport)["attributes"])["k"] == "last"  # type: ignore[call-overload]
    kept = [pair.value.string_value for pair in span_sent(books, "key twice", transport).attributes if pair.key == "k"]  # type: ignore[attr-defined]
    assert kept == ["first", "last"]


@pytest.mark.duty("D4a", "D4b", "D4c")
def test_values_of_every_kind_are_taken(books: Books, transport: str) -> None:
    values = dict(only(books, "values", transport)["attributes"])  # type: ignore[call-overload]
    wanted = {"empty": None, "bytes": "AP8=", "array": '["a",1,null]', "map": '{"k":["AQ=="]}'}
    assert {key: values[key] for key in wanted} == wanted


@pytest.mark.duty("D5")
def test_reserved_flags_are_no_error(books: Books, transport: str) -> None:
    assert span_sent(books, "flags", transport).flags == 0xFFFF_FD01  # type: ignore[attr-defined]


@pytest.mark.duty("D6", "D7")
@pytest.mark.parametrize(("case", "kind"), [("no kind", 0), ("kind 99", 99)])
def test_a_kind_that_nobody_knows_is_internal_and_kept(books: Books, transport: str, case: str, kind: int) -> None:
    assert only(books, case, transport)["span_kind"] == "internal"
    assert span_sent(books, case, transport).kind == kind  # type: ignore[attr-defined]


@pytest.mark.duty("D8")
def test_a_status_that_nobody_knows_is_unset_and_kept(books: Books, transport: str) -> None:
    assert only(books, "status 3", transport)["status"] == "unset"
    assert span_sent(books, "status 3", transport).status.code == 3  # type: ignore[attr-defined]


@pytest.mark.duty("D9")
def test_a_span_may_have_no_name(books: Books, transport: str) -> None:
    assert only(books, "no name", transport)["name"] == ""


@pytest.mark.duty("D10")
def test_counts_of_what_was_dropped_are_kept(books: Books, transport: str) -> None:
    span = span_sent(books, "dropped", transport)
    counts = ("dropped_attributes_count", "dropped_events_count", "dropped_links_count")
    assert [getattr(span, name) for name in counts] == [1, 2, 3]


@pytest.mark.duty("D11")
def test_trace_state_schema_urls_scope_attributes_and_entities_are_kept(books: Books, transport: str) -> None:
    (group,) = sent(books, "whole", transport).resource_spans
    (scope,) = group.scope_spans
    assert (group.schema_url, scope.schema_url) == ("https://one", "https://two")
    assert [pair.key for pair in scope.scope.attributes] == ["of scope"]
    assert [entity.type for entity in group.resource.entity_refs] == ["service"]
    assert scope.spans[0].trace_state == "vendor=1"


@pytest.mark.duty("D12a")
def test_references_to_a_string_table_read_as_absent(books: Books, transport: str) -> None:
    values = dict(only(books, "string table", transport)["attributes"])  # type: ignore[call-overload]
    assert values["k"] is None
    assert values[""] == "v"


@pytest.mark.duty("G15a", "G15b")
def test_fields_of_the_future_are_ignored_and_kept(books: Books, wire: str) -> None:
    row = only(books, "unknown field", wire)
    assert b"from the future" in books.body(int(str(row["source_seq"])))


@pytest.mark.duty("D13a", "D13c", "G13b", "G11")
@pytest.mark.parametrize("case", ["twice in one", "again"])
def test_a_span_that_comes_again_counts_once(books: Books, transport: str, case: str) -> None:
    assert {reply.code for reply in books.replies[case, transport]} == {"OK"}
    assert len(books.of("spans", trace(case, transport))) == 1
    assert [call["cost_usd"] for call in books.of("calls", trace(case, transport))] == [COST_USD]
    assert books.of("conflicts", trace(case, transport)) == []


@pytest.mark.duty("D13c")
def test_a_span_over_grpc_and_then_as_json_counts_once(books: Books) -> None:
    one = trace("grpc then json", "both")
    assert len(books.of("spans", one)) == 1
    assert [call["cost_usd"] for call in books.of("calls", one)] == [COST_USD]
    assert books.of("conflicts", one) == []


@pytest.mark.duty("D13b")
def test_other_content_under_the_same_ids_is_a_conflict_and_the_first_counts(books: Books, transport: str) -> None:
    one = trace("other content", transport)
    assert [row["name"] for row in books.of("spans", one)] == ["chat gpt-4o"]
    assert len(books.of("conflicts", one)) == 1
    assert [call["cost_usd"] for call in books.of("calls", one)] == [COST_USD]


@pytest.mark.duty("D14a", "D14b")
@pytest.mark.parametrize("case", ["root first", "child first"])
def test_a_child_is_in_the_run_of_its_root_in_whatever_order_they_come(books: Books, transport: str, case: str) -> None:
    root, child = books.of("spans", trace(case, transport))
    assert root["run_id"] == child["run_id"]
    assert (root["agent_name"], child["agent_name"]) == ("planner", "planner")
    (run,) = [run for run in books.tables["runs"] if run["run_id"] == root["run_id"]]
    assert (run["state"], run["spans"], run["cost_usd"]) == ("complete", 2, COST_USD)


@pytest.mark.duty("D14c")
def test_an_orphan_is_billed_and_its_run_says_that_it_is_not_whole(books: Books, transport: str) -> None:
    row = only(books, "orphan", transport)
    (run,) = [run for run in books.tables["runs"] if run["run_id"] == row["run_id"]]
    assert run["state"] in ("open", "incomplete")
    assert run["cost_usd"] == COST_USD
