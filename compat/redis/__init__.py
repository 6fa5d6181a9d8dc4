"""The same commands to a real redis-server and to respstore, every reply compared.

Read script.py for the format of scripts/, then rules.py and pair.py for how replies are compared. To see what both
servers answer to a script: `python -m compat.redis strings`.
"""
