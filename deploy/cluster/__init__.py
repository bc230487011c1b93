"""What several machines would run, on one, while they fail one after another."""
