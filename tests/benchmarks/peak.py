"""The most memory that a process has held."""

import re
import resource
import sys
from pathlib import Path

__all__ = ["megabytes"]


def megabytes() -> int:
    """Its peak so far in MB.

    Of this program alone: what `getrusage` tells on Linux starts at the peak of the process that started it, however large.
    """
    if sys.platform == "linux":
        return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 << 20)
