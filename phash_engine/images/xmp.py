"""The properties of an XMP packet (Adobe XMP specification, part 1: RDF in XML), as plain text.

A packet comes from a file that nobody vouches for: it is read to a length, entities are refused, and damage ends the
reading without an error.
"""

from __future__ import annotations

import contextlib
from typing import Final
from xml.parsers import expat

_MOST_BYTES: Final = 1 << 20
_MOST_TEXT: Final = 200

_PREFIXES: Final = {
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/lightroom/1.0/": "lr",
    "http://ns.microsoft.com/photo/1.0/": "MicrosoftPhoto",
    "http://ns.google.com/photos/1.0/camera/": "GCamera",
    "http://ns.google.com/photos/1.0/container/item/": "Item",
}


def properties(packet: bytes) -> dict[str, str]:
    """Return the text of the properties of well-known namespaces, by names such as ``dc:description``.

    Of a property with several values, such as keywords, the texts are joined. The first megabyte is read, and of each
    property some 200 characters.
    """
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.EntityDeclHandler = _refuse
    with contextlib.suppress(expat.ExpatError, ValueError, LookupError):  # what was read until there counts
        parser.Parse(packet[:_MOST_BYTES].strip(b"\0 \r\n\t"), True)
    return {name: text for name, text in reader.found.items() if text.strip()}


class _Reader:
    """Collects texts: the value of an attribute, or all text inside an element."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self._open: list[str] = []

    def start(self, element: str, attributes: dict[str, str]) -> None:
        self._open.append(_name(element) or (self._open[-1] if self._open else ""))
        for attribute, value in attributes.items():
            self._add(_name(attribute), value)

    def end(self, _: str) -> None:
        self._open.pop()

    def text(self, text: str) -> None:
        if self._open and text.strip():
            self._add(self._open[-1], text)

    def _add(self, name: str, text: str) -> None:
        if name and len(before := self.found.get(name, "")) < _MOST_TEXT:
            self.found[name] = f"{before} {text[:_MOST_TEXT]}".strip()


def _name(qualified: str) -> str:
    """Return the name with its usual prefix; empty for other namespaces, and for structure such as lists."""
    namespace, _, local = qualified.rpartition(" ")
    prefix = _PREFIXES.get(namespace)
    return f"{prefix}:{local}" if prefix else ""


def _refuse(*_: object) -> None:
    raise ValueError("entities are not expanded")
