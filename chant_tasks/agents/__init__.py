"""Coding agents: one provider a file behind one small contract, and supervising a process."""
