"""Which call a span is a view of, which view bills, and whose agent and run it is.

Everything here is a function of the set of spans known of a trace and their order in the journal; nothing depends on
how the journal was cut into batches. `docs/adr/0003-dedupe-by-trace.md` says why state is kept by trace.
"""
