"""What a call costs where telemetry states it: whose figure counts by some policies, as posting would find it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ledger.books.reported import METERING, UNLISTED, Preference
from ledger.calls.authority import authority
from ledger.calls.forest import SIGNALS
from ledger.calls.owner import word

View = Mapping[str, Any]
"""Of a sighting: signal, scope_name, began_ns, forest_span_id, source_seq, span_index, reported_cost_usd and
reported_source."""
VIEW = """{'signal': s.signal, 'scope_name': s.scope_name, 'forest_span_id': s.forest_span_id,
 'began_ns': COALESCE(NULLIF(s.start_ns, 0), NULLIF(s.end_ns, 0), s.received_ns),
 'source_seq': s.source_seq, 'span_index': s.span_index,
 'reported_cost_usd': s.reported_cost_usd, 'reported_source': s.reported_source}"""
OTHERS = f"""
SELECT p.tenant, COALESCE(p.call_trace_id, s.naming_trace_id) AS call_trace_id,
       COALESCE(p.call_span_id, s.naming_span_id) AS call_span_id, LIST({VIEW}) AS others
FROM base.placements_as_of(9223372036854775807) AS p
JOIN base.sightings AS s ON s.source_seq = p.source_seq AND s.span_index = p.span_index
WHERE NOT p.billed AND s.reported_cost_usd > 0 AND s.signal <> 'metric'
GROUP BY ALL
"""
"""By call, the views that do not bill and state a cost."""


def counted(
    own: View,
    others: Sequence[View],
    preferences: Mapping[str, Preference],
    computed: Decimal | None,
    lines: Decimal | None,
) -> Decimal | None:
    """Cost of the call that `own` bills, USD. `computed`: what its lines without a report come to, None where one of
    them has no cost or there is none; `lines`: what all of them come to, which it is where no figure counts."""
    views = [own, *others]
    stating = [at for at, view in enumerate(views) if _preference(view, preferences) in METERING]
    if not stating:
        return lines
    best = views[max(stating, key=lambda at: word(_columns(views), at, 0))]
    stated: Decimal = best["reported_cost_usd"]
    compared = computed is not None and _preference(best, preferences) == Preference.GREATER
    return max(computed or stated, stated) if compared else stated


def _preference(view: View, preferences: Mapping[str, Preference]) -> Preference:
    usd = view["reported_cost_usd"]
    return Preference.NEVER if usd is None or usd <= 0 else preferences.get(view["reported_source"] or "", UNLISTED)


def _columns(views: Sequence[View]) -> dict[str, list[int]]:
    return {
        "authority": [authority(view["scope_name"] or "") for view in views],
        "signal": [SIGNALS.index(view["signal"]) for view in views],
        "began_ns": [view["began_ns"] for view in views],
        "span": [int.from_bytes(view["forest_span_id"], "big") for view in views],
        "source_seq": [view["source_seq"] for view in views],
        "span_index": [view["span_index"] for view in views],
    }
