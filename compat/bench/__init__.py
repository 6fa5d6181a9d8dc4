"""`make bench`: respstore's speed and memory beside redis-server's, in one run on one machine.

servers.py (one folder up) starts the two; benchmark.py drives redis-benchmark, test by test, in turn; memory.py
measures keys and idle connections; figures.py knows the bars and judges; tables.py prints and writes the page.
"""
