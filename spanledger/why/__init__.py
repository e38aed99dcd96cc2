"""Why a call was booked as it was: what the ledger decided, beside what was sent, read again from the journal."""
