"""A terminal of its own in which a test runs the program and types."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from types import TracebackType

from tests.program import environment, program

_ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[=>])")
_PATIENCE = 10.0


class Terminal:
    """The program in a terminal of 40 lines and 100 columns."""

    def __init__(self, *arguments: str, **changes: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        # Nobody is there to tell where the cursor stands.
        changes = {"TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1", **changes}
        self._process = subprocess.Popen(
            program(*arguments),
            env=environment(**changes),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self._raw = b""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    @property
    def raw(self) -> str:
        """Everything shown so far, with its escape sequences."""
        return self._raw.decode(errors="replace")

    @property
    def screen(self) -> str:
        """Everything shown so far, without them and without spaces at the ends of lines."""
        return re.sub(r" +\n", "\n", _ESCAPES.sub("", self.raw).replace("\r", ""))

    def type(self, keys: str | bytes) -> None:
        """Press keys."""
        os.write(self._master, keys if isinstance(keys, bytes) else keys.encode())

    def wait_for(self, text: str) -> None:
        """Wait until ``text`` is shown."""
        end = time.monotonic() + _PATIENCE
        while text not in self.screen:
            assert self._read(end - time.monotonic()), f"no {text!r} in {self.screen!r}"

    def wait_for_prompt(self, after: str = "") -> None:
        """Wait until the program waits for a line; before, keys for it are not its own yet."""
        self.wait_for(f"{after}\n\n>")

    def end(self) -> int:
        """Wait for the program to end; its exit status."""
        end = time.monotonic() + _PATIENCE
        while self._read(end - time.monotonic()):
            pass
        return self._process.wait(timeout=_PATIENCE)

    def _read(self, seconds: float) -> bool:
        """Read what is shown within some seconds; false where nothing comes."""
        ready, _, _ = select.select([self._master], [], [], max(seconds, 0))
        try:
            more = os.read(self._master, 65536) if ready else b""
        except OSError:  # Linux's way to say that the other end is closed
            more = b""
        self._raw += more
        return bool(more)
