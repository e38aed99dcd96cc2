"""What a provider itself says was used and what it bills, as files that a person saved from its API."""
