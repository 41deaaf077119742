"""The configuration file while it changes."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chaosd.config import FileSettings
from chaosd.ports import Loaded, Settings

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Volume:
    """A folder that changes as the kubelet changes a ConfigMap volume: the files are links into
    ``..data``, a link to a folder of their own, which is replaced by renaming a new one over it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.number = 0
        self.path = root / "chaosd.yaml"

    def publish(self, text: str | None) -> None:
        self.number += 1
        folder = self.root / f"..2026_11_21_{self.number}"
        folder.mkdir()
        if text is not None:
            (folder / "chaosd.yaml").write_text(text)
        link = self.root / "..data_tmp"
        link.symlink_to(folder.name)
        link.rename(self.root / "..data")
        if not self.path.is_symlink():
            self.path.symlink_to(Path("..data") / "chaosd.yaml")


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    return Volume(tmp_path)


def settings(volume: Volume, **environ: str) -> FileSettings:
    return FileSettings(volume.path, environ, lambda: NOW)


def cluster(loaded: Loaded) -> str | None:
    return None if loaded.configuration is None else loaded.configuration.cluster


def test_it_is_a_port(volume: Volume) -> None:
    """It fits where the engine asks for settings."""
    port: Settings = settings(volume)

    assert port.load().configuration is None


def test_a_swap_of_the_volume_is_seen(volume: Volume) -> None:
    """The next load after the link was renamed gives the new file, with a new fingerprint."""
    watched = settings(volume)
    volume.publish("{cluster: one, policies: []}")
    first = watched.load()
    volume.publish("{cluster: two, policies: []}")
    second = watched.load()

    assert (cluster(first), cluster(second)) == ("one", "two")
    assert first.fingerprint != second.fingerprint
    assert first.problems == second.problems == ()


def test_what_did_not_change_is_not_parsed_again(volume: Volume) -> None:
    """The same content gives the very same answer, also out of another folder."""
    watched = settings(volume)
    volume.publish("policies: []")
    first = watched.load()
    volume.publish("policies: []")

    assert watched.load() is first


def test_a_file_that_becomes_invalid(volume: Volume) -> None:
    """The newest valid configuration stays, beside the problems of the file as it is."""
    watched = settings(volume)
    volume.publish("{cluster: one, policies: []}")
    valid = watched.load()
    volume.publish("cluster: two\nhalted: yes\n")
    invalid = watched.load()

    assert cluster(invalid) == "one"
    assert invalid.fingerprint != valid.fingerprint
    assert invalid.problems == (
        "line 2: halted: expected true or false, found the text 'yes': write true",
        "policies: missing: write policies: []",
    )


def test_a_valid_file_puts_it_right(volume: Volume) -> None:
    """Problems end with the next valid file, and the fingerprint is again that of its content."""
    watched = settings(volume)
    volume.publish("{cluster: one, policies: []}")
    valid = watched.load()
    volume.publish("policies: nothing")
    watched.load()
    volume.publish("{cluster: one, policies: []}")

    assert watched.load() == valid


@pytest.mark.parametrize("how", ["the link is gone", "the file is gone", "the folder is gone"])
def test_the_moment_in_which_the_file_is_missing(volume: Volume, how: str) -> None:
    """A missing file is a problem while it lasts; the configuration stays."""
    watched = settings(volume)
    volume.publish("{cluster: one, policies: []}")
    watched.load()
    match how:
        case "the link is gone":
            volume.path.unlink()
        case "the file is gone":
            volume.publish(None)
        case _:
            (volume.root / "..data").unlink()
    missing = watched.load()

    assert cluster(missing) == "one"
    assert missing.problems == (f"no such file: {volume.path}; check the path",)

    volume.publish("{cluster: two, policies: []}")
    assert (cluster(watched.load()), watched.load().problems) == ("two", ())


def test_a_first_file_that_is_invalid(volume: Volume) -> None:
    """Without any valid file there is no configuration, only problems."""
    volume.publish("policies: 5")
    loaded = settings(volume).load()

    assert loaded.configuration is None
    assert len(loaded.problems) == 1


def test_a_file_written_in_place(tmp_path: Path) -> None:
    """Outside of Kubernetes the file itself changes, even to the same length at the same time."""
    path = tmp_path / "chaosd.yaml"
    path.write_text("{cluster: one, policies: []}")
    watched = FileSettings(path, {}, lambda: NOW)
    watched.load()
    before = path.stat()
    path.write_text("{cluster: two, policies: []}")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert cluster(watched.load()) == "two"


def test_overrides_bind_every_load_and_are_taken_once(volume: Volume) -> None:
    """The environment is read at the start: what it becomes later changes nothing."""
    environ = {"CHAOSD_CLUSTER": "mine", "PATH": "/bin"}
    watched = FileSettings(volume.path, environ, lambda: NOW)
    environ["CHAOSD_CLUSTER"] = "yours"
    volume.publish("{cluster: one, policies: []}")

    assert cluster(watched.load()) == "mine"


def test_the_fingerprint_tells_overrides_apart(volume: Volume) -> None:
    """The same file under other overrides is another configuration; other variables don't count."""
    volume.publish("policies: []")
    plain = settings(volume).load().fingerprint

    assert settings(volume, CHAOSD_CLUSTER="a").load().fingerprint != plain
    assert settings(volume, PATH="/bin", CHAOSD_PORT="1").load().fingerprint == plain


def test_a_mistyped_override_is_a_problem_of_every_load(volume: Volume) -> None:
    """A wrong variable stays wrong, beside whatever the file says."""
    watched = settings(volume, CHAOSD_DRYRUNN="true")
    before = watched.load()
    volume.publish("policies: []")

    assert any("CHAOSD_DRYRUNN" in problem for problem in before.problems)
    assert any("CHAOSD_DRYRUNN" in problem for problem in watched.load().problems)


def test_time_is_asked_when_the_file_is_read(volume: Volume) -> None:
    """Whether windows ever open is judged from the given clock."""
    text = "windows: {allow: [{dates: {first: 2030-01-01, last: 2030-12-31}}]}\npolicies: []\n"
    volume.publish(text)
    later = FileSettings(volume.path, {}, lambda: datetime(2030, 5, 1, tzinfo=UTC))

    assert len(settings(volume).load().problems) == 1
    assert later.load().problems == ()
