"""Fields that mean the same whoever sends them, and those read from the resource."""

from ingest.dialects.dialect import Fields, any_field

COMMON: Fields = {
    "error_type": ("error.type", "error_type"),
    "failed": ("http.response.status_code",),
    "run_key": ("spanledger.run.id",),
    "conversation_id": ("gen_ai.conversation.id", "session.id"),
    "user_id": ("user.id", "enduser.id", "user.email", "gen_ai.user"),
    "team": ("team.name", "team.id", "team", "department", "cost_center"),
    "environment": ("deployment.environment.name", "deployment.environment", "environment"),
    "reported_cost_usd": (
        "gen_ai.usage.cost.amount",
        "operation.cost",
        "litellm.cost.total",
        "gen_ai.cost.total_cost",
        "gen_ai.usage.cost",
        "gen_ai.usage.total_cost",
        "gen_ai.usage.cost_usd",
        "llm.cost.total",
        "llm.usage.cost",
        "opencode.llm.cost.total",
        "gen_ai.cost.total_tokens",
    ),
}

GATEWAY: Fields = {
    # LiteLLM's proxy writes these on spans of other conventions too.
    "user_id": (
        "litellm.metadata.user_api_key_end_user_id",
        "metadata.user_api_key_end_user_id",
        "litellm.metadata.user_api_key_user_id",
        "metadata.user_api_key_user_id",
    ),
    "team": (
        "litellm.team.alias",
        "metadata.user_api_key_team_alias",
        "litellm.team.id",
        "metadata.user_api_key_team_id",
    ),
    "credential": (
        "litellm.metadata.user_api_key_alias",
        "metadata.user_api_key_alias",
        "litellm.api_key.hash",
        "metadata.user_api_key_hash",
    ),
    "response_id": ("litellm.call_id",),
}

METADATA: Fields = {
    "conversation_id": (any_field("metadata", "session_id", "thread_id", "conversation_id"),),
    "team": (any_field("metadata", "team"),),
}

RESOURCE: Fields = {
    "service_name": ("service.name",),
    "environment": COMMON["environment"],
    "team": COMMON["team"],
    "user_id": ("user.id", "enduser.id"),
    "run_key": COMMON["run_key"],
    "conversation_id": ("session.id",),
}
"""Read from the resource of every span, whatever its dialect; what the span itself says wins."""

COST_CURRENCY = "gen_ai.usage.cost.currency"
"""Where it names another currency than USD, no cost was reported in USD."""
