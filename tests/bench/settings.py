"""What the environment asks for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

SECTIONS = ("tpch", "latency", "streaming", "concurrency", "hostile", "guard", "metadata", "vectors", "log", "before")


@dataclass(frozen=True)
class Settings:
    binaries: Path
    """The folder with lakegate-server and lakegate-sandbox."""
    scale_factor: float
    """TPC-H scale factor of the sample lake."""
    rounds: int
    """Turns of each engine; a figure is the median over them."""
    sections: tuple[str, ...]
    """The sections that run."""
    files: int
    """Files that the log of section `log` adds."""
    before: Path | None
    """The folder with the lakegate-server of an earlier commit, for section `before`."""
    minutes: float
    """Longest run; what was measured until then is reported."""

    @classmethod
    def from_environment(cls) -> Settings:
        asked = os.environ.get("LAKEGATE_BENCH_ONLY") or ",".join(SECTIONS)
        names = {name.strip() for name in asked.split(",")}
        if not names <= set(SECTIONS):
            raise SystemExit(f"LAKEGATE_BENCH_ONLY knows {', '.join(SECTIONS)}")
        binaries = Path(os.environ.get("LAKEGATE_BINARIES", "."))
        if not (binaries / "lakegate-server").exists():
            raise SystemExit("LAKEGATE_BINARIES names no folder with lakegate-server")
        return cls(
            binaries=binaries,
            scale_factor=float(os.environ.get("LAKEGATE_BENCH_SF") or 1),
            rounds=int(os.environ.get("LAKEGATE_BENCH_ROUNDS") or 3),
            sections=tuple(name for name in SECTIONS if name in names),
            files=int(os.environ.get("LAKEGATE_BENCH_FILES") or 300_000),
            before=Path(os.environ["LAKEGATE_BENCH_BEFORE"]) if os.environ.get("LAKEGATE_BENCH_BEFORE") else None,
            minutes=float(os.environ.get("LAKEGATE_BENCH_MINUTES") or 60),
        )
