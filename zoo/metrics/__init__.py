"""Figures of merit: of pictures, likelihoods and distributions; classical methods beside them."""
