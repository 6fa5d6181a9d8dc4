"""Libraries of other people, unmodified, on respstore and on redis-server: each test must pass on both.

The Node ones are installed by `make compat`, at the versions that package.json names.
"""
