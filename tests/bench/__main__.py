"""Starts lake and peers, runs the sections one after another, prints the table."""

from __future__ import annotations

import os
import platform
import signal
import sys
import threading
import time
from importlib import import_module
from pathlib import Path

from .lake import Lake, Process, temporary_folder
from .measure import in_one_line
from .peers import Peers, wanted_by
from .report import Report
from .settings import Settings


def main() -> None:
    settings = Settings.from_environment()
    report = Report(about(settings))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # So that servers are stopped on the way out.
    end_in_time(settings, report)
    with temporary_folder() as name:
        try:
            run_sections(settings, report, Path(name))
        finally:
            finish(settings, report)
            stop_servers()


def run_sections(settings: Settings, report: Report, folder: Path) -> None:
    say(f"making the sample lake, scale factor {settings.scale_factor:g}")
    lake = Lake(folder, settings)
    wanted = wanted_by(settings.sections)
    if wanted:
        say("copying it for the peers, starting them")
    peers = Peers(wanted, folder, lake.copies if wanted else [], report)
    for section in settings.sections:
        say(section)
        began = time.monotonic()
        try:
            import_module(f".{section}", __package__).run(settings, lake, peers, report)
        except Exception as error:
            report.add(section, "the section", note=f"did not end: {in_one_line(error)}")
        report.about[f"{section} took"] = f"{time.monotonic() - began:.0f} s"


def about(settings: Settings) -> dict[str, object]:
    return {
        "scale factor": settings.scale_factor,
        "rounds": settings.rounds,
        "cores": os.cpu_count(),
        "machine": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
    }


def finish(settings: Settings, report: Report) -> None:
    report.write(settings.binaries / "bench.json")
    report.print()


def stop_servers() -> None:
    for process in Process.started:
        process.stop()


def end_in_time(settings: Settings, report: Report) -> None:
    """A section that hangs must leave neither servers behind nor the figures of the others unprinted."""

    def end() -> None:
        report.add("bench", "time is over", note=f"ended after {settings.minutes:g} minutes (LAKEGATE_BENCH_MINUTES)")
        finish(settings, report)
        stop_servers()
        os._exit(1)

    watchdog = threading.Timer(settings.minutes * 60, end)
    watchdog.daemon = True
    watchdog.start()


def say(text: str) -> None:
    print(f"bench: {text} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
