"""``chaosd sandbox --scenario etcd``: where the members' program comes from."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from chaosd.cli.failures import Failed
from chaosd.cli.sandbox_etcd import find_etcd, say_that_it_dies
from chaosd.sandbox.processes import Program
from tests.cli.support import chaosd

ETCD = "#!/bin/sh\necho etcd Version: 3.6.8\necho Git SHA: 1234567\n"


def program(folder: Path, name: str = "etcd", mode: int = 0o755, text: str = ETCD) -> Path:
    folder.mkdir(exist_ok=True)
    made = folder / name
    made.touch(mode=mode)
    made.write_text(text)
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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("#!/bin/sh\necho 'ls (GNU coreutils) 9.1'\n", "says 'ls (GNU coreutils) 9.1'"),
        ("#!/bin/sh\necho what? >&2\nexit 3\n", "says 'what?'"),
        ("#!/bin/sh\n", "says nothing"),
        ("#!/bin/sh\necho etcdctl version: 3.6.8\n", "says 'etcdctl version: 3.6.8'"),
        ("#!/bin/sh\nprintf '\\377\\n'\n", "says '\ufffd'"),
        ("no program at all", "does not start: "),
        ("#!/nowhere/sh\n", "does not start: "),
    ],
)
def test_another_program_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """It is asked who it is before anything starts: exit 2, what it answered, what to write."""
    other = program(tmp_path, "other", text=text)
    answer = chaosd("sandbox", "--scenario", "etcd", "--etcd", other)
    assert answer.code == 2
    words = " ".join(answer.err.replace("│", " ").split())
    assert said in words, answer
    assert "write the path of the program etcd" in words


def test_a_program_that_goes_on_for_ever_is_refused(tmp_path: Path) -> None:
    """As one that does not know `--version` may."""
    other = program(tmp_path, text="#!/bin/sh\nexec sleep 600\n")
    with pytest.raises(typer.BadParameter, match="does not end"):
        find_etcd(other, patience=0.2)


def test_members_that_die_are_told_with_what_they_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error: the member, the last lines of its log, and where all of it is."""
    log = tmp_path / "etcd-0.log"
    log.write_text("".join(f"line [{number}]\n" for number in range(30)))
    dead = Program("127.1.0.1", ("/bin/etcd",), lambda: False, log, {})
    say_that_it_dies(dead)
    out, err = capsys.readouterr()
    assert out == ""
    assert "the process of etcd-0 (127.1.0.1) ends at once, again and again" in err
    assert str(log) in err
    assert "line [29]" in err
    assert "line [19]" not in err


def test_a_log_that_is_not_there_is_no_hindrance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may have been removed in the meantime."""
    say_that_it_dies(Program("127.1.0.1", (), lambda: False, tmp_path / "etcd-0.log", {}))
    assert "it wrote nothing" in capsys.readouterr().err


def test_etcd_is_for_its_scenario(tmp_path: Path) -> None:
    """Exit 2 for another scenario, and for a file that is not there."""
    answer = chaosd("sandbox", "--etcd", str(program(tmp_path)))
    assert answer.code == 2
    assert "--scenario etcd" in answer.err
    assert chaosd("sandbox", "--scenario", "etcd", "--etcd", str(tmp_path / "none")).code == 2
