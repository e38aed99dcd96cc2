"""Price books as a person reads them: what is in one, what holds for a model, how two differ, what is odd."""
