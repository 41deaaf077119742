"""The Dockerfile read, and its steps performed in a clean folder where there are no containers.

Only what this Dockerfile uses is understood; anything else is an error, so that no step is left
out silently. Absolute paths that the steps write to are moved below the folder.
https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

_IGNORED = {"LABEL", "EXPOSE"}
_MOVED = re.compile(r"(?<![\w./])/(src|wheels|opt)\b")


class Instruction(NamedTuple):
    """One instruction: its word in capitals, and the rest of its line."""

    word: str
    rest: str


@dataclass
class Image:
    """What a stage ends up with: its environment, where it works, who runs what."""

    environ: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = ""
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)


def instructions(text: str) -> list[Instruction]:
    """The instructions of a Dockerfile."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    whole = "\n".join(lines).replace("\\\n", " ")
    split = (line.split(maxsplit=1) for line in whole.splitlines() if line.strip())
    return [Instruction(word.upper(), rest.strip()) for word, rest in split]


def base_images(found: list[Instruction]) -> list[str]:
    """The images that stages start from."""
    return [one.rest.split()[0] for one in found if one.word == "FROM"]


def allowed(ignore: str, path: str) -> bool:
    """Whether a .dockerignore that begins with ``*`` lets a file or folder at the top through."""
    lines = [line for line in ignore.splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    return f"!{path}" in lines


class Builder:
    """Performs a Dockerfile: ``context`` is what is copied from, ``root`` what is written to.

    ``base`` is a folder with the ``python`` that the base image would have.
    """

    def __init__(self, context: Path, root: Path, base: Path) -> None:
        self._context = context
        self._root = root
        self._base = base
        self._ignore = (context / ".dockerignore").read_text()
        self.image = Image()

    def build(self) -> Image:
        """Perform every instruction; the image of the last stage."""
        for word, rest in instructions((self._context / "Dockerfile").read_text()):
            if word not in _IGNORED:
                getattr(self, f"_{word.lower()}")(rest)
        return self.image

    def moved(self, text: str) -> str:
        """``text`` with its absolute paths below the root."""
        return _MOVED.sub(lambda match: f"{self._root}/{match[1]}", text)

    def _from(self, rest: str) -> None:
        assert re.fullmatch(r"python:\$\{PYTHON\}-slim( AS \w+)?", rest), rest
        path = f"{self._base}:/usr/local/bin:/usr/bin:/bin"
        self.image = Image(environ={"PATH": path, "HOME": str(self._root), "LANG": "C.UTF-8"})

    def _arg(self, rest: str) -> None:
        """Builders are asked for nothing here, so each argument has its default."""
        name, _, default = rest.partition("=")
        self.image.arguments[name] = default

    def _env(self, rest: str) -> None:
        for pair in shlex.split(rest):
            name, _, value = pair.partition("=")
            known = self.image.environ
            self.image.environ[name] = self.moved(value).replace("$PATH", known["PATH"])

    def _workdir(self, rest: str) -> None:
        self.image.folder = self.moved(rest)
        Path(self.image.folder).mkdir(parents=True)

    def _copy(self, rest: str) -> None:
        for name, value in self.image.arguments.items():
            rest = rest.replace(f"${{{name}}}", value)
        *sources, target = rest.split()
        if sources[0].startswith("--from="):
            # Stages share one root here; the path has to be the same on both sides.
            assert sources[1:] == [target]
            assert Path(self.moved(target)).exists()
            return
        for source in sources:
            assert allowed(self._ignore, source), f".dockerignore holds {source} back"
            to = Path(self.image.folder, target)
            path = self._context / source
            if path.is_dir():
                shutil.copytree(path, to)
            else:
                shutil.copy(path, to)

    def _run(self, rest: str) -> None:
        kept = {name: text for name, text in os.environ.items() if _of_the_builder(name)}
        done = subprocess.run(
            ["/bin/sh", "-ec", self.moved(rest)],
            cwd=self.image.folder,
            env={**kept, **self.image.arguments, **self.image.environ},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"RUN {rest}\n{done.stdout}{done.stderr}"

    def _user(self, rest: str) -> None:
        self.image.user = rest

    def _entrypoint(self, rest: str) -> None:
        self.image.entrypoint = json.loads(rest)

    def _cmd(self, rest: str) -> None:
        self.image.command = json.loads(rest)


def _of_the_builder(name: str) -> bool:
    """Which index and proxy packages come from is up to whoever builds."""
    return name.lower().endswith("_proxy") or name in {
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "PIP_TRUSTED_HOST",
        "PIP_CERT",
        "PIP_CONFIG_FILE",
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
    }
