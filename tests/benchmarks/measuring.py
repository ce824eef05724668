"""What the benchmarks of whole processes share: the geometry of the checkpoints that they make, times, the machine."""

import os
import platform
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"
GEOMETRY = ["--n-head", "8", "--n-query-groups", "8", "--head-size", "256"]


def timed(command):
    """Wall seconds and peak kilobytes of a command."""
    with tempfile.NamedTemporaryFile("r") as report:
        started = time.monotonic()
        subprocess.run(["/usr/bin/time", "-f", "%M", "-o", report.name, *command], check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - started, int(report.read().split()[-1])


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    return f"{os.cpu_count()} cores ({model}), {memory} GiB of memory, Linux {platform.release()}"


def filesystem(folder):
    """The type of the filesystem that holds a folder."""
    return subprocess.run(["stat", "-f", "-c", "%T", folder], check=True, capture_output=True, text=True).stdout.strip()


def summary(seconds, memory, base):
    """A row for each way: medians over the rounds, of the ratios to the base of the same round, and the largest peak memory."""
    return [
        {
            "way": name,
            "seconds": round(statistics.median(walls), 3),
            "ratio": round(statistics.median(wall / other for wall, other in zip(walls, seconds[base])), 3),
            "peak_mib": round(memory[name] / 1024, 1),
        }
        for name, walls in seconds.items()
    ]
