"""One made-up span and the row that is read from it."""

from ingest.decode import decode
from tests.ingest.decode.made import event, request

CHAT = {"gen_ai.provider.name": "openai", "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}


def read(attributes, scope="", resource=None, **fields):
    """The row of one span with these attributes."""
    made = request({"attributes": attributes, **fields}, scope=scope, resource=resource)
    (row,) = decode([event(made.SerializeToString())]).spans.to_pylist()
    return row
