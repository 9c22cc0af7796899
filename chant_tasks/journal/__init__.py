"""What is in flight: attempts, locks, tombstones; and picking up after a crash."""
