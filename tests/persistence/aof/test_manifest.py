"""The list of files, as redis-server writes it and reads it."""

import pytest

from respstore.persistence.aof.manifest import BASE, HISTORY, INCREMENT, File, Manifest
from respstore.persistence.rdb.primitives import CorruptError

NAME = "appendonly.aof"


def test_a_manifest_of_redis_is_read_and_written_again() -> None:
    text = (
        "file appendonly.aof.2.base.rdb seq 2 type b\n"
        "file appendonly.aof.1.incr.aof seq 1 type h\n"
        "file appendonly.aof.2.incr.aof seq 2 type i\n"
    )
    manifest = Manifest.parse(text)
    assert manifest == Manifest(
        File("appendonly.aof.2.base.rdb", 2, BASE),
        (File("appendonly.aof.2.incr.aof", 2, INCREMENT),),
        (File("appendonly.aof.1.incr.aof", 1, HISTORY),),
    )
    assert manifest.text() == text
    assert [file.sequence for file in manifest.parts()] == [2, 2]


def test_comments_are_passed_over() -> None:
    assert Manifest.parse("# a comment\nfile a seq 1 type b\n").base == File("a", 1, BASE)


@pytest.mark.parametrize("name", ["a b", 'a"b', "a\\b", "a\nb", "\u00e4.aof", "plain"])
def test_names_with_odd_characters_are_quoted(name: str) -> None:
    manifest = Manifest(File(name, 1, BASE))
    assert Manifest.parse(manifest.text()) == manifest
    assert manifest.text().isascii()


def test_names_are_quoted_as_redis_quotes_them() -> None:
    assert Manifest(File('a\n\t"\\\x01 ', 1, BASE)).text() == r'file "a\n\t\"\\\x01 " seq 1 type b' + "\n"


def test_escapes_of_bytes_are_read() -> None:
    manifest = Manifest.parse(r'file "\xc3\xa4\x20b" seq 1 type b' + "\n")
    assert manifest.base == File("\u00e4 b", 1, BASE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "\n",
        "file a seq 1 type b",
        "file a seq 1\n",
        "file a seq x type b\n",
        "file a seq 1 type x\n",
        "file a/b seq 1 type b\n",
        "name a seq 1 type b\n",
        "file a seq 1 type b\nfile b seq 2 type b\n",
        "file a seq 2 type i\nfile b seq 1 type i\n",
        f"file {'a' * 1100} seq 1 type b\n",
    ],
)
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(CorruptError):
        Manifest.parse(text)


def test_a_rewrite_puts_a_base_before_the_last_increment() -> None:
    manifest = Manifest().with_base(NAME, "rdb", keeping=0).with_increment(NAME)
    assert [file.name for file in manifest.parts()] == [f"{NAME}.1.base.rdb", f"{NAME}.1.incr.aof"]
    rewritten = manifest.with_increment(NAME).with_base(NAME, "aof")
    assert [file.name for file in rewritten.parts()] == [f"{NAME}.2.base.aof", f"{NAME}.2.incr.aof"]
    assert rewritten.history == (
        File(f"{NAME}.1.base.rdb", 1, HISTORY),
        File(f"{NAME}.1.incr.aof", 1, HISTORY),
    )
    assert rewritten.without_history().history == ()


def test_no_number_is_used_twice() -> None:
    manifest = Manifest().with_base(NAME, "rdb", keeping=0).with_increment(NAME)
    anew = manifest.with_base(NAME, "rdb", keeping=0).with_increment(NAME)
    assert [file.name for file in anew.parts()] == [f"{NAME}.2.base.rdb", f"{NAME}.2.incr.aof"]
