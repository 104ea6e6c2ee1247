"""The latents of a trained autoencoder, brought to the distribution that samples are drawn from."""

import keras
import numpy as np


def standardise(net: keras.Model, images: np.ndarray) -> None:
    """Shifts and scales each latent: over these pictures it then has mean 0 and variance 1.

    What is made of a picture stays as it was, and the KL divergence, exact as in Kingma, Welling
    2014, appendix B, is the least that such a change can give it: in mean over the pictures its
    derivative by shift and scale is 0 there.

    Args:
        net: as `zoo.models.vae.vae` builds it.
        images: `[b, h, w, c]` in [0, 1].
    """
    encoder, decoder = net.get_layer("encoder"), net.get_layer("decoder")
    mean, logvar = encoder.predict(images, batch_size=500, verbose=0)
    shift, scale = mean.mean(0), np.sqrt(mean.var(0) + np.exp(logvar).mean(0))
    layers = (encoder.get_layer("mean"), encoder.get_layer("logvar"), decoder.get_layer("dense1"))
    (to_mean, mean_bias), (to_logvar, logvar_bias), (of_latent, bias) = (
        layer.get_weights() for layer in layers
    )
    layers[0].set_weights([to_mean / scale, (mean_bias - shift) / scale])
    layers[1].set_weights([to_logvar, logvar_bias - 2 * np.log(scale)])
    layers[2].set_weights([of_latent * scale[:, None], bias + shift @ of_latent])
