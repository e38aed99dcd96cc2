// One agent run through the JavaScript SDK and its own exporter; the endpoint comes from OTEL_EXPORTER_OTLP_ENDPOINT, as
// it would for a user. Prints one line of JSON once the exporter has its answer: {"code": 0, "trace_id": ..., "spans": n}.
import { OTLPTraceExporter as Grpc } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as Json } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as Proto } from "@opentelemetry/exporter-trace-otlp-proto";
import { SpanKind, context, trace } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";

const exporter = new { grpc: Grpc, "http/json": Json, "http/protobuf": Proto }[process.argv[2]]();
const send = exporter.export.bind(exporter);
exporter.export = (spans, done) =>
  send(spans, (result) => {
    const first = spans[0].spanContext().traceId;
    console.log(JSON.stringify({ code: result.code, error: `${result.error}`, trace_id: first, spans: spans.length }));
    done(result);
  });

const provider = new TracerProvider({
  resource: resourceFromAttributes({ "service.name": "js-agent" }),
  spanProcessors: [new BatchSpanProcessor({ exporter })],
});
const tracer = provider.getTracer("spanledger.e2e");
const agent = tracer.startSpan("invoke_agent clerk", {
  attributes: { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "clerk" },
});
const beneath = trace.setSpan(context.active(), agent);
for (let turn = 0; turn < 3; turn++) {
  const attributes = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.id": `chatcmpl-${agent.spanContext().spanId}-${turn}`,
    "gen_ai.usage.input_tokens": 36000,
    "gen_ai.usage.output_tokens": 1000,
  };
  tracer.startSpan("chat gpt-4o", { kind: SpanKind.CLIENT, attributes }, beneath).end();
}
agent.end();
await provider.forceFlush();
await provider.shutdown();
