"""The poster: from the journal to rows, charges and rollups, one transaction a batch.

What a row says never depends on where a batch began or ended (docs/adr/0004-batches-post-in-rounds.md).
"""
