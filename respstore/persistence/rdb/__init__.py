"""RDB, the format in which Redis keeps values outside of its memory: in files and in the replies of DUMP.

- primitives.py: lengths, strings, numbers; a reader that says where something is wrong;
- listpack.py, ziplist.py, lzf.py: the packed forms of small collections, today's and those of older versions;
- values.py, streams.py: a value and its type;
- dump.py: a value as DUMP gives it;
- file.py: all data, as it is in dump.rdb.

What is written is version 10, that of Redis 7.0; what is read, versions 1 to 11, with every form that Redis 2.8 to 7.2
wrote. Rules: rdb.h, rdb.c and the files of each form in Redis's source.
"""
