"""The options of each part, made from the configuration by a literal table; its own defaults stand for the rest."""

import importlib
from typing import Any

from spanledger.config import DEFAULT, Config

PARTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "collector": (
        "ingest.options",
        "CollectorOptions",
        {
            "cors_origins": "collector.cors_origins",
            "request_bytes_max": "collector.request_bytes_max",
            "records_max": "collector.records_max",
            "elements_max": "collector.elements_max",
            "memory_bytes_max": "collector.memory_bytes_max",
            "hold_s": "collector.hold_s",
            "backlog_s": "collector.backlog_s",
            "calls_waiting_max": "collector.calls_waiting_max",
            "receive_s": "collector.receive_s",
            "receive_turn_s": "collector.receive_turn_s",
            "header_s": "collector.header_s",
            "keep_alive_s": "collector.keep_alive_s",
            "connections_max": "collector.connections_max",
            "streams_max": "collector.streams_max",
            "door_threads": "collector.door_threads",
            "refused_events_per_s": "collector.refused_events_per_s",
            "refused_events_burst": "collector.refused_events_burst",
            "refused_head_bytes": "collector.refused_head_bytes",
            "otlp_grpc": "listen.otlp_grpc",
            "otlp_http": "listen.otlp_http",
            "insecure": "listen.insecure",
            "hosts": "listen.hosts",
        },
    ),
    "journal": (
        "ledger.journal.options",
        "JournalOptions",
        {
            "shard": "journal.shard",
            "file_bytes_max": "journal.file_bytes_max",
            "body_bytes_max": "journal.body_bytes_max",
            "group_bytes_max": "journal.group_bytes_max",
            "queue_bytes_max": "journal.queue_bytes_max",
            "queue_events_max": "journal.queue_events_max",
            "free_bytes_min": "journal.free_bytes_min",
            "seal": "journal.seal",
            "seal_level": "journal.seal_level",
            "seal_backlog_files_max": "journal.seal_backlog_files_max",
        },
    ),
    "poster": (
        "ledger.post.poster",
        "PosterOptions",
        {
            "batch_events_max": "poster.batch_events_max",
            "batch_bytes_max": "poster.batch_bytes_max",
            "batch_spans_max": "poster.batch_spans_max",
            "open_spans_max": "poster.open_spans_max",
            "open_text_max": "poster.open_text_max",
            "remembered_bytes_max": "poster.remembered_bytes_max",
        },
    ),
    "settler": (
        "spanledger.processes.settler",
        "SettlerOptions",
        {"settle_after_s": "poster.settle_after_s"},
    ),
    "store": (
        "ledger.store.options",
        "StoreOptions",
        {
            "flush_rows": "store.flush_rows",
            "flush_bytes": "store.flush_bytes",
            "flush_age_s": "store.flush_age_s",
            "replaced_keep_s": "store.replaced_keep_s",
            "segment_bytes_max": "store.segment_bytes_max",
            "merge_free_bytes_min": "store.merge_free_bytes_min",
        },
    ),
    "api": (
        "queries.api.answers",
        "Bounds",
        {
            "connections_max": "api.connections_max",
            "wait_s": "api.wait_s",
            "query_s": "api.query_s",
            "stale_s": "api.stale_s",
        },
    ),
}
"""Part -> module and class of its options, and which key fills which field."""


def options(config: Config, part: str) -> Any:
    """The options of `part`, as its own frozen dataclass."""
    module, name, fields = PARTS[part]
    kind = getattr(importlib.import_module(module), name)
    given = {field: config.values[key] for field, key in fields.items() if config.origins[key] != DEFAULT}
    return kind(**given)
