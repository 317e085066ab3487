"""Models as other benchmarks want them."""
