"""What can go wrong, named by what the caller must do about it."""


class LedgerError(Exception):
    """Root of the project's errors. `retryable` says whether the same request may succeed later."""

    retryable = False


class Refused(LedgerError):
    """The request itself is wrong: fix it before sending it again."""


class TooLarge(Refused):
    """The request is over a configured size limit: split it."""


class Overloaded(LedgerError):
    """No room right now (memory budget, disk full, shutting down): retry later."""

    retryable = True


class Corrupt(LedgerError):
    """Bytes on disk are not what was written: stop and verify."""


class Locked(LedgerError):
    """Another process holds the lock on this directory."""


class NotFound(LedgerError):
    """The named thing does not exist in this ledger."""


class Incompatible(LedgerError):
    """The data directory was written by another version of the program."""
