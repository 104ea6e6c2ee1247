"""Files and what is in them: written whole or not at all, read with suspicion."""
