-- One row per span that has content, its own or that of its logs.
--
-- Some emitters send prompts and answers as log records beside the span, before it or after it. Of such a span the
-- content is an array of JSON, one element a message, in order of time. A log of a call of another kind, as of a
-- tool that ran beneath the span, is not its content. Ask for few spans: all logs are looked at.
--
-- @tenant: tenant
-- @trace_id: OTLP trace id, hex
-- @span_id: OTLP span id, hex
-- @input: prompt, messages or tool arguments
-- @output: completion, messages or tool result
-- @input_from: span, or logs where the span has none
-- @output_from: span, or logs where the span has none
CREATE VIEW span_content AS
WITH said AS (
  SELECT
    s.tenant,
    s.trace_id,
    s.span_id,
    ANY_VALUE(s.input) AS input,
    ANY_VALUE(s.output) AS output,
    LIST(base.messages(l.input) ORDER BY l.time_ns, l.source_seq, l.log_index)
      FILTER (l.input IS NOT NULL) AS inputs,
    LIST(base.messages(l.output) ORDER BY l.time_ns, l.source_seq, l.log_index)
      FILTER (l.output IS NOT NULL) AS outputs
  FROM base.spans AS s
  LEFT JOIN base.logs AS l
    ON l.tenant = s.tenant AND l.trace_id = s.trace_id AND l.span_id = s.span_id
    AND l.operation IN ('other', s.operation)
  GROUP BY s.tenant, s.trace_id, s.span_id
)
SELECT
  tenant,
  LOWER(HEX(trace_id)) AS trace_id,
  LOWER(HEX(span_id)) AS span_id,
  COALESCE(input, CAST(TO_JSON(FLATTEN(inputs)) AS VARCHAR)) AS input,
  COALESCE(output, CAST(TO_JSON(FLATTEN(outputs)) AS VARCHAR)) AS output,
  CASE WHEN input IS NOT NULL THEN 'span' WHEN inputs IS NOT NULL THEN 'logs' END AS input_from,
  CASE WHEN output IS NOT NULL THEN 'span' WHEN outputs IS NOT NULL THEN 'logs' END AS output_from
FROM said
WHERE input IS NOT NULL OR output IS NOT NULL OR inputs IS NOT NULL OR outputs IS NOT NULL;
