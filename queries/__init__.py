"""The answers: SQL views, reports, replay, HTTP API and page. Reads the ledger, never writes it."""
