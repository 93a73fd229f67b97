r"""Names of files for people: characters that act on a terminal or a page are shown, never sent.

Such are control characters (they move the cursor, clear the screen, begin a line), bidirectional marks (they reorder
what follows) and bytes that are no text. Names without them are shown as they are.
"""

from __future__ import annotations

import re
from typing import Final

_CONTROL: Final = "\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udc7f\udd00-\udfff"
CONTROL: Final = re.compile(f"[{_CONTROL}]+")
"""What may not be in a plain line: control characters, line and paragraph separators, surrogates that are no byte."""
UNSAFE: Final = re.compile(f"[{_CONTROL}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\udc80-\udcff]+")
"""What may not be shown: these, bidirectional marks, and bytes that are not UTF-8 (as Python decodes names)."""

_LETTERS: Final = dict(zip(b"\a\b\t\n\v\f\r", "abtnvfr", strict=True))


def quoted(name: str, unsafe: re.Pattern[str] = UNSAFE) -> str:
    r"""Return a name as ``ls --quoting-style=shell-escape`` shows it, if it has unsafe characters; else as it is.

    A POSIX shell reads the result as the same name.

    Examples
    --------
    >>> print(quoted("a\nb.jpg"), quoted("\x1b[2J"), quoted("it's\t"), quoted("a (1).jpg"))
    'a'$'\n''b.jpg' ''$'\033''[2J' 'it'\''s'$'\t' a (1).jpg
    """
    if not unsafe.search(name):
        return name
    shown = unsafe.sub(lambda run: f"'$'{_octal(run[0])}''", name.replace("'", "'\\''"))
    end = -2 if unsafe.match(name[-1]) else None  # no '' after the last
    return f"'{shown}'"[:end]


def escaped(text: str) -> str:
    r"""Return a text with its unsafe characters as ``$'\033'`` in their places; the same if it has none.

    For what holds names among other words; names alone are :func:`quoted` before.
    """
    return UNSAFE.sub(lambda run: f"$'{_octal(run[0])}'", text)


def marked(text: str) -> str:
    r"""Return a text for a page, with unsafe characters as ``[U+202E]``, bytes that are no text as U+FFFD.

    Examples
    --------
    >>> marked("gpj.\u202eexe"), marked("caf\udce9")
    ('gpj.[U+202E]exe', 'caf\ufffd')
    """
    return UNSAFE.sub(lambda run: "".join(map(_mark, run[0])), text)


def _octal(run: str) -> str:
    data = b"".join(
        bytes([ord(char) - 0xDC00]) if "\udc80" <= char <= "\udcff" else char.encode("utf-8", "surrogatepass")
        for char in run
    )
    return "".join(f"\\{_LETTERS.get(byte) or f'{byte:03o}'}" for byte in data)


def _mark(char: str) -> str:
    return "\ufffd" if "\udc80" <= char <= "\udcff" else f"[U+{ord(char):04X}]"
