"""How fast it is, in ratios: `python -m benchmarks`, or `make bench`. See docs/performance.md."""
