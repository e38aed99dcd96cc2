"""The dialects of logs, in order of precedence: of two that recognise a log in the same way, the earlier reads it.

To add one: a file here with a `LogDialect`, and its name in this tuple.
"""

from ingest.dialects.logs.claude_code import CLAUDE_CODE_LOGS
from ingest.dialects.logs.codex import CODEX_LOGS
from ingest.dialects.logs.gemini_cli import GEMINI_CLI_LOGS
from ingest.dialects.logs.genai import GENAI_LOGS
from ingest.dialects.logs.genai_messages import GENAI_MESSAGES
from ingest.dialects.logs.log_dialect import LogDialect
from ingest.dialects.logs.plain import PLAIN_LOGS

LOG_DIALECTS: tuple[LogDialect, ...] = (
    CLAUDE_CODE_LOGS,
    CODEX_LOGS,
    GEMINI_CLI_LOGS,
    GENAI_MESSAGES,
    GENAI_LOGS,
    PLAIN_LOGS,
)
"""The last one reads what no other recognises."""
