"""What respstore claims to be compatible with, and the evidence: everything here needs a real redis-server."""
