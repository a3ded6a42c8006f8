"""Which remedies help: comparisons and searches over them."""
