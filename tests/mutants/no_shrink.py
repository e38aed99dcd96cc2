"""A plugin for pytest: Hypothesis looks for a failing example, the same ones each time, and does not make it small."""

from hypothesis import Phase, settings

settings.register_profile("no_shrink", phases=(Phase.explicit, Phase.generate), derandomize=True, database=None)
settings.load_profile("no_shrink")
