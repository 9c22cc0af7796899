"""The commands: doit's own where they know of specs, and ours, all named `spec-…`."""
