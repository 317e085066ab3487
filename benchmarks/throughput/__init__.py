"""How fast the input pipeline, the networks and loading are, each beside a plain way to do the same."""
