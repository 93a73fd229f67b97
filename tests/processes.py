"""Other processes that tests work in step with."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from queue import SimpleQueue

from tests.conftest import ROOT


class Process:
    """A script that prints lines, and waits for :meth:`go_on` where it calls ``input``."""

    def __init__(self, script: str, *arguments: object) -> None:
        command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self.lines: SimpleQueue[str] = SimpleQueue()
        """What it has printed, and after it ``end``."""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.put(line.strip())
        self.lines.put("end")

    def go_on(self) -> None:
        """Let the script return from ``input``."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def next_line(self) -> str:
        """Return the next line; an empty one while the script works."""
        return "" if self.lines.empty() else self.lines.get()

    def end(self) -> int:
        """Wait for the end; return the exit code."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._reader.join()
        self._process.stdin.close()
        self._process.stdout.close()
        return self._process.wait()
