"""A user's own Keras model: looked at, described, made a pipeline."""
