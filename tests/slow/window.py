#!/usr/bin/env python3
"""The release program in a real window, on a virtual display, driven by keyboard alone.

    tests/slow/window.py PROGRAM [--pictures FOLDER] [--rounds N]

Starts it on a fresh home, types, waits for what the model wrote to be in the database, kills it in the middle
of a reply, opens it again and looks for that reply; then writes on, and watches that memory does not grow.
Needs Xvfb, xdotool and ImageMagick's import. The pictures are for looking at.
"""

import argparse
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIZE = (1440, 900)
START_SECS = 60
REPLY_SECS = 60
# Between the first replies and the last; caches are full by then.
GROWTH_MIB = 48


class Desk:
    """A virtual display with one program on it."""

    def __init__(self, program, home, pictures):
        self.program, self.home, self.pictures = program, home, pictures
        self.app = None
        read, write = os.pipe()
        self.display = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24", "-nolisten", "tcp"],
            pass_fds=[write], stderr=subprocess.DEVNULL,
        )
        os.close(write)
        with os.fdopen(read) as answer:
            number = answer.readline().strip()
        if not number:
            raise SystemExit("Xvfb did not start")
        self.environment = dict(os.environ, DISPLAY=f":{number}", LC_ALL="C.UTF-8")
        self.environment.pop("WAYLAND_DISPLAY", None)

    def close(self):
        if self.app and self.app.poll() is None:
            self.app.kill()
            self.app.wait()
        self.display.terminate()
        self.display.wait()

    def run(self, *command, check=True):
        return subprocess.run(command, env=self.environment, check=check, capture_output=True, text=True).stdout

    def start(self):
        began = time.monotonic()
        self.app = subprocess.Popen([self.program, "--home", self.home], env=self.environment)
        self.window = wait_for("the window", START_SECS, self.find_window)
        took = time.monotonic() - began
        # Without a window manager nobody else gives it its size and the keyboard.
        self.run("xdotool", "windowsize", self.window, str(SIZE[0]), str(SIZE[1]))
        self.run("xdotool", "windowmove", self.window, "0", "0")
        self.run("xdotool", "windowfocus", "--sync", self.window)
        time.sleep(1.5)
        return took

    def find_window(self):
        if self.app.poll() is not None:
            raise SystemExit(f"the program ended with {self.app.returncode} before it had a window")
        found = self.run("xdotool", "search", "--onlyvisible", "--name", "Glassworks", check=False).split()
        return found[-1] if found else None

    def keys(self, *names):
        self.run("xdotool", "key", "--delay", "60", *names)
        time.sleep(0.4)

    def type(self, text):
        self.run("xdotool", "type", "--delay", "25", text)
        time.sleep(0.4)

    def picture(self, name):
        path = self.pictures / f"{name}.png"
        self.run("import", "-window", "root", str(path))
        colours = int(self.run("identify", "-format", "%k", str(path)))
        if colours < 50:
            raise SystemExit(f"{path} is empty: {colours} colours")

    def resident_mib(self):
        for line in Path(f"/proc/{self.app.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise SystemExit("the program is gone")

    def replies(self):
        """(status, text) of every reply in the database, oldest first."""
        path = Path(self.home) / "glassworks.db"
        if not path.exists():
            return []
        base = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
        try:
            query = "SELECT status, text || tail FROM messages WHERE reply IS NOT NULL ORDER BY seq"
            return base.execute(query).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error) or "locked" in str(error):
                return []
            raise
        finally:
            base.close()

    def finished(self):
        return [text for status, text in self.replies() if status not in ("streaming", "interrupted")]


def wait_for(what, secs, look):
    end = time.monotonic() + secs
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.2)
    raise SystemExit(f"{what}: not there after {secs} s")


def one_reply(desk, how):
    before = len(desk.finished())
    how()
    wait_for("a finished reply in the database", REPLY_SECS, lambda: len(desk.finished()) > before)


def ask(desk, text):
    desk.type(text)
    desk.keys("Return")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pictures = options.pictures or Path(folder)
        pictures.mkdir(parents=True, exist_ok=True)
        desk = Desk(str(Path(options.program).resolve()), f"{folder}/home", pictures)
        try:
            drive(desk, options.rounds)
        finally:
            desk.close()


def drive(desk, rounds):
    print(f"window after {desk.start():.1f} s, {desk.resident_mib():.0f} MiB")
    desk.picture("1-first-launch")

    desk.type("Once upon a time")
    one_reply(desk, lambda: desk.keys("ctrl+Return"))
    time.sleep(1)
    desk.picture("2-completion")
    desk.keys("ctrl+n")
    one_reply(desk, lambda: ask(desk, "What did the cat say?"))
    time.sleep(1)
    desk.picture("3-chat")
    print(f"{len(desk.finished())} replies in the database")

    kept = len(desk.replies())
    desk.keys("ctrl+n")
    ask(desk, "And then?")
    wait_for("a reply begun", REPLY_SECS, lambda: len(desk.replies()) > kept and desk.replies()[-1][1])
    desk.app.send_signal(signal.SIGKILL)
    desk.app.wait()
    killed = desk.replies()[-1]
    desk.start()
    wait_for("the database open again", START_SECS, lambda: desk.replies()[-1][0] != "streaming")
    status, text = desk.replies()[-1]
    if not text.startswith(killed[1]) or (status != "interrupted" and killed[0] == "streaming"):
        raise SystemExit(f"killed while {killed}, found again as {(status, text)}")
    desk.picture("4-after-a-kill")
    # A fast machine may have written the whole reply first; `crash` in tests/engine always kills in the middle.
    where = "in the middle of" if killed[0] == "streaming" else "after"
    print(f"killed {where} a reply of {len(killed[1])} characters, found again as {status}")

    early = None
    for number in range(rounds):
        desk.keys("ctrl+n")
        one_reply(desk, lambda: ask(desk, f"Tell me story {number}"))
        if number == rounds // 2:
            early = desk.resident_mib()
    late = desk.resident_mib()
    print(f"{rounds} more replies; {early:.0f} MiB halfway, {late:.0f} MiB at the end")
    if late - early > GROWTH_MIB:
        raise SystemExit(f"memory grew by {late - early:.0f} MiB")

    desk.keys("ctrl+q")
    code = desk.app.wait(timeout=10)
    if code:
        raise SystemExit(f"quit with exit code {code}")
    print("closed by Ctrl+Q")


if __name__ == "__main__":
    sys.exit(main())
