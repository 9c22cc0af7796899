"""Evidence, merging in memory, advancing the target branch, refreshing checkouts."""
