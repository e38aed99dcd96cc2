"""The answer of `why` as text for people, section by section, and as one JSON object."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from queries.wire import dollars, jsonable, time_text
from spanledger.cli import table
from spanledger.cli.output import json_text

Found = Mapping[str, Any]


def as_json(found: Found) -> str:
    """One object, in which no character can steer a terminal."""
    return json_text(jsonable(found), indent=1)


def as_text(found: Found) -> str:
    """Sentences and tables."""
    sections = (_head(found), _views(found["views"]), _columns(found["views"]), _money(found), _placement(found))
    return "\n\n".join("\n".join(section) for section in map(list, sections) if section)


def _head(found: Found) -> Iterator[str]:
    call = found["call"]
    (span,) = [
        view for view in found["views"] if view["span_id"] == found["span_id"] and view["trace_id"] == found["trace_id"]
    ]
    yield f"{found['kind']} {found['id']}"
    yield f"span {found['trace_id']}:{found['span_id']}  {_said(span['name'])}  {span['operation']}  {span['status']}"
    if call is None:
        yield f"no call: {span['explained']}"
        return
    what = call["model"] or call["tool_name"] or "unnamed"
    maker = f" of {_said(call['provider'])}" if call["provider"] else ""
    yield f"call {call['call_id']}  {call['kind']} {_said(what)}{maker}  {_cost(call['cost_usd'])}  {call['cost_status']}"


def _views(views: Sequence[Found]) -> Iterator[str]:
    if views[0]["view_id"] is None:
        return
    yield f"VIEWS: the call was seen {_times(len(views))}"
    for view in views:
        yield f"  view {view['view_id']}  {_said(view['name'])}  span {view['span_id']}  {_said(view['scope_name'])}"
        yield f"    {view['reason']}: {view['explained']}"
        if view["duplicate_of"]:
            yield f"    duplicate of view {view['duplicate_of']}"


def _columns(views: Sequence[Found]) -> Iterator[str]:
    yield "COLUMNS: what each span says, and from which attribute"
    for view in views:
        yield f"  span {view['span_id']}: read as {view['dialect']}, mapping version {view['mapping_version']}"
        if view["event"] is None:
            yield "    not read again: too many views"
            continue
        yield from _sent(view)


def _sent(view: Found) -> Iterator[str]:
    event, read_as = view["event"], view["read_as"]
    yield (
        f"    span {view['span_index']} of event {event['event_seq']}, received {_time(event['received_ns'])} "
        f"by {event['transport']} from {_said(event['principal'])}"
    )
    yield f"    the event: {event['body_bytes']:,} bytes of {event['content_type']}, SHA-256 {event['raw_sha256']}"
    if (read_as["dialect"], read_as["mapping_version"]) != (view["dialect"], view["mapping_version"]):
        yield (
            f"    this program reads it as {read_as['dialect']}, mapping version {read_as['mapping_version']}, "
            "and that is shown"
        )
    rows = [[each["column"], each["value"], _from(each), each["sent"], each["note"]] for each in view["columns"]]
    yield from _table(["column", "value", "from", "sent", "note"], rows)


def _from(column: Found) -> str:
    source = column["source"] or ""
    return f"resource {source}" if column["origin"] == "resource" else source or f"({column['origin']})"


def _money(found: Found) -> Iterator[str]:
    money = found["money"]
    if money is None:
        return
    yield f"MONEY: {_cost(money['cost_usd'])}, {money['cost_status']}: {money['explained']}"
    if money["lines"]:
        names = ["unit", "quantity", "unit_price_usd", "per", "cost_usd", "basis", "entry", "status"]
        yield from _table(names, [[line[name] for name in names] for line in money["lines"]])
    for line in money["lines"]:
        yield f"  {line['unit']} ({line['entry']}, charge {line['charge_id']}): {_price(line)}"
    yield from (f"  {text}" for text in map(_book, _distinct(money["lines"])))
    for each in money["reported"]:
        used = "booked" if each["booked"] else "not booked"
        yield f"  reported: {_cost(each['cost_usd'])} by {_said(each['source'])}, {used}: {each['explained']}"


def _price(line: Found) -> str:
    reason = f"; {_said(line['reason'])}" if line["reason"] else ""
    if line["price_id"] is None:
        return f"no price{reason}"
    price = line["price"] or {}
    since, until = (price.get(name) for name in ("valid_from_ns", "valid_to_ns"))
    valid = f"from {_time(since)}" if since is not None else "from ever"
    valid += f" to {_time(until)}" if until is not None else ", still"
    context = f", for {_said(price['context'])}" if price.get("context") else ""
    return f"price {_said(line['price_id'])}, valid {valid}{context}{reason}"


def _distinct(lines: Sequence[Found]) -> list[Found]:
    return list({line["price_book_id"]: line for line in lines if line["price_book_id"]}.values())


def _book(line: Found) -> str:
    price = line["price"]
    where = (
        f"{_said(price['source'])} {_said(price['source_version'])}, event {price['published_by']}" if price else "gone"
    )
    return f"price book {line['price_book_id']}: {where}"


def _placement(found: Found) -> Iterator[str]:
    yield "PLACEMENT: where the span belongs, and which span says so"
    if not found["placement"]:
        yield "  not placed yet"
    for each in found["placement"]:
        rule = f" ({each['rule']})" if each["rule"] else ""
        yield f"  {each['what']} {_said(each['value']) if each['value'] else 'unknown'}{rule}: {each['explained']}{_by(each)}"


def _by(each: Found) -> str:
    if each["span_id"] is None:
        return ""
    up = f", {each['levels']} up" if each["levels"] else ""
    return f": {each['by']}{up}, span {each['span_id']} {_said(each['name'])}"


def _table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    cells = [[_cell(name, value) for name, value in zip(headings, row, strict=True)] for row in rows]
    right = [name in ("quantity", "unit_price_usd", "per", "cost_usd") for name in headings]
    return [f"    {line}" for line in table.lines(headings, cells, right)]


def _cell(name: str, value: object) -> str:
    if value is None:
        return "-"
    plain = jsonable(value)
    if name == "cost_usd":
        return dollars(value)  # type: ignore[arg-type] # a decimal
    if name == "per":
        return f"{value:,}"
    return plain if isinstance(plain, str) else str(plain)


def _cost(value: Any) -> str:
    return "cost unknown" if value is None else dollars(value)


def _said(text: str) -> str:
    """A name that a stranger gave, on one line, as long as a cell may be."""
    return table.fit(text)


def _time(time_ns: int) -> str:
    return time_text(dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=time_ns // 1_000))


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
