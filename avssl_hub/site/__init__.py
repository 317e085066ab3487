"""The documentation site: pages, and what is taken from the rest of the repository as they are built."""
