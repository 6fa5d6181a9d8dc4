"""Access control lists: which commands, keys and channels each user may use, and who is which user.

- `catalogue.py`: the commands that rules can name, one by one and by category.
- `selector.py`: one set of permissions: commands, and the keys and channels that they may touch.
- `user.py`: a user, who has passwords and one selector or several. May a request be run? is answered here.
- `rules.py`: the words of ACL SETUSER, which change a user.
- `describing.py`: the other way round, the rules that make a user.
- `storage.py`: users as the lines of a file, from `user` lines of redis.conf or an `aclfile`.
- `log.py`: what was denied (ACL LOG).
- `failures.py`: addresses from which many attempts to authenticate fail are answered late.
- `control.py`: all of it for one server, and what changes mean for the clients that are connected.

What must stay true: a client whose user may do everything pays nothing for any of this. Only where a user is restricted
in some way do the gates of its clients have the bit RESTRICTED, and their requests go through dispatch.py, which asks.
What a request's keys are is for engine/keyspecs.py to say, and what channels it names for the command's own record.
https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/
"""
