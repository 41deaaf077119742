"""``chaosd sandbox --scenario etcd``: where the members' program comes from."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from chaosd.cli.failures import Failed
from chaosd.cli.sandbox import find_etcd
from tests.cli.support import chaosd


def program(folder: Path, name: str = "etcd", mode: int = 0o755) -> Path:
    folder.mkdir(exist_ok=True)
    made = folder / name
    made.touch(mode=mode)
    return made


def test_without_etcd_it_says_what_to_do(tmp_path: Path) -> None:
    """Nothing plays a member: exit 1, and three ways to get one."""
    with pytest.raises(Failed) as failed:
        find_etcd(None, path=str(tmp_path))
    for words in ("there is no program etcd", "--etcd", "make tools", "apt-get install"):
        assert words in str(failed.value)


def test_the_one_that_is_named_goes_first(tmp_path: Path) -> None:
    """Else it is the one on the PATH."""
    found, named = program(tmp_path / "bin"), program(tmp_path / "own", "etcd-3.6")
    assert find_etcd(None, path=str(tmp_path / "bin")) == found
    assert find_etcd(named, path=str(tmp_path / "bin")) == named


def test_a_file_that_is_no_program_is_refused(tmp_path: Path) -> None:
    """Before anything starts."""
    with pytest.raises(typer.BadParameter, match="is no program"):
        find_etcd(program(tmp_path, mode=0o644), path="")


def test_etcd_is_for_its_scenario(tmp_path: Path) -> None:
    """Exit 2 for another scenario, and for a file that is not there."""
    answer = chaosd("sandbox", "--etcd", str(program(tmp_path)))
    assert answer.code == 2
    assert "--scenario etcd" in answer.err
    assert chaosd("sandbox", "--scenario", "etcd", "--etcd", str(tmp_path / "none")).code == 2
