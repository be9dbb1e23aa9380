"""Random statements, asked of Lakegate and of DuckDB over the same rows: every answer is the same, or an error with a reason.

    make compare N=10000 SEED=1      so many statements; those of a seed are always the same

`tables` and `lake` make the rows, and bring them to DuckDB and, over the AWS API, to the sandbox. `queries` writes statements
by chance. Half of them are asked by a user with row filters, of whom DuckDB has the rows that the filters leave. `judge` compares:
`values` says when two values are the same, `differences` has what may differ and why, line by line. What fails is cut down by
`shrink` to a statement over its own rows, in the form of `regressions.txt`, whose statements run first. `contradictions` needs
no reference: there the server is compared with itself.

The run fails if an answer differs, or if too few statements were answered on both sides: a generator whose statements are
refused finds nothing.
"""
