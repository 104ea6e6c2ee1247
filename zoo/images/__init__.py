"""Pictures: read and written as they come, resized, tiled, laid out on a sheet."""
