"""One study a file: what training tables do not answer, measured and printed by a command of its own."""
