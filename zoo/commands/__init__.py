"""What is typed: a file a command or a group of them, each a thin layer over the package."""
