"""Attributes that we add to a span to say what had to be done to it before it could be read."""

REPAIRED = "spanledger.utf8_repaired"
"""Where text that is not UTF-8 was given U+FFFD."""

UNREADABLE = "spanledger.unreadable"
"""What of its resource or scope does not read and is therefore missing."""
