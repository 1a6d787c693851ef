"""Runs a command on a terminal of 80 columns: on_a_terminal.py [--interrupt-at TEXT] PROGRAM ARGUMENT...

Prints all that it wrote, with `ESC` for the escape character and `CR` for a carriage return, and
ends with its exit code. With TEXT, presses Ctrl-C once that was written.
"""

import fcntl
import os
import pty
import struct
import sys
import termios

arguments = sys.argv[1:]
awaited = None
if arguments[0] == "--interrupt-at":
    awaited = arguments[1].encode()
    arguments = arguments[2:]

process, terminal = pty.fork()
if process == 0:
    # The size is set by the time that anything is written.
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    os.execvp(arguments[0], arguments)

written = b""
while True:
    try:
        read = os.read(terminal, 65536)
    except OSError:
        break
    if not read:
        break
    written += read
    if awaited and awaited in written:
        os.write(terminal, b"\x03")
        awaited = None

_, status = os.waitpid(process, 0)
text = written.decode(errors="replace").replace("\r\n", "\n").replace("\r", "CR").replace("\x1b", "ESC")
sys.stdout.write(text)
sys.exit(os.waitstatus_to_exitcode(status))
