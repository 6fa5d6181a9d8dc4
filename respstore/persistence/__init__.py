"""Redis's own files and dumps: what one of the two writes, the other reads.

`rdb/` is the format of a value, of a dump (DUMP, RESTORE) and of a whole file, sans-IO: bytes to data and back.
`aof/` is the append-only file: its manifest, and commands.
"""
