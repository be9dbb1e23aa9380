"""All queries of TPC-H: Lakegate over ADBC, Sail over ADBC, DataFusion and DuckDB inside this process."""

from __future__ import annotations

from pathlib import Path

from .lake import Lake
from .measure import Run, in_turns, remarks
from .peers import Peers
from .report import LAKEGATE, Report
from .settings import Settings

QUERIES = Path(__file__).parent / "queries"


def queries(scale_factor: float) -> dict[str, str]:
    """The texts by name. The share that query 11 asks for shrinks with the lake, as the benchmark defines."""
    fraction = f"{0.0001 / scale_factor:.10f}"
    return {path.stem: path.read_text().replace(":fraction", fraction) for path in sorted(QUERIES.glob("q*.sql"))}


def run(settings: Settings, lake: Lake, peers: Peers, report: Report) -> None:
    engines = {LAKEGATE: lake.connect()} | peers.started
    all_runs = []
    for name, sql in queries(settings.scale_factor).items():
        tasks = {engine: lambda rows=each.rows, sql=sql: rows(sql) for engine, each in engines.items()}
        runs = in_turns(tasks, settings.rounds)
        report.add("tpch", name, "ms", {engine: run.median_ms() for engine, run in runs.items()}, remarks(runs))
        all_runs.append(runs)
    add_total(all_runs, list(engines), report)
    engines[LAKEGATE].close()


def add_total(
    all_runs: list[dict[str, Run]],
    engines: list[str],
    report: Report,
    section: str = "tpch",
    what: str = "total of medians",
) -> None:
    """Sums the medians. A ratio is taken over the queries that both engines answered, and the note says how many."""
    totals, ratios, notes = {}, {}, []
    for engine in engines:
        answered = [runs for runs in all_runs if runs[engine].median() is not None]
        totals[engine] = sum(runs[engine].median_ms() for runs in answered) if answered else None
        if len(answered) < len(all_runs):
            notes.append(f"{engine} answered {len(answered)} of {len(all_runs)}")
        both = [runs for runs in answered if runs[LAKEGATE].median() is not None]
        if both and engine != LAKEGATE:
            ratios[engine] = sum(runs[LAKEGATE].median() for runs in both) / sum(runs[engine].median() for runs in both)
    report.add(section, what, "ms", totals, "; ".join(notes), ratios)
