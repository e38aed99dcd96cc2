// Batches through a JavaScript exporter with its defaults, one after the other, until standard input ends (or as many as
// the second argument says). Prints one line of JSON a batch: {"code": 0, "sent_ms": epoch, "ids": [span ids]}.
import { OTLPTraceExporter as Grpc } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as Json } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as Proto } from "@opentelemetry/exporter-trace-otlp-proto";
import { SpanKind } from "@opentelemetry/api";
import { TracerProvider } from "@opentelemetry/sdk-trace";

const exporter = new { grpc: Grpc, "http/json": Json, "http/protobuf": Proto }[process.argv[2]]();
const batches = Number(process.argv[3] ?? Infinity);
let ended = [];
const provider = new TracerProvider({
  spanProcessors: [{ onStart() {}, onEnd: (span) => ended.push(span), forceFlush: async () => {}, shutdown: async () => {} }],
});
const tracer = provider.getTracer("spanledger.durability");
let over = false;
process.stdin.on("end", () => (over = true)).resume();

for (let sent = 0; sent < batches && !over; sent++) {
  for (let n = 0; n < 5; n++) {
    const attributes = {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-4o",
      "gen_ai.usage.input_tokens": 36000,
      "gen_ai.usage.output_tokens": 1000,
    };
    const span = tracer.startSpan("chat gpt-4o", { kind: SpanKind.CLIENT, attributes });
    span.setAttribute("gen_ai.response.id", `chatcmpl-${span.spanContext().spanId}`);
    span.end();
  }
  const batch = ended;
  ended = [];
  const sentMs = Date.now();
  const result = await new Promise((done) => exporter.export(batch, done));
  const ids = batch.map((span) => span.spanContext().spanId);
  console.log(JSON.stringify({ code: result.code, error: `${result.error}`, sent_ms: sentMs, ids }));
}
await exporter.shutdown();
process.exit(0);
