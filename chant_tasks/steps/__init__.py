"""The three steps of a spec in their order: worktree, agent, finalize. They only sequence."""
