"""Made-up hospitals, as a real one would look on a working day: for `zoapets demo` and for measuring."""
