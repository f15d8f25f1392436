"""One study a file: questions that the tables do not answer, each measured and printed by a command of its own."""
