"""All data from a running server, respstore or Redis, to another or to a file, or back: `respstore import`, `export`.

- entries.py: a key with all that is known of it;
- servers.py, files.py: the two kinds of ends, each of which gives entries and takes them;
- copying.py: from one end to the other, with a look at what has arrived.

A server is asked and told by SCAN, DUMP and RESTORE, so that nothing but Redis's own commands is needed there.
"""
