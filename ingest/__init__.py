"""The door: OTLP over gRPC and HTTP, admission, and the decoding of telemetry dialects into one row per span."""
