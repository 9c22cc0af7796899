"""What chant_tasks costs, beside what it could cost at least: docs/performance.md has the figures."""
