"""Git verbs and nothing else: each runs git once and returns values."""
