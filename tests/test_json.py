"""Records in JSON keep paths that are not UTF-8."""

from __future__ import annotations

import json
from typing import Any

import pytest

from phash_engine import _json

ODD = "caf\udce9.jpg"


@pytest.mark.parametrize(
    "record",
    [
        {"path": "/é.jpg", "size": 3, "groups": [{"keeper": {"path": "a"}}], "none": None},
        {"path": ODD, "groups": [{"keeper": {"path": ODD}}, {"others": [{"path": ODD}]}]},
    ],
)
def test_records_are_read_as_they_were_written(record: dict[str, Any]) -> None:
    for indent in (None, 1):
        assert _json.loads(_json.dumps(record, indent=indent)) == record


def test_bytes_that_are_not_utf8_are_in_a_field_of_their_own() -> None:
    written = json.loads(_json.dumps({"path": ODD, "others": ["a", ODD]}))
    assert written == {
        "path": "caf\ufffd.jpg",
        "path_b64": "Y2Fm6S5qcGc=",
        "others": ["a", "caf\ufffd.jpg"],
        "others_b64": ["YQ==", "Y2Fm6S5qcGc="],
    }


@pytest.mark.parametrize("data", [b"{", b'{"path": "a", "path_b64": "?"}', b"\xff"])
def test_what_cannot_be_read_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of several kinds
        _json.loads(data)
