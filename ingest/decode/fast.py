"""Wire requests to a Sheet by ptars: no Python object a span. What it cannot vouch for goes to lenient.py.

Guarantees: for every request it accepts, the Sheet is the one that walk.py makes from opentelemetry-proto's objects.
A request is handed back when ptars refuses it, when a value is set twice over (legal on the wire, written by nobody),
or when an array or map inside it does not read.
"""

import base64
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.decode.nested import ARRAY, KVLIST, nested_text
from ingest.decode.request_schema import handler, message
from ingest.decode.wire_format import UnreadableError
from ingest.sheet import Attributes, Ints, Mask, Sheet, attributes, clipped, is_valid
from ingest.skeleton import has_wire_form

NESTED_MEMBERS = {"array_value": ARRAY, "kvlist_value": KVLIST}


Made = TypeVar("Made")
Make = Callable[[pa.ListArray], tuple[Made, set[int]]]
"""What is made of requests, and the positions of those that need another reader."""


def read_fast(bodies: Sequence[bytes]) -> tuple[Sheet | None, list[int]]:
    """A Sheet of the requests that read, and the positions of those that did not."""
    sheet, good, refused = accepted(bodies, "Request", _sheet)
    return (None if sheet is None else renumbered(sheet, good)), refused


def accepted(bodies: Sequence[bytes], request: str, make: Make[Made]) -> tuple[Made | None, Ints, list[int]]:
    """What is made of the messages `request` that read; their positions; and those of the others."""
    good, refused = list(range(len(bodies))), set[int]()
    while good:
        chosen = [bodies[position] for position in good]
        requests = _parsed(chosen, request)
        made, doubtful = (None, _unparseable(chosen, request)) if requests is None else make(requests)
        doubtful = doubtful or _misjudged(chosen, request)
        if not doubtful and made is not None:
            return made, np.array(good), sorted(refused)
        refused |= {good[position] for position in doubtful}
        good = [position for position in good if position not in refused]
    return None, np.array(good), sorted(refused)


def _parsed(bodies: list[bytes], request: str) -> pa.ListArray | None:
    """The resources' groups of each request; None if ptars refuses one of them."""
    try:
        return handler(request).list_to_record_batch(bodies).column(0)
    except ValueError:
        return None
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # Rust's panics are no Exception and cannot be imported
            return None
        raise


def _unparseable(bodies: list[bytes], request: str) -> set[int]:
    found = {position for position, body in enumerate(bodies) if _parsed([body], request) is None}
    assert found, "ptars refused a batch of requests and none of them alone"
    return found


def renumbered(sheet: Sheet, events: Ints) -> Sheet:
    """`sheet` with positions among all requests for those among the ones that read."""
    return Sheet(events[sheet.event], *(getattr(sheet, name) for name in list(Sheet.__dataclass_fields__)[1:]))


def _sheet(requests: pa.ListArray) -> tuple[Sheet, set[int]]:
    """The requests as one Sheet, and the positions of those that need another reader."""
    resource_spans, request_of_resource = flat(requests)
    scope_spans, resource_of_scope = flat(resource_spans.field("scope_spans"))
    spans, scope_of_span = flat(scope_spans.field("spans"))
    resource = resource_of_scope[scope_of_span]
    event = request_of_resource[resource]
    resources, bad_resources = attributes_in(resource_spans.field("resource").field("attributes"))
    own, bad_spans = attributes_in(spans.field("attributes"))
    scope_name = clipped(pc.fill_null(scope_spans.field("scope").field("name"), ""))
    status = spans.field("status")
    sheet = Sheet(
        event=event,
        index=np.arange(len(spans)) - np.searchsorted(event, np.arange(len(requests)))[event],
        resource=resource,
        scope_name=scope_name.take(pa.array(scope_of_span)),
        trace_id=spans.field("trace_id"),
        span_id=spans.field("span_id"),
        parent_span_id=spans.field("parent_span_id"),
        name=spans.field("name"),
        kind=spans.field("kind").to_numpy(zero_copy_only=False),
        start_ns=spans.field("start_ns").to_numpy(zero_copy_only=False),
        end_ns=spans.field("end_ns").to_numpy(zero_copy_only=False),
        status_message=pc.fill_null(status.field("message"), ""),
        status_code=pc.fill_null(status.field("code"), 0).to_numpy(zero_copy_only=False),
        attributes=own,
        resources=resources,
    )
    doubtful = {*request_of_resource[bad_resources].tolist(), *event[bad_spans].tolist()}
    return sheet, doubtful


def _misjudged(bodies: list[bytes], request: str) -> set[int]:
    """Requests that ptars took and whose wire form is broken all the same, at any depth: it does not look how groups
    end."""
    return {position for position, body in enumerate(bodies) if not has_wire_form(message(request), body)}


def flat(lists: pa.ListArray) -> tuple[pa.Array, Ints]:
    """The elements of all lists, and for each the list it came from."""
    return lists.flatten(), pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)


def attributes_in(lists: pa.ListArray) -> tuple[Attributes, Ints]:
    """The attributes, and the owners of those that need another reader."""
    pairs, owner = flat(lists)
    values, nested, bad = any_values(pairs.field("value"))
    return attributes(len(lists), owner, pairs.field("key"), values, nested), owner[bad]


def any_values(value: pa.StructArray) -> tuple[dict[str, pa.Array], pa.StringArray, Mask]:
    """The members of AnyValues, the text of those that hold values, and which of all need another reader."""
    values = {value.type.field(n).name: value.field(n) for n in range(value.type.num_fields)}
    members_set = sum(_times_set(part) for part in values.values() if part.null_count < len(part))
    nested, bad = _nested(values, len(value))
    return values, nested, bad | (np.asarray(members_set) > 1)


def _nested(values: dict[str, pa.Array], rows: int) -> tuple[pa.StringArray, Mask]:
    """Text of the arrays, maps and bytes among the values, and where there is none because it does not read."""
    bad = np.zeros(rows, dtype=np.bool_)
    texts: dict[int, str] = {}
    for row in _set(values["bytes_value"]):
        texts[row] = base64.b64encode(values["bytes_value"][row].as_py()).decode()
    for name, member in NESTED_MEMBERS.items():
        for row in _set(values[name]):
            try:
                texts[row] = nested_text(member, values[name][row].as_py()[0])
            except (UnreadableError, UnicodeDecodeError):
                bad[row] = True
    return _sparse(texts, rows), bad


def _set(values: pa.Array) -> list[int]:
    return [] if values.null_count == len(values) else np.flatnonzero(_times_set(values)).tolist()


def _times_set(values: pa.Array) -> Ints:
    """How often each value was set: an array or map once for each of its parts, anything else once or not at all."""
    if not isinstance(values, pa.ListArray):
        return is_valid(values).astype(np.uint8)
    if not len(values.values):
        return np.zeros(len(values), np.uint8)
    times: Ints = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False)
    return np.minimum(times, 2).astype(np.uint8)


def _sparse(texts: dict[int, str], rows: int) -> pa.StringArray:
    """`texts` at their rows, NULL elsewhere."""
    if not texts:
        return pa.nulls(rows, pa.string())
    where = np.full(rows, -1, dtype=np.int64)
    where[np.fromiter(texts, dtype=np.int64)] = np.arange(len(texts))
    return pa.array(texts.values(), pa.string()).take(pa.array(where, mask=where < 0))
