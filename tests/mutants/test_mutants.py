"""The suite sees what it should: every mutant of the table is killed by the tests that it names."""

from pathlib import Path

import pytest

from tests.mutants.runner import copy_of_the_program, killed_by, run
from tests.mutants.table import NAMED, OTHERS, Mutant

pytestmark = [pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_the_program(tmp_path_factory.mktemp("mutants"))


def by_name(mutants: tuple[Mutant, ...]) -> list[object]:
    return [pytest.param(mutant, id=mutant.name) for mutant in mutants]


@pytest.mark.durability
@pytest.mark.parametrize("mutant", by_name(NAMED))
def test_a_named_mutant_is_killed(mutant: Mutant, tree: Path) -> None:
    print(f"{mutant.name}: killed by {killed_by(mutant, tree)}")


@pytest.mark.long
@pytest.mark.parametrize("mutant", by_name(OTHERS))
def test_another_mutant_is_killed(mutant: Mutant, tree: Path) -> None:
    print(f"{mutant.name}: killed by {killed_by(mutant, tree)}")


@pytest.mark.durability
def test_without_a_mutation_the_tests_of_the_named_ones_pass(tree: Path) -> None:
    code, output = run(tree, sorted({test for mutant in NAMED for test in mutant.tests}))
    assert code == 0, output[-2000:]


@pytest.mark.long
@pytest.mark.parametrize("tests", sorted({mutant.tests for mutant in OTHERS}), ids=" ".join)
def test_without_a_mutation_the_tests_of_the_others_pass(tests: tuple[str, ...], tree: Path) -> None:
    code, output = run(tree, tests)
    assert code == 0, output[-2000:]


def test_every_mutant_finds_its_text_once_and_has_a_name_of_its_own() -> None:
    root = Path(__file__).parents[2]
    counts = {mutant.name: (root / mutant.file).read_text().count(mutant.was) for mutant in (*NAMED, *OTHERS)}
    assert counts == {mutant.name: 1 for mutant in (*NAMED, *OTHERS)}
    assert len(counts) == len(NAMED) + len(OTHERS)
