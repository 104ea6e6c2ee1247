"""JPEG by libjpeg, on batches."""

import tensorflow as tf


def jpeg(images, quality):
    """Compresses to JPEG and opens again, by libjpeg.

    Args:
        images: float `[b, h, w, c]`, pixels in [0, 1], c is 1 or 3.
        quality: 1 to 100; an integer, or int32 `[b]`.
    """

    def one(image_and_quality):
        image, quality = image_and_quality
        return tf.image.adjust_jpeg_quality(image, quality, dct_method="INTEGER_ACCURATE")

    each = (images, tf.broadcast_to(quality, tf.shape(images)[:1]))
    return tf.map_fn(one, each, fn_output_signature=tf.TensorSpec(images.shape[1:]))
