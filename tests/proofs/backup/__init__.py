"""That one hospital can be copied while it is in use, and restored row by row; and that a damaged file is refused."""
