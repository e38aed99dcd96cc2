-- Runs that are named after a trace or a span and have views of calls in other traces too: few.
CREATE VIEW base.runs_of_several_traces AS
SELECT DISTINCT run_id
FROM base.run_parts_now
WHERE elsewhere;
