"""What results of tools cost in the next prompt of the agent that called them: an estimate, beside the books.

An agent's next call has in its prompt what the call before had, what that one answered, and the results of the tools
that ended in between. So by what the prompt grew beyond the first two, at its own mean price a token, is what the
results cost; they share it by their length. All of it is unknown where a part is.
"""

import numpy as np
import pyarrow as pa

from ledger.calls.columns import packed
from ledger.calls.forest import SETTLEMENT, Forest
from ledger.calls.roles import MODEL, TOOL
from ledger.money import SMALL_MAX, Amounts, decimals, product
from ledger.post.intake import Texts
from ledger.post.names import KINDS, Names, words
from ledger.post.parts import Parts
from ledger.post.pricing import UNKNOWN_PICO
from ledger.post.rollups import HOUR_NS
from ledger.schema import ARROW, MONEY


def result_rows(parts: Parts, texts: Texts) -> pa.Table:
    """schema.ROLLUPS by which what is posted of the tools of `parts` has to change, and notes it as posted."""
    nodes, tools = parts.forest.nodes, _tools(parts)
    at = np.flatnonzero(tools | ((parts.own("role") == TOOL) & (parts.own("r_pico") != UNKNOWN_PICO)))
    rows = parts.rows[at]
    if not len(rows):
        return ARROW["rollups"].empty_table()
    pico, agent = np.full(len(rows), UNKNOWN_PICO), nodes["p_agent"][rows]
    pico[tools[at]] = _costs(parts, texts)  # what no longer bills has no result of its own
    before, agent_before = nodes["r_pico"][rows], nodes["r_agent"][rows]
    changed = (pico != before) | ((agent != agent_before) & (pico != UNKNOWN_PICO))
    nodes["r_pico"][rows], nodes["r_agent"][rows] = pico, agent
    back, forward = changed & (before != UNKNOWN_PICO), changed & (pico != UNKNOWN_PICO)
    return pa.concat_tables(
        [
            _rows(parts.forest, texts, rows[back], agent_before[back], before[back], -1),
            _rows(parts.forest, texts, rows[forward], agent[forward], pico[forward], 1),
        ]
    )


def _tools(parts: Parts) -> np.ndarray:
    tools: np.ndarray = parts.own("p_billed") & (parts.own("role") == TOOL)
    return tools


def _turns(parts: Parts) -> np.ndarray:
    """Calls that a conversation goes on with: not those that make no text, nor those that came to nothing, nor what
    is left over of several."""
    failed = parts.own("failed") & ~parts.own("has_usage")
    turns: np.ndarray = parts.own("p_billed") & (parts.own("role") == MODEL) & parts.own("generates") & ~failed
    turns &= parts.own("signal") != SETTLEMENT
    return turns


def _costs(parts: Parts, texts: Texts) -> np.ndarray:
    """Of each tool of `parts` the cost of its result, pico-dollars, UNKNOWN_PICO where it is not known."""
    tools = np.flatnonzero(_tools(parts))
    before, after = _around(parts, tools, texts)
    found = np.full(len(tools), UNKNOWN_PICO)
    between = np.flatnonzero((before >= 0) & (after >= 0))
    if len(between):
        found[between] = _shares(parts, tools[between], before[between], after[between])
    return found


def _around(parts: Parts, tools: np.ndarray, texts: Texts) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the calls of the same agent, in the same run and beneath the same tool, that began last before each
    of `tools` ended, and first thereafter; -1 where there is none."""
    turns = np.flatnonzero(_turns(parts))
    at = np.concatenate([tools, turns])
    is_turn = np.arange(len(at)) >= len(tools)
    moment = np.where(is_turn, parts.own("began_ns")[at], parts.own("ended_ns")[at])
    names = Names(parts.forest, texts).agents(parts.rows[at], parts.own("p_agent")[at]).dictionary_encode()
    who = packed(parts.part[at], names.indices.to_numpy(zero_copy_only=False), parts.own("beneath")[at])
    order = np.lexsort(
        (parts.own("span")[at], is_turn, moment, who)
    )  # a call that begins as a tool ends has its result
    place, of_turn = np.arange(len(at)), is_turn[order]
    last = np.maximum.accumulate(np.where(of_turn, place, -1))
    following = np.minimum.accumulate(np.where(of_turn, place, len(at))[::-1])[::-1]
    around = np.full((2, len(at)), -1)
    for side, near in enumerate((last, following)):
        there = (near >= 0) & (near < len(at))
        there[there] = who[order][near[there]] == who[order][there]
        around[side, order[there]] = at[order[near[there]]]
    return around[0, : len(tools)], around[1, : len(tools)]


def _shares(parts: Parts, tools: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """What of the growth of the prompt `after` falls to each of `tools`; these are positions in `parts`."""
    tokens, answered = parts.own("input_tokens"), parts.own("output_tokens")
    length, price = parts.own("output_bytes")[tools], parts.own("input_pico")[after]
    known = parts.own("input_known")[before] & parts.own("output_known")[before] & parts.own("input_known")[after]
    known &= (tokens[after] > 0) & (price != UNKNOWN_PICO)
    silent = np.zeros(len(parts.rows), dtype=np.bool_)
    silent[after[length < 0]] = True
    total = np.zeros(len(parts.rows), dtype=np.int64)
    np.add.at(total, after, np.maximum(length, 0))
    grown = np.maximum(tokens[after] - tokens[before] - answered[before], 0)
    return _fractions(price, (grown, length), (tokens[after], total[after]), known & ~silent[after])


def _fractions(
    price: np.ndarray,
    above: tuple[np.ndarray, np.ndarray],
    below: tuple[np.ndarray, np.ndarray],
    known: np.ndarray,
) -> np.ndarray:
    """`price` times the product `above` over the product `below`, rounded once; UNKNOWN_PICO where it is not `known` or
    beyond all that anybody pays. Nothing of nothing is nothing."""
    large = [one.astype(np.float64) * other.astype(np.float64) >= SMALL_MAX for one, other in (above, below)]
    known = known & ~large[0] & ~large[1]
    some = known & (below[1] > 0)
    count, per = np.where(some, above[0] * above[1], 0), np.where(some, below[0] * below[1], 1)
    shared = np.gcd(count, per)
    count, per = count // shared, per // shared
    cost = np.where(some, price, 0)
    amounts = product(count, cost // per, cost % per, per)
    pico = np.where(known, amounts.small, UNKNOWN_PICO)
    for at, amount in amounts.wide.items():
        pico[at] = amount if amount < SMALL_MAX else UNKNOWN_PICO
    return pico


def _rows(forest: Forest, texts: Texts, rows: np.ndarray, agent: np.ndarray, pico: np.ndarray, sign: int) -> pa.Table:
    """schema.ROLLUPS with the results of the tools `rows` alone, one row each; users and teams are not told apart."""
    nodes, names, count = forest.nodes, Names(forest, texts), len(rows)
    columns: dict[str, pa.Array] = {
        "hour_ns": pa.array(nodes["charged_ns"][rows] // HOUR_NS * HOUR_NS),
        "tenant": names.tenants(rows),
        "environment": texts.environment.texts(nodes["environment"][rows]),
        "service_name": texts.service.texts(nodes["service"][rows]),
        "agent_name": names.agents(rows, agent),
        "tool_name": texts.tool.texts(nodes["tool"][rows]),
        "kind": words(KINDS, nodes["role"][rows]),
        "event_seq": pa.array(forest.traces["event_seq"][nodes["trace"][rows]]),
        "result_usd": decimals(Amounts(sign * pico), np.ones(count, dtype=np.bool_), MONEY),
        "result_calls": pa.array(np.full(count, sign)),
    }
    rest = {field.name: _nothing(field.type, count) for field in ARROW["rollups"] if field.name not in columns}
    return pa.table([(columns | rest)[name] for name in ARROW["rollups"].names], schema=ARROW["rollups"])


def _nothing(kind: pa.DataType, count: int) -> pa.Array:
    """No text, and sums of nothing."""
    if pa.types.is_string(kind):
        return pa.nulls(count, kind)
    return pa.array(np.zeros(count, dtype=np.int64)).cast(kind)
