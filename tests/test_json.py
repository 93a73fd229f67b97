"""Records in JSON keep paths that are not UTF-8."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
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


NO_JSON = {
    b"{": "Expecting property name.*: line 1 column 2",
    b"[1,\n \xff]": "not UTF-8: line 2 column 2",
    b'\xef\xbb\xbf["\xc3\xa9\xff"]': "not UTF-8: line 1 column 4",
    '{"a": 1}'.encode("utf-16"): "not UTF-8: line 1 column 1",
    b"[\n" * 100_000: "nested too deeply: line 101 column 1",
    b'{"path":\n  ' + b"7" * 5000 + b"}": "a number of thousands of digits: line 2 column 3",
}


@pytest.mark.parametrize("data", NO_JSON)
def test_what_is_no_json_is_refused_with_line_and_column(data: bytes) -> None:
    with pytest.raises(ValueError, match=NO_JSON[data]):
        _json.loads(data)


@dataclass
class Photo:
    path: str
    size: int = 0


@dataclass
class Document:
    groups: list[Photo]
    labels: dict[str, Photo] = field(default_factory=dict)


WRONG = {
    '{"groups": [], "labels": {"x": {"path": [3]}}}': r"Expected `str`, got `array`: line 1 column 26 \(\$.*path\)",
    '[{"a": [1, "}"], "groups":\r\n [5]}]': "Expected `object`, got `array`: line 1 column 1",
    '{"groups": [{"path": ":]}"}, {"path": "a", "size" : \n 1e999}]}': r"got `float`: line 2 column 2 \(\$.*size\)",
    '{"groups": [{"path": "a", "size": 123456789012345678901234567890}, 5]}': "got `int`: line 1 column 68",
    '{"groups": [{"path": "a", "path": "b"}]}': "Expected `str`, got `a key that occurs twice`: line 1 column 22",
    '{"groups": [{"path": "a", "path_b64": "?"}]}': "got `invalid base64 beside it`: line 1 column 22",
    '{"groups": [{"path": "a", "path_b64": 5}]}': "got `invalid base64 beside it`: line 1 column 22",
    '{"groups": [{"path": "a", "path_b64": "Yg=="}]}': "got `base64 of another string`: line 1 column 22",
    '{"groups": [{"path_b64": "Yg=="}]}': "got `base64 of another string`: line 1 column 13",
    '{"groups": [{"size": 5}]}': "missing required field `path`: line 1 column 13",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_has_another_form_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(ValueError, match=WRONG[text]) as caught:
        _json.convert(_json.loads(text), Document, text)
    assert str(caught.value).isprintable()
