-- Who lies under whom in a run, and when the run begins and ends.
SELECT span_id, parent_span_id, start_ns, end_ns FROM spans WHERE run_id = $run_id
