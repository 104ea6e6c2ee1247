"""What an autoencoder's latents are brought to at the end of a training."""

import numpy as np
import pytest
from tiny import with_random_weights

from zoo.training.latents import standardise


def test_pictures_stay_and_latents_are_distributed_as_the_prior():
    net = with_random_weights("vae_tiny").net
    images = np.random.default_rng(0).uniform(size=(200, 12, 12, 1)).astype(np.float32)
    before, mean, logvar = net.predict(images, verbose=0)
    standardise(net, images)
    after, new_mean, new_logvar = net.predict(images, verbose=0)
    np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-4)
    assert new_mean.mean(0) == pytest.approx(0, abs=1e-4)
    assert new_mean.var(0) + np.exp(new_logvar).mean(0) == pytest.approx(1, rel=1e-3)
    assert _kl(new_mean, new_logvar) < _kl(mean, logvar) / 2
    # each latent's share of noise stays: what is drawn from it is drawn as before
    shares = (np.exp(v).mean(0) / m.var(0) for m, v in ((mean, logvar), (new_mean, new_logvar)))
    np.testing.assert_allclose(*shares, rtol=1e-3)


def _kl(mean, logvar) -> float:
    return float(np.mean(np.sum(np.exp(logvar) + mean**2 - 1 - logvar, axis=1)) / 2)
