"""From constructor parameters and rows to a job of the engine."""
