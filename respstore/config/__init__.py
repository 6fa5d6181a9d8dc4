"""The server's configuration: `Config` holds the value of every option, CONFIG SET and redis.conf change it.

- `options.py`: the table: name, default, kind, support, when it may change. Start reading there.
- `values.py`: the kinds of values.
- `config.py`: the values of one server, and what CONFIG SET does to them.
- `syntax.py`: redis.conf and redis-server's command line, text to directives.
- `loading.py`: what a server starts with, made of files and the command line.
- `rewrite.py`: what CONFIG REWRITE makes of a file.
"""

from respstore.config.config import Config

__all__ = ["Config"]
