"""How soon the system ends the server for want of memory; beside redis-server: compat/redis/test_oom_score.py."""

from pathlib import Path

import pytest

from respstore.config import Config
from respstore.server.oom_score import OomScore, Role


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "oom_score_adj"
    path.write_text("22\n")
    return path


def set_options(config: Config, **options: str) -> None:
    config.change([(name.replace("_", "-"), text) for name, text in options.items()])


@pytest.fixture
def config() -> Config:
    config = Config()
    for option in ("oom-score-adj", "oom-score-adj-values"):
        config.on_change(option, lambda: None)
    return config


def test_it_is_left_alone_unless_somebody_asks(config: Config, tmp_path: Path) -> None:
    OomScore(config, tmp_path / "missing").apply(Role.SERVER)


@pytest.mark.parametrize(
    ("mode", "values", "scores"),
    [
        ("yes", "10 20 30", (32, 52)),
        ("relative", "-5 0 0", (17, 22)),
        ("absolute", "10 20 30", (10, 30)),
        ("yes", "990 0 2000", (1000, 1000)),
        ("absolute", "-2000 0 -1001", (-1000, -1000)),
    ],
)
def test_the_server_and_its_children(
    config: Config, file: Path, mode: str, values: str, scores: tuple[int, int]
) -> None:
    score = OomScore(config, file)
    set_options(config, oom_score_adj=mode, oom_score_adj_values=values)
    for role, expected in zip((Role.SERVER, Role.CHILD), scores, strict=True):
        score.apply(role)
        assert int(file.read_text()) == expected


def test_it_is_put_back(config: Config, file: Path) -> None:
    score = OomScore(config, file)
    set_options(config, oom_score_adj="yes", oom_score_adj_values="1 2 3")
    score.apply(Role.SERVER)
    set_options(config, oom_score_adj="absolute")
    score.apply(Role.SERVER)
    set_options(config, oom_score_adj="no")
    score.apply(Role.SERVER)
    assert int(file.read_text()) == 22
    file.write_text("33")  # by somebody else
    score.apply(Role.SERVER)
    assert int(file.read_text()) == 33


def test_where_there_are_no_scores(config: Config, tmp_path: Path) -> None:
    set_options(config, oom_score_adj="yes")
    with pytest.raises(FileNotFoundError):
        OomScore(config, tmp_path / "missing").apply(Role.SERVER)
