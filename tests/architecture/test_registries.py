"""Nothing lies in a registry's folder without standing in its list, and nothing stands in a list without a file."""

from ingest.dialects import DIALECTS
from ingest.dialects.dialect import Dialect
from ingest.dialects.logs import LOG_DIALECTS
from ingest.dialects.meters import METRICS
from queries.views import ORDER
from spanledger.cli import COMMANDS
from tests.architecture.tree import ROOT, module_of, tracked


def test_every_dialect_that_a_file_defines_is_in_a_tuple() -> None:
    defined = []
    for path in tracked("ingest/dialects/*.py"):
        if path.stem not in ("__init__", "dialect"):
            values = vars(module_of(path)).items()
            defined += [value for name, value in values if isinstance(value, Dialect) and not name.startswith("_")]
    assert {id(one) for one in defined} == {id(one) for one in (*DIALECTS, *LOG_DIALECTS, METRICS)}


def test_every_view_file_is_in_the_order_and_the_other_way_round() -> None:
    assert {path.stem for path in tracked("queries/views/*.sql")} <= set(ORDER)
    assert len(set(ORDER)) == len(ORDER)


def test_every_command_file_is_in_the_table_and_the_other_way_round() -> None:
    folder = ROOT / "spanledger/cli"
    with_command = {path.stem for path in tracked("spanledger/cli/*.py") if "\ndef command(" in path.read_text()}
    assert with_command == {file for file, _ in COMMANDS.values()}
    assert all((folder / f"{file}.py").exists() for file, _ in COMMANDS.values())
