"""What is wrong with a repository that specs are worked in, and mending what loses nothing.

`model` holds the values. Each of `repository`, `folders`, `files`, `attempts`, `refs`, `specs` looks at one thing: a
`load_…` that reads, and pure functions that say what is wrong. `look` asks them all, `mend` does what they propose,
`disk` says what takes space.
"""
