"""Starts lake and peers, runs the sections one after another, prints the table."""

from __future__ import annotations

import os
import platform
import shutil
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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # So that servers are stopped on the way out.
    with temporary_folder() as name:
        run = TimedRun(settings, Path(name))
        try:
            run_sections(settings, run.report, Path(name))
        finally:
            run.finish()


class TimedRun:
    """Reports once and stops the servers, when all is done or when the time is over, whichever comes first.

    A section that hangs must leave neither servers behind nor the figures of the others unprinted.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder
        self.report = Report(about(settings))
        self.finishing = threading.Lock()
        watchdog = threading.Timer(settings.minutes * 60, self.end)
        watchdog.daemon = True
        watchdog.start()

    def finish(self) -> None:
        with self.finishing:
            self._finish()

    def end(self) -> None:
        self.finishing.acquire()  # Never released: whatever the sections still do, the process ends here.
        note = f"ended after {self.settings.minutes:g} minutes (LAKEGATE_BENCH_MINUTES)"
        self.report.add("bench", "time is over", note=note)
        self._finish()
        shutil.rmtree(self.folder, ignore_errors=True)
        os._exit(1)

    def _finish(self) -> None:
        if self.report.lines:
            self.report.write(self.settings.binaries / "bench.json")
            self.report.print()
        for process in Process.started:
            process.stop()


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


def say(text: str) -> None:
    print(f"bench: {text} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
