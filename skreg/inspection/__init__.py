"""What a network does, measured on folds and drawn."""
