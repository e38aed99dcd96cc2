"""The ledger's figures beside those of the provider that bills."""
