"""What a span takes from the spans above it: agent, run, conversation, user, team, the tool that it lies beneath,
and the span around it that is another sighting of what it did."""

import numpy as np

from ledger.calls.columns import Columns
from ledger.calls.forest import SPAN, Forest
from ledger.calls.roles import AGENT, MODEL, TOOL, WORKFLOW

NEAREST = ("agent", "conversation", "user", "team", "run", "turn")
"""Own value, else the parent's."""

_BOUNDS = np.zeros(256, dtype=np.bool_)
_BOUNDS[[TOOL, AGENT, WORKFLOW]] = True
_BOUNDS_OF_TOOLS = np.zeros(256, dtype=np.bool_)
_BOUNDS_OF_TOOLS[[MODEL, AGENT, WORKFLOW]] = True
_TOPS = np.zeros(256, dtype=np.bool_)
_TOPS[[AGENT, WORKFLOW]] = True


def inherit(forest: Forest, levels: list[np.ndarray]) -> None:
    """Bring the inherited columns of `levels` (Forest.levels) up to date."""
    for level in levels:
        _inherit_level(forest, level)


def _inherit_level(forest: Forest, level: np.ndarray) -> None:
    nodes = forest.nodes
    parent, role = nodes["parent"][level], nodes["role"][level]
    below = parent >= 0
    others = (nodes["own_agent"][level] >= 0) & below & (nodes["agent"][parent] >= 0)
    others &= nodes["own_agent"][level] != nodes["agent"][parent]
    forest.traces["nested"][nodes["trace"][level[others]]] = True
    for name in NEAREST:
        own = nodes[f"own_{name}"][level]
        nodes[name][level] = np.where(own >= 0, own, np.where(below, nodes[name][parent], -1))
    nodes["rooted"][level] = nodes["real"][level] & np.where(below, nodes["rooted"][parent], True)
    in_tool = (nodes["role"][parent] == TOOL) & (nodes["tool"][parent] >= 0)
    beneath = np.where(in_tool, nodes["tool"][parent], nodes["beneath"][parent])
    nodes["beneath"][level] = np.where(below, beneath, -1)
    top = np.where(below, nodes["top"][parent], -1)
    nodes["top"][level] = np.where(top >= 0, top, np.where(_TOPS[role], level, -1))
    around = np.where(below, nodes["llm"][parent], -1)
    is_model = (role == MODEL) & (nodes["signal"][level] == SPAN)  # a log record lies within nothing
    running = np.where(below, nodes["running"][parent], -1)
    within = (role == TOOL) & (running >= 0) & _same_execution(nodes, level, running)
    nodes["outer"][level] = np.where(is_model, around, np.where(within, running, -1))
    nodes["llm"][level] = np.where(is_model, level, np.where(_BOUNDS[role], -1, around))
    nodes["running"][level] = np.where(role == TOOL, level, np.where(_BOUNDS_OF_TOOLS[role], -1, running))


def _same_execution(nodes: Columns, inner: np.ndarray, outer: np.ndarray) -> np.ndarray:
    """Whether a tool and the tool around it are one execution: by the model's id of the tool call where both carry it,
    else by the tool's name. An agent's wrapper, the client of an MCP server and the server each make a span of it."""
    one, other = nodes["execution"][inner], nodes["execution"][outer]
    named = (nodes["tool"][inner] >= 0) & (nodes["tool"][inner] == nodes["tool"][outer])
    same: np.ndarray = np.where((one != 0) & (other != 0), one == other, named)
    return same
