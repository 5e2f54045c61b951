"""No command speaks to another machine: every socket stays on the loopback address, and no name is looked up."""

import subprocess
import sys

import pytest
from conftest import PATIENCE

WATCHED = """
import sys

def at(event, arguments):
    if event == "socket.getaddrinfo" and arguments[0] not in (None, "", "localhost", "127.0.0.1", "::1"):
        raise SystemExit(f"looked up {arguments[0]}")
    if event in ("socket.connect", "socket.bind", "socket.sendto"):
        address = arguments[1]
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1"):
            raise SystemExit(f"{event} {address}")
    if event in ("urllib.Request", "http.client.connect"):
        raise SystemExit(f"{event} {arguments}")

sys.addaudithook(at)
arguments = sys.argv[1:]
if arguments == ["trespass"]:
    import socket
    socket.create_connection(("192.0.2.1", 80), timeout=1)
sys.argv = ["sie", *arguments]
from sie.__main__ import main
main()
"""


def watched(*arguments, folder):
    """`sie` in a process that ends where it reaches for another machine."""
    line = [sys.executable, "-c", WATCHED, *arguments]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)


def test_a_connection_to_another_machine_would_be_seen(tmp_path):
    done = watched("trespass", folder=tmp_path)
    assert done.returncode == 1
    assert "192.0.2.1" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("report", "davidson_2025", "--draws", "4000", "--out", "out", "--html", "out.html"),
        ("page", "davidson_houlden_2025", "--draws", "4000", "--out", "page.html"),
        ("check",),
        ("calibrate", "davidson_2025", "--runs", "20", "--workers", "1", "--out", "out"),
        ("doctor",),
    ],
    ids=lambda arguments: arguments[0],
)
def test_no_command_reaches_beyond_this_machine(arguments, tmp_path):
    done = watched(*arguments, folder=tmp_path)
    assert done.returncode in (0, 2 if arguments == ("doctor",) else 0), done.stderr
    assert "socket." not in done.stderr
    assert "looked up" not in done.stderr
    assert "urllib" not in done.stderr
