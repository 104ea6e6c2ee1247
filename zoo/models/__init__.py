"""One file a family: its nets, variants, recipes and papers. Each registers what it has."""
