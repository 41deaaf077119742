"""``chaosd schema``: the generated reference."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from chaosd.cli.schema import PAGES
from tests.cli.support import ROOT, chaosd


def test_the_schema_is_a_schema() -> None:
    """Editors can use what is printed without an argument."""
    schema = json.loads(chaosd("schema").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "policies" in schema["properties"]


def test_writing_all_into_a_folder(tmp_path: Path) -> None:
    """The three files, under the names that they have in docs/, as they are printed one by one."""
    assert chaosd("schema", "--write", tmp_path).code == 0
    assert {path.name for path in tmp_path.iterdir()} == set(PAGES.values())
    for page, name in PAGES.items():
        assert (ROOT / "docs" / name).exists()
        assert (tmp_path / name).read_text() == chaosd("schema", page).out


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """Exit 1, and which file could not be written."""
    answer = chaosd("schema", "--write", tmp_path / "none")
    assert answer.code == 1
    assert "none" in answer.err
