"""How work is shared out among processes, and how it ends early."""
