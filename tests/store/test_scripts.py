"""What the scripts do is tested where there is a server that runs them: compat/store/."""

import hashlib
import re

import pytest

from respstore.store import scripts
from respstore.store.scripts import Script

SCRIPTS = {name: script for name, script in vars(scripts).items() if isinstance(script, Script)}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_known_by_its_sha(name: str) -> None:
    script = SCRIPTS[name]
    assert script.sha == hashlib.sha1(script.text.encode()).hexdigest()


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_names_its_keys(name: str) -> None:
    """Redis Cluster lets a script touch only what was in KEYS: no key may be made up in the script."""
    touched = re.findall(r"redis\.p?call\('[A-Z]+', ([^,)]+)", SCRIPTS[name].text)
    assert set(touched) <= {"key", "KEYS[1]", "counter", "waiting", "leases", "facts", "passed"}
