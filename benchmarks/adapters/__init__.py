"""Other libraries' models as encoders: ``--adapter benchmarks.adapters.<module>:<Class>``."""
