"""Exported files: written from a pipeline, then verified in the runtimes that will run them."""
