"""The store on stock servers: what tests/store/behaviour.py asks of it on respstore, it must do on these as well.

test_behaviour.py   the suite, on respstore, redis-server, a Sentinel's service, and a cluster of three nodes
test_failover.py    a service and a cluster that lose a master, a cluster whose slots move
groups.py           starts those groups of servers
"""
