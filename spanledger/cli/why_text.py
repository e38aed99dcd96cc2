"""The answer of `why` as text for people, section by section, and as one JSON object."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from queries.why.find import RECORDS
from queries.wire import dollars, jsonable, time_text
from spanledger.cli import table
from spanledger.cli.output import json_text

Found = Mapping[str, Any]


def as_json(found: Found) -> str:
    """One object, in which no character can steer a terminal."""
    return json_text(jsonable(found), indent=1)


def as_text(found: Found) -> str:
    """Sentences and tables."""
    sections = (_head(found), _views(found), _columns(found["views"]), _money(found), _placement(found))
    return "\n\n".join("\n".join(section) for section in map(list, sections) if section)


def _head(found: Found) -> Iterator[str]:
    call, asked = found["call"], next(view for view in found["views"] if _is_asked(view, found))
    yield f"{found['kind']} {found['id']}"
    yield f"{_place(asked, asked['trace_id'] + ':')}  {_said(asked['name'])}  {asked['operation']}  {asked['status']}"
    if call is None:
        yield f"no call: {asked['explained']}"
        return
    what = _said(call["model"] or call["tool_name"] or "unnamed")
    maker = f" of {_said(call['provider'])}" if call["provider"] else ""
    yield f"call {call['call_id']}  {call['kind']} {what}{maker}  {_booked(call)}"


def _booked(call: Found) -> str:
    status = call["cost_status"]
    return "nothing booked" if status == "none" else f"{_cost(call['cost_usd'])}, {status}"


def _views(found: Found) -> Iterator[str]:
    if found["call"] is None:
        return
    yield f"VIEWS: the call was seen {_times(len(found['views']))}"
    for view in found["views"]:
        asked = "  (asked for)" if _is_asked(view, found) else ""
        yield f"  view {view['view_id']}  {_place(view)}  {_said(view['name'])}{asked}"
        yield f"    of {_said(view['scope_name']) or 'no scope'}, {_where(view)}"
        yield f"    {view['reason']}: {view['explained']}"
        if view["duplicate_of"]:
            yield f"    duplicate of view {view['duplicate_of']}"


def _is_asked(view: Found, found: Found) -> bool:
    return all(view[name] == found[name] for name in ("source_seq", "span_index"))


def _place(view: Found, trace: str = "") -> str:
    """The view as it may be asked for, if it is a span."""
    if view["signal"] == "span":
        return f"span {trace}{view['span_id']}"
    return f"{RECORDS[view['signal']]} {view['span_index']} of event {view['source_seq']}"


def _where(view: Found) -> str:
    about = ABOUT.get(view["signal"]) if view["parent_span_id"] else None
    return f"trace {view['trace_id']}" + (f", {about} span {view['parent_span_id']}" if about else "")


def _columns(views: Sequence[Found]) -> Iterator[str]:
    yield "COLUMNS: what each view says, and from which attribute"
    for view in views:
        yield f"  {_place(view)}: read as {view['dialect']}, mapping version {view['mapping_version']}"
        if view["event"] is None:
            yield "    not read again: too many views"
            continue
        yield from _sent(view)


def _sent(view: Found) -> Iterator[str]:
    event, read_as = view["event"], view["read_as"]
    yield (
        f"    {event['record']} {event['index']} of event {event['event_seq']}, "
        f"received {_time(event['received_ns'])} "
        f"by {event['transport']} from {_said(event['principal'])}"
    )
    yield f"    the event: {event['body_bytes']:,} bytes of {event['content_type']}, SHA-256 {event['raw_sha256']}"
    if (read_as["dialect"], read_as["mapping_version"]) != (view["dialect"], view["mapping_version"]):
        yield (
            f"    this program reads it as {read_as['dialect']}, mapping version {read_as['mapping_version']}, "
            "and that is shown"
        )
    rows = [[each["column"], each["value"], _from(each), _note(each)] for each in view["columns"]]
    yield from _table(["column", "value", "from", "note"], rows)


def _note(column: Found) -> str | None:
    parts = [f"sent {column['sent']}" if column["sent"] is not None else None, column["note"]]
    return ": ".join(part for part in parts if part) or None


def _from(column: Found) -> str:
    source = column["source"] or ""
    return f"resource {source}" if column["origin"] == "resource" else source or f"({column['origin']})"


def _money(found: Found) -> Iterator[str]:
    money = found["money"]
    if money is None:
        return
    cost = f"{_booked(money)}: " if money["lines"] else ""
    yield f"MONEY: {cost}{money['explained']}"
    if money["lines"]:
        yield from _lines(money["lines"])
        if money["priced_as_of_ns"]:
            yield f"  prices: those in force when the call started, {_time(money['priced_as_of_ns'])}"
        yield from (f"  {text}" for text in dict.fromkeys(map(_book, money["lines"])))
    for each in money["reported"]:
        used = "booked" if each["booked"] else "not booked"
        yield f"  reported: {_cost(each['cost_usd'])} by {_said(each['source'])}, {used}: {each['explained']}"
        by = "the default" if each["chosen_by"] is None else f"chosen by event {each['chosen_by']}"
        yield f"    policy {each['policy']}, {by}"


ABOUT: Mapping[str, str] = {"log": "written for", "settlement": "what was left over of"}
"""How a view that is no span stands to the span that it lies below."""
LINE = ("unit", "quantity", "unit_price_usd", "per", "cost_usd", "basis", "entry", "status")
"""Columns of the table of lines; below it each line's price in words."""


def _lines(lines: Sequence[Found]) -> Iterator[str]:
    yield from _table(LINE, [[line[name] for name in LINE] for line in lines])
    for line in lines:
        remark = f"; {_said(line['reason'])}" if line["reason"] else ""
        back = f"; takes back charge {line['reverses']}" if line["reverses"] else ""
        yield f"  charge {line['charge_id']}, {line['unit']}: {_price(line)}{remark}{back}"


def _price(line: Found) -> str:
    if line["price_id"] is None:
        return "no price" if line["override_id"] is None else f"own price {line['override_id']}"
    price = line["price"] or {}
    context = f" for {_said(price['context'])}" if price.get("context") else ""
    return f"price {_said(line['price_id'])}{context}, {_valid(price)}"


def _valid(price: Found) -> str:
    since, until = (price.get(name) for name in ("valid_from_ns", "valid_to_ns"))
    bounds = [f"from {_time(since)}" if since is not None else "", f"to {_time(until)}" if until is not None else ""]
    return "valid " + (" ".join(filter(None, bounds)) or "at any time")


def _book(line: Found) -> str:
    price = line["price"]
    if price is None:
        return f"price book {line['price_book_id'] or 'none'}"
    version = f"{_said(price['source'])} {_said(price['source_version'])}"
    return f"price book {line['price_book_id']}: {version}, published by event {price['published_by']}"


def _placement(found: Found) -> Iterator[str]:
    yield "PLACEMENT: where it belongs, and who says so"
    if not found["placement"]:
        yield "  not placed yet"
    for each in found["placement"]:
        rule = f" ({each['rule']})" if each["rule"] else ""
        value = _said(each["value"]) if each["value"] else "none" if each["what"] == "run" else "unknown"
        yield f"  {each['what']} {value}{rule}: {each['explained']}{_by(each)}"


def _by(each: Found) -> str:
    if each["name"] is None:
        return ""
    up = f", {each['levels']} up" if each["levels"] else ""
    span = f"span {each['span_id']} " if each["span_id"] else ""
    return f": {each['by']}{up}, {span}{_said(each['name'])}"


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
