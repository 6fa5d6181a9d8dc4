"""The append-only file as Redis 7.0 keeps it: a manifest, a base with all data, what was done since (increments)."""
