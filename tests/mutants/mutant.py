"""A bug that the suite must see."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """`file`: the text `was` becomes `becomes`; of `tests` (arguments for pytest) one at least must fail."""

    name: str
    breaks: str
    file: str
    was: str
    becomes: str
    tests: tuple[str, ...]
