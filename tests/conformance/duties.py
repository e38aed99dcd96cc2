"""What OTLP asks of a server, line by line, in our own words; docs/conformance.md is made of it and of the tests' results.

Sources: opentelemetry-proto docs/specification.md and the comments of its .proto files (1.11), the OTLP page of
opentelemetry.io, gRPC's own documents. A test carries the ids of the duties that it proves: `@pytest.mark.duty("G5")`.
A duty without a test needs a reason.
"""

from dataclasses import dataclass

MUST, SHOULD, MAY, BEYOND = "MUST", "SHOULD", "MAY", "beyond"
GRPC, HTTP, WIRE, JSON, ALL = "grpc", "http", "grpc http", "json", "grpc http json"
"""http is protobuf over HTTP, json is JSON over HTTP."""


@dataclass(frozen=True)
class Duty:
    id: str
    level: str
    """MUST, SHOULD or MAY of the specification, or beyond it."""
    text: str
    over: str
    """The transports that it concerns."""
    reason: str = ""
    """Why it is not done. Empty: it is, and a test says so."""


NO_KEYS = "not yet: there are no keys yet, and until there are only loopback addresses are bound"

DUTIES: tuple[Duty, ...] = (
    Duty("G1a", MUST, "The trace service takes Export", GRPC),
    Duty("G1b", SHOULD, "The services of metrics and logs take Export", GRPC),
    Duty("G1c", MUST, "A service or method that is not there is UNIMPLEMENTED", GRPC),
    Duty("G2a", MUST, "Uncompressed calls are taken", GRPC),
    Duty("G2b", MUST, "Calls compressed with gzip are taken", GRPC),
    Duty("G2c", BEYOND, "Calls compressed with deflate are taken", GRPC),
    Duty("G2d", BEYOND, "Calls compressed with zstd or snappy are taken", GRPC,
         "no: grpcio answers them before our code is called; zstd is taken over HTTP"),
    Duty("G3a", MUST, "A call over the limit (64 MiB by default, configurable) is refused for good: RESOURCE_EXHAUSTED without RetryInfo", GRPC),
    Duty("G3b", MUST, "The limit holds after decompression too", GRPC),
    Duty("G4", SHOULD, "An empty request, resource or scope succeeds", GRPC),
    Duty("G5", MUST, "On full success partial_success stays unset", GRPC),
    Duty("G6a", MUST, "On partial success the answer is OK and counts the rejected spans", GRPC),
    Duty("G6b", SHOULD, "A partial success says why, in words", GRPC),
    Duty("G6c", MUST, "What was rejected could not be taken by a retry either: it is kept, and in quarantine with the reason", ALL),
    Duty("G7", MUST, "A warning without a rejection has a count of 0 and words; an answer never has neither", ALL),
    Duty("G8", SHOULD, "What cannot be decoded is INVALID_ARGUMENT with a BadRequest", GRPC),
    Duty("G9", SHOULD, "Overload, a full disk and shutdown are UNAVAILABLE with RetryInfo, in the status and where the Python exporter looks", GRPC),
    Duty("G10", MUST, "No transient fault is answered with a code on which senders drop their batch", GRPC),
    Duty("G11", BEYOND, "An unforeseen error is UNAVAILABLE: the resend is counted once", GRPC),
    Duty("G12", SHOULD, "Thirty calls in flight on one channel are all answered", ALL),
    Duty("G13a", BEYOND, "A call whose sender left or lost patience is written all the same", GRPC),
    Duty("G13b", BEYOND, "What is sent again after that counts once", ALL),
    Duty("G14", MUST, "An answer stays far below 4 MiB, whatever was rejected", WIRE),
    Duty("G15a", MUST, "Unknown protobuf fields are ignored", WIRE),
    Duty("G15b", BEYOND, "Unknown protobuf fields are kept in the journal", WIRE),
    Duty("G16", BEYOND, "Pings without calls, at the rate of exporters, do not end the connection", GRPC),
    Duty("G17", SHOULD, "A stop lets calls in flight finish and turns new ones away retryably, within its time", GRPC),
    Duty("G18a", SHOULD, "The default ports are 4317 and 4318", ALL),
    Duty("G18b", SHOULD, "Only loopback is bound unless told otherwise", ALL),
    Duty("G19a", MAY, "Senders prove who they are (Authorization, x-api-key); without it UNAUTHENTICATED", ALL, NO_KEYS),
    Duty("G19b", MAY, "TLS and mutual TLS", ALL, NO_KEYS + "; before that, a proxy on the same machine can end TLS"),
    Duty("H1a", MUST, "POST is taken at /v1/traces", "http json"),
    Duty("H1b", SHOULD, "POST is taken at /v1/metrics and /v1/logs", "http json"),
    Duty("H1c", BEYOND, "A slash at the end of the path and a query are tolerated", HTTP),
    Duty("H1d", MUST, "Another method is 405, another path 404", "http json"),
    Duty("H1e", BEYOND, "The path's prefix can be configured", HTTP, "no: every SDK can set its endpoint, and nobody asked"),
    Duty("H2a", MUST, "Protobuf and JSON are taken on the same port", "http json"),
    Duty("H2b", MUST, "Content-Type is read in any case and with parameters", "http json"),
    Duty("H2c", SHOULD, "Another Content-Type is 415", HTTP),
    Duty("H2d", MUST, "The answer has the Content-Type of the request", "http json"),
    Duty("H3a", MUST, "gzip bodies are taken", "http json"),
    Duty("H3b", BEYOND, "deflate and zstd bodies are taken", "http json"),
    Duty("H3c", SHOULD, "Another Content-Encoding is 415 and names those that are taken", HTTP),
    Duty("H3d", SHOULD, "A body that is not what its Content-Encoding says is 400", HTTP),
    Duty("H3e", BEYOND, "gzip bodies of several members are taken", HTTP),
    Duty("H3f", BEYOND, "snappy and lz4 bodies are taken", HTTP, "no: no SDK sends them, and each would be one more dependency"),
    Duty("H4a", MUST, "A body over the limit is 413", "http json"),
    Duty("H4b", MUST, "The limit holds after decompression too", HTTP),
    Duty("H4c", BEYOND, "A bomb of 64 KiB costs less memory than twice the limit", HTTP),
    Duty("H4d", MUST, "A chunked body obeys the limit as well", HTTP),
    Duty("H4e", BEYOND, "A Content-Length that lies neither hangs nor stores", HTTP),
    Duty("H5", MUST, "The body of every failure is a google.rpc.Status in the encoding of the request", "http json"),
    Duty("H6a", MUST, "A body that cannot be decoded is 400", "http json"),
    Duty("H6b", SHOULD, "and has a BadRequest", "http json"),
    Duty("H7a", SHOULD, "Overload is 503 with Retry-After", "http json"),
    Duty("H7b", MUST, "No transient fault is answered with a status on which senders drop their batch, such as 500 or 408", "http json"),
    Duty("H8", MUST, "Success is 200 with an Export response: no bytes as protobuf, {} as JSON", "http json"),
    Duty("H9a", MUST, "Partial success is 200 and counts the rejected spans", "http json"),
    Duty("H9b", SHOULD, "and says why, in words", "http json"),
    Duty("H10", SHOULD, "An empty request succeeds", "http json"),
    Duty("H11", MAY, "Answers are compressed for those who accept it", HTTP, "no: an answer has less than 1 KiB, and most have none or two bytes"),
    Duty("H12", SHOULD, "A connection carries many requests, also after failures", HTTP),
    Duty("H13", BEYOND, "Expect: 100-continue is answered", HTTP),
    Duty("H14", SHOULD, "Web pages may post only from configured origins, which are told so (CORS)", HTTP),
    Duty("H15", BEYOND, "Who sends too slowly loses the connection, without an answer on which it would drop the batch", HTTP),
    Duty("J1", MUST, "Ids are hexadecimal, in either case, those of links and parents too", JSON),
    Duty("J2a", MUST, "64-bit integers come as text or as numbers", JSON),
    Duty("J2b", BEYOND, "A whole number written with a point is that number; 1.5 for an integer rejects its span alone", JSON),
    Duty("J3", MUST, "Enums are integers; a name rejects its span alone", JSON),
    Duty("J4", MUST, "Unknown keys are ignored, at every level", JSON),
    Duty("J5", MUST, "Keys are in lowerCamelCase; snake_case ones are unknown keys", JSON),
    Duty("J6", MUST, "bytesValue is base64", JSON),
    Duty("J7", MUST, "Doubles may be NaN, Infinity and -Infinity as text; integers as text are integers", JSON),
    Duty("J8a", MUST, "null is absence", JSON),
    Duty("J8b", BEYOND, "Of two equal keys the last counts", JSON),
    Duty("J8c", BEYOND, "A byte order mark is tolerated", JSON),
    Duty("J8d", BEYOND, "Values nested without end reject their span alone", JSON),
    Duty("J8e", BEYOND, "Numbers of thousands of digits reject their span alone", JSON),
    Duty("J9", MUST, "An empty traceId is no id", JSON),
    Duty("J10", SHOULD, "The examples published with the protocol are taken as they are", JSON),
    Duty("D1a", MUST, "A span whose ids are not 16 and 8 bytes with a bit set is rejected alone", ALL),
    Duty("D1b", MUST, "A span without a parent is a root", ALL),
    Duty("D1c", BEYOND, "A parent of eight zero bytes is no parent", ALL),
    Duty("D2a", BEYOND, "End before start: kept and billed, the duration unknown", ALL),
    Duty("D2b", BEYOND, "No start: kept, priced as of when it is charged, the start unknown", ALL),
    Duty("D2c", BEYOND, "No end: kept, charged as of its receipt, the end unknown", ALL),
    Duty("D2d", BEYOND, "Times after the year 2262: kept and billed, the times are the last that fit, the exact ones in the journal", ALL),
    Duty("D2e", BEYOND, "Times of 1970 that were sent: kept as sent", ALL),
    Duty("D3", BEYOND, "An attribute key sent twice (left open by the standard): the last counts in columns, all stay in the journal", ALL),
    Duty("D4a", MUST, "Attributes without a value are taken", ALL),
    Duty("D4b", MUST, "Attributes of bytes are taken", ALL),
    Duty("D4c", MUST, "Attributes of maps, of mixed arrays and of both in one another are taken", ALL),
    Duty("D5", MUST, "Reserved bits of flags are no error", ALL),
    Duty("D6", MAY, "A kind that is not given is internal", ALL),
    Duty("D7", BEYOND, "A kind that nobody knows: internal in the columns, kept in the journal", ALL),
    Duty("D8", BEYOND, "A status that nobody knows: unset in the columns, kept in the journal", ALL),
    Duty("D9", MUST, "A span without a name is taken", ALL),
    Duty("D10", SHOULD, "Counts of dropped attributes, events and links are kept in the journal", ALL),
    Duty("D11", SHOULD, "Trace state, schema URLs, attributes of scopes and entity references are kept in the journal", ALL),
    Duty("D12a", MUST, "References to a string table outside profiles are no error and read as absent", ALL),
    Duty("D12b", SHOULD, "and bring a warning", ALL, "no: the door does not look into attributes before it acks; the key stands in `attributes` with NULL"),
    Duty("D13a", BEYOND, "The same span twice in one request counts once", ALL),
    Duty("D13b", BEYOND, "Other content under the same ids: the first counts, the other is listed in `conflicts`", ALL),
    Duty("D13c", BEYOND, "The same span over gRPC and then as JSON counts once", ALL),
    Duty("D14a", BEYOND, "A child that comes after its root is in the root's run", ALL),
    Duty("D14b", BEYOND, "A child that comes before its root is in the root's run once that is there", ALL),
    Duty("D14c", BEYOND, "A child whose parent never comes is kept and billed; its run says that it is not whole", ALL),
    Duty("P1", BEYOND, "Each span of the poison corpus among 100 good ones: the good ones are stored and cost what they cost", ALL),
    Duty("P2", BEYOND, "The answer counts what is quarantined; each row there has its bytes and a reason", ALL),
    Duty("P3", BEYOND, "No process ends, the cursor reaches the end, rebuild equals live, both decoders agree", ALL),
    Duty("P4", BEYOND, "A body that is no request is refused for good and harms nobody", ALL),
    Duty("P5", BEYOND, "Requests that would unfold without end, and compressed ones that do, are refused for good", ALL),
    Duty("P6", BEYOND, "A request cut at any length is taken or refused; what was whole in it is never lost after an ack", WIRE),
)  # fmt: skip

BY_ID = {duty.id: duty for duty in DUTIES}
