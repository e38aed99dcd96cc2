"""What the ledger decided about one call, and what it went by."""
