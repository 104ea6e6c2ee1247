"""Quantization-aware training of Keras nets: a twin that computes as its int8 file will."""
