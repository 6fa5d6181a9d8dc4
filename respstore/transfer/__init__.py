"""All data from a running server, respstore or Redis, to another or to a file, or back: `respstore import`, `export`.

- entries.py: a key with all that is known of it;
- servers.py, rdb_files.py, append_files.py: the kinds of ends; a source gives entries, a target takes them;
- finding.py: which kind of end a path is;
- copying.py: from one end to the other, with a look at what has arrived.

A server is asked and told by SCAN, DUMP and RESTORE, so that nothing but Redis's own commands is needed there. What is
copied is in memory bit by bit; only an append-only file, in which a later command may change an earlier one's work, is
as a whole.
"""
