"""A screen and keys, for the tests of what asks on a terminal."""

import os
import pty
import select
import subprocess
import termios
import time

from simulators import PROGRAM, Office

PATIENCE_SECONDS = 40


class Terminal:
    """A person before a screen: reads until something is there, then presses a key."""

    def __init__(self, office: Office, user: str, *arguments: str, **environment: str) -> None:
        self._screen, theirs = pty.openpty()
        command = [str(PROGRAM), *office.command(*arguments, user=user, as_json=False)]
        seen = office.environment(TERM="xterm-256color", COLUMNS="100", LINES="40", **environment)
        self._process = subprocess.Popen(
            command, cwd=office.folder, env=seen,
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.seen = ""

    def until(self, text: str) -> str:
        """What came up to this text; it is not looked at again."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while text not in self.seen:
            ready, _, _ = select.select([self._screen], [], [], max(0.0, deadline - time.monotonic()))
            try:
                piece = os.read(self._screen, 65536) if ready else b""
            except OSError:
                piece = b""
            if not piece:
                raise AssertionError(f"waited for {text!r}, saw {self.seen[-2000:]!r}")
            self.seen += piece.decode(errors="replace")
        before, _, self.seen = self.seen.partition(text)
        return before

    def press(self, key: str) -> None:
        """Press one key, once it is waited for: what is typed before a letter is shown does not decide it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while termios.tcgetattr(self._screen)[3] & termios.ICANON:
            assert time.monotonic() < deadline, f"nobody waits for a key: {self.seen[-2000:]!r}"
            time.sleep(0.01)
        os.write(self._screen, key.encode())

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._screen, f"{line}\r".encode())

    def ended(self) -> int:
        """Wait for the end; returns the exit status."""
        status = self._process.wait(PATIENCE_SECONDS)
        os.close(self._screen)
        return status
