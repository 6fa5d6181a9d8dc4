"""Bytes of a client to requests, values to replies: RESP, and nothing that a command does."""
