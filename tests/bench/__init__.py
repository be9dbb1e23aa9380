"""`make bench`: how fast stock clients get their answers, beside peers on the same machine in the same run.

Prints one table and writes `bench.json` beside the binaries. Nothing here asserts a figure: figures depend on the
machine, so each stands beside the one of a peer, and all take turns in rounds, so that a machine that slows down slows
them all. A peer that cannot be installed or started is a line in the table, not the end of the run.

    tpch         the 22 queries of TPC-H beside Sail, plain DataFusion and DuckDB
    latency      five small questions over a kept connection, unrestricted and row-filtered, beside Sail; Python and Rust
    streaming    all columns of sales.lineitem beside Sail and a bare Flight server that sends from memory; Python and Rust
    concurrency  1, 8 and 64 clients that ask small questions, beside Sail
    hostile      a small question beside clients that want all memory, multiply tables, stop to read or vanish, and beside
                 ones of further kinds: what is hard to parse, to plan or to compute, unknown names, versions, handles, settings
    guard        a row filter that Lake Formation demands beside the same filter written by hand; open tables beside DataFusion
    metadata     all columns of 2,000 tables, as a client that browses asks for them
    vectors      a table whose every file has a deletion vector, on two threads beside one
    log          a Delta log of very many files, none of which the question needs, beside Sail
    before       this server beside the one of an earlier commit, whose program lies in LAKEGATE_BENCH_BEFORE: the queries of
                 tpch, the questions of latency, the table of streaming, and statements that take long to plan

Lakegate reads the lake from the sandbox over S3's protocol and asks Lake Formation; the peers read copies of the same
files from the local disk and ask nobody. DataFusion and DuckDB run inside this process, without any wire.

Environment (`settings.py` has the defaults): LAKEGATE_BINARIES, LAKEGATE_BENCH_SF, LAKEGATE_BENCH_ROUNDS,
LAKEGATE_BENCH_ONLY, LAKEGATE_BENCH_FILES, LAKEGATE_BENCH_BEFORE, LAKEGATE_BENCH_MINUTES.
"""
