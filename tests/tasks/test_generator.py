"""Generators: the same pictures for a seed, latents there and back, honest refusals."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from conftest import in_second_process, needs
from PIL import Image
from tiny import with_random_weights

import zoo
from zoo import index
from zoo.cli import main
from zoo.data import sources
from zoo.images import sheet
from zoo.images.pixels import to_uint8
from zoo.metrics import distances, features, likelihood
from zoo.storage import weights
from zoo.training import steps, watch
from zoo.training.log import Log


@pytest.fixture(scope="module")
def gan():
    return with_random_weights("dcgan_tiny")


@pytest.fixture(scope="module")
def vae():
    return with_random_weights("vae_tiny")


@pytest.fixture
def pictures():
    return np.random.default_rng(3).integers(0, 256, (5, 12, 12, 1), np.uint8)


def test_a_seed_gives_the_same_pictures_and_the_first_ones_stay(gan):
    many = gan.sample(300, seed=7)
    assert many.shape == (300, 12, 12, 1) and many.dtype == np.uint8
    np.testing.assert_array_equal(gan.sample(300, seed=7), many)
    assert np.abs(gan.sample(5, seed=7).astype(int) - many[:5]).max() <= 1
    assert np.abs(gan.sample(5, seed=8).astype(int) - many[:5]).max() > 10


def test_another_process_makes_the_same_pictures(vae, tmp_path):
    weights.save(vae.net, tmp_path / "w.h5")
    code = (
        "import sys, zoo\n"
        "print(zoo.load('vae_tiny', sys.argv[1]).sample(3, seed=5).ravel().tolist())"
    )
    shown = json.loads(in_second_process(code, tmp_path / "w.h5"))
    assert np.abs(np.array(shown) - vae.sample(3, seed=5).ravel()).max() <= 1


def test_classes_take_turns_or_are_chosen(gan):
    labels = gan.spec.labels
    np.testing.assert_array_equal(gan.codes(4)[:, -3:], np.eye(3)[[0, 1, 2, 0]])
    np.testing.assert_array_equal(gan.codes(2, label=labels[1])[:, -3:], np.eye(3)[[1, 1]])
    assert np.any(gan.sample(1, label=labels[1]) != gan.sample(1, label=labels[2]))


@pytest.mark.parametrize("count", [0, -3, 2.5, True, "8", None])
def test_a_count_that_is_none_is_refused(gan, count):
    with pytest.raises(zoo.ZooError, match="a whole number, 1 or more"):
        gan.sample(count)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "a", None])
def test_a_seed_that_is_none_is_refused(gan, seed):
    with pytest.raises(zoo.ZooError, match=r"seed: expected a whole number, 0 to 4294967295, got"):
        gan.codes(2, seed=seed)


def test_a_label_that_is_unknown_is_refused(gan, vae):
    with pytest.raises(zoo.ZooError, match="left, middle, right"):
        gan.sample(1, label="up")
    with pytest.raises(zoo.ZooError, match="no classes"):
        vae.sample(1, label="left")


@pytest.mark.parametrize("shape", [(7,), (2, 9), (2, 8, 1), (0, 8), ()])
def test_latents_of_another_length_are_refused(gan, shape):
    with pytest.raises(zoo.ZooError, match=r"expected latents of shape \[b, 8\]"):
        gan.decode(np.zeros(shape))


def test_latents_that_are_not_finite_are_refused(gan):
    with pytest.raises(zoo.ZooError, match="expected finite latents"):
        gan.decode([np.nan] * 8)


@pytest.mark.parametrize("latents", ["face", [[0.0] * 8, [0.0]], np.zeros(8, complex), None])
def test_what_is_no_latent_is_refused(gan, latents):
    with pytest.raises(zoo.ZooError, match=r"expected latents, an array of numbers \[b, n\], got"):
        gan(latents)


def test_latents_of_any_precision_are_taken_and_an_overflow_is_said(gan):
    codes = gan.codes(2)
    rounded = tf.cast(codes, tf.bfloat16)
    np.testing.assert_array_equal(gan(rounded), gan(rounded.numpy().astype(np.float32)))
    with pytest.raises(zoo.ZooError, match="the net overflows on"):
        gan.decode(codes * 1e38)


def test_one_latent_gives_one_picture(gan):
    codes = gan.codes(3)
    np.testing.assert_allclose(gan.decode(codes[1]), gan.decode(codes)[1], atol=1e-5)
    np.testing.assert_array_equal(gan(codes[1]), to_uint8(gan.decode(codes[1])))


def test_the_way_from_one_latent_to_another_has_both_ends(vae):
    first, last = vae.codes(2, seed=1)
    way = vae.interpolate(first, last, 5)
    ends = to_uint8(vae.decode(np.stack([first, last])))
    assert np.abs(way[[0, -1]].astype(int) - ends).max() <= 1
    half = (first + last) / np.linalg.norm(first + last) * _radius(first, last)
    assert np.abs(way[2].astype(int) - to_uint8(vae.decode(half))).max() <= 1
    assert np.abs(vae.interpolate(first, first, 3)[1].astype(int) - ends[0]).max() <= 1
    for count in (1, 2.5, "3"):
        with pytest.raises(zoo.ZooError, match="2 or more"):
            vae.interpolate(first, last, count)
    for end in (last[:2], np.stack([last, last])):
        with pytest.raises(zoo.ZooError, match=r"expected ends of shape \[3\], got"):
            vae.interpolate(first, end)


def _radius(first, last):
    """Length of the latent half-way, on the arc."""
    lengths = np.linalg.norm(first), np.linalg.norm(last)
    cosine = first @ last / np.prod(lengths)
    half = np.arccos(cosine) / 2
    return np.linalg.norm(first + last) * np.sin(half) / np.sin(2 * half)


def test_a_card_shows_the_nearest_training_pictures_and_the_ways_between():
    generator = with_random_weights("mlp_gan_tiny")
    made = generator.sample(105)
    noise = np.random.default_rng(0).integers(-3, 4, made.shape)
    real = (made.astype(int) + noise).clip(0, 255).astype(np.uint8)[::-1]
    picture = np.asarray(index.task("generate").preview(generator, real))
    rows = [row[:-2] for row in np.array_split(np.pad(picture, [[0, 2], [0, 2]]), 14)]
    tiles = np.stack([np.split(row, 15, 1) for row in rows])[..., :-2]
    assert (tiles[0] == made[:15, ..., 0]).all()
    assert (tiles[8:11, -1] == generator(generator.codes(6)[1::2])[..., 0]).all()
    assert (tiles[12] == made[:15, ..., 0]).all()
    assert (tiles[13] == real[::-1][:15, ..., 0]).all()


def test_pictures_are_encoded_and_made_again_as_the_kind_that_came(vae, pictures, tmp_path):
    mean, logvar = vae.encode(pictures)
    assert mean.shape == logvar.shape == (5, 3)
    np.testing.assert_allclose(vae.encode(pictures[2])[0], mean[2], atol=1e-5)
    again = vae.reconstruct(pictures)
    np.testing.assert_array_equal(again, to_uint8(vae.decode(mean)))
    Image.fromarray(pictures[0, ..., 0]).save(tmp_path / "one.png")
    image = np.asarray(vae.reconstruct(tmp_path / "one.png"))
    assert np.abs(image.astype(int) - again[0, ..., 0]).max() <= 1
    first, second = vae([tmp_path / "one.png", pictures[1]])
    np.testing.assert_array_equal(first, image)
    np.testing.assert_array_equal(second, vae(pictures[1]))
    assert [m.shape for m, _ in vae.encode([tmp_path / "one.png", pictures])] == [(3,), (5, 3)]


def test_a_grey_picture_is_made_again_in_grey_by_a_net_of_colour():
    faces = zoo.load("vae_celeba")
    face = Image.fromarray(faces.sample(1)[0])
    grey = face.convert("L")
    made, of_colour = faces(grey), faces(grey.convert("RGB"))
    assert (made.mode, made.size) == ("L", face.size)
    assert np.abs(np.asarray(made, int) - np.asarray(of_colour.convert("L"))).max() <= 1


def test_a_folder_of_any_sizes_is_measured_and_of_few_pictures_refused(tmp_path, monkeypatch):
    monkeypatch.delenv("ZOO_DATA", raising=False)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "none"))  # what it learnt from
    rng, digits = np.random.default_rng(0), zoo.load("vae_mnist")
    for number in range(features.LEAST):
        if number == features.LEAST - 1:
            with pytest.raises(zoo.ZooError, match="expected 12 pictures or more"):
                zoo.evaluate(digits, f"folder:{tmp_path}")
        noise = rng.integers(0, 256, (28 + number, 30), np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{number}.png")
    found = zoo.evaluate(digits, f"folder:{tmp_path}")["metrics"]
    assert found["frechet"] > 0 and found["nll"] > 0 and "novelty" not in found
    few = sources.load(f"folder:{tmp_path}", 1).of_size((28, 28)).subset(slice(5))
    assert "frechet" not in index.task("autoencode").held_out(digits, few)


def test_a_picture_of_another_size_is_refused(vae):
    with pytest.raises(zoo.ZooError, match="expected a picture of 12x12"):
        vae.encode(np.zeros((13, 12, 1)))


def test_weights_of_the_critic_are_refused_for_the_generator(gan, tmp_path):
    weights.save(gan.entry.critic(), tmp_path / "critic.h5")
    with pytest.raises(zoo.ZooError, match="another net"):
        zoo.load("dcgan_tiny", tmp_path / "critic.h5")


@pytest.mark.parametrize("size", [(32, 32, 3), (64, 64, 3), (28, 28, 1), (8, 16, 1)])
def test_any_size_and_colour_can_be_built(size):
    from zoo.models.dcgan import critic, dcgan

    stages = 3 if size[0] == 64 else 2
    made = dcgan(size, code=6, width=4, stages=stages)(tf.zeros([2, 6]))
    assert made.shape == (2, *size)
    assert critic(size, width=4, stages=stages)(made).shape == (2, 1)


def test_the_command_line_makes_a_sheet(gan, tmp_path):
    weights.save(gan.net, tmp_path / "w.h5")
    options = ["--weights", str(tmp_path / "w.h5"), "--count", "6", "--seed", "3"]
    out = tmp_path / "grid.png"
    done = CliRunner().invoke(main, ["run", "dcgan_tiny", *options, "--out", str(out)])
    assert done.exit_code == 0, done.output
    expected = sheet.grid(gan.sample(6, seed=3))
    np.testing.assert_array_equal(np.asarray(Image.open(out)), np.asarray(expected))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["dcgan_tiny"], "--count COUNT"),
        (["dcgan_tiny", "x.png"], "--count COUNT"),
        (["dcgan_tiny", "--count", "0"], "0 is not in the range 1<=x<=10000"),
        (["cnn_tiny", "--count", "3"], "makes no new pictures"),
        (["cnn_tiny", "--scale", "2", "x.png"], "takes no scale"),
        (["cnn_tiny"], "PICTURES"),
    ],
)
def test_what_the_command_line_cannot_do_it_says(arguments, said, tmp_path):
    name, *rest = arguments
    weights.save(with_random_weights(name).net, tmp_path / "w.h5")
    options = ["--weights", str(tmp_path / "w.h5")]
    done = CliRunner().invoke(main, ["run", name, *rest, *options])
    assert done.exit_code and said in done.output


def toy(slope: float, mean: float, logvar: float):
    """One latent z, one pixel: its logit is `slope * z`; the encoder is constant."""
    image = keras.Input((1, 1, 1))
    flat = keras.layers.Flatten()(image)
    ends = [
        keras.layers.Dense(1, kernel_initializer="zeros", bias_initializer=_constant(v))(flat)
        for v in (mean, logvar)
    ]
    encoder = keras.Model(image, ends, name="encoder")
    code = keras.Input((1,))
    logit = keras.layers.Dense(1, kernel_initializer=_constant(slope))(code)
    decoder = keras.Model(code, keras.layers.Reshape((1, 1, 1))(logit), name="decoder")
    noise = keras.Input((1,))
    mean, logvar = encoder(image)
    drawn = keras.layers.Add()([mean, noise])
    return keras.Model([image, noise], [decoder(drawn), mean, logvar])


def _constant(value):
    return keras.initializers.Constant(value)


@pytest.mark.parametrize("logit", [-9.0, -0.7, 0.0, 3.0])
def test_the_levels_of_a_pixel_have_all_of_its_probability(logit):
    levels = np.arange(256, dtype=np.float32) / 255
    nats = likelihood.PICTURE_LOSSES["logistic"](levels, np.full(256, logit, np.float32)).numpy()
    assert np.exp(-nats.astype(np.float64)).sum() == pytest.approx(1, abs=1e-5)
    inner = slice(1, -1)  # the outer levels have all beyond them, too
    off = np.abs(levels - 1 / (1 + np.exp(-logit)))
    assert nats[inner].argmin() == off[inner].argmin()


def test_the_likelihood_of_a_pixel_is_known():
    """By symmetry it is white with probability 1/2, whatever the encoder says."""
    net = toy(slope=3.0, mean=0.4, logvar=-0.3)
    images = np.array([0.0, 1.0] * 20, np.float32).reshape(-1, 1, 1, 1)
    found = likelihood.measured(net, images, "bernoulli", draws=5_000, seed=0)
    assert found["nll"] == pytest.approx(np.log(2), abs=0.01)
    assert -found["elbo"] > found["nll"] + 0.05


def test_the_evidence_lower_bound_is_exact_where_nothing_is_random():
    net = toy(slope=0.0, mean=0.7, logvar=np.log(0.5))
    images = np.ones((20, 1, 1, 1), np.float32)
    found = likelihood.measured(net, images, "bernoulli", draws=500, seed=0)
    divergence = (0.5 + 0.7**2 - 1 - np.log(0.5)) / 2
    assert found["elbo"] == pytest.approx(-np.log(2) - divergence, abs=1e-5)
    assert found["active_units"] == 0


@pytest.mark.parametrize("draws", [1, 4])
def test_the_step_of_a_vae_reports_its_bound(draws):
    net = toy(slope=1.5, mean=0.2, logvar=-1.0)
    optimizer = keras.optimizers.SGD(0.0)
    noise = np.random.default_rng(0).normal(size=(6, draws, 1)).astype(np.float32)
    images = np.float32(np.arange(6) % 2).reshape(-1, 1, 1, 1)
    found = steps.vae(net, optimizer, "bernoulli")(images, noise, np.ones(6, np.float32))
    z = 0.2 + np.exp(-0.5) * noise[..., 0]
    sign = 2 * images[:, 0, 0] - 1
    log_p = -np.log1p(np.exp(-sign * 1.5 * z))
    divergence = (np.exp(-1) + 0.04 - 1 + 1) / 2
    log_ratio = (noise[..., 0] ** 2 - z**2 - 1.0) / 2
    bound = np.log(np.mean(np.exp(log_p + log_ratio), 1)) if draws > 1 else log_p[:, 0] - divergence
    assert float(found["loss"]) == pytest.approx(-bound.mean(), abs=1e-5)
    assert float(found["kl"]) == pytest.approx(divergence, abs=1e-6)


def linear_critic(slope: float):
    image = keras.Input((2, 2, 1))
    flat = keras.layers.Flatten()(image)
    score = keras.layers.Dense(1, use_bias=False, kernel_initializer=_constant(slope))(flat)
    return keras.Model(image, score)


def offset_generator():
    code = keras.Input((3,))
    pixels = keras.layers.Dense(4, kernel_initializer="zeros")(code)
    return keras.Model(code, keras.layers.Reshape((2, 2, 1))(pixels))


@pytest.mark.parametrize("loss", steps.GAN_LOSSES)
def test_each_loss_of_a_gan_moves_both_players_the_right_way(loss):
    generator, critic = offset_generator(), linear_critic(0.1)
    optimizers = keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1)
    step = steps.gan(generator, critic, optimizers, loss)
    real, noise = tf.ones((4, 2, 2, 1)), tf.zeros((4, 3))
    step(real, tf.zeros((4, 0)), noise)
    assert np.all(critic.get_weights()[0] > 0.1), "real pictures, which are lighter, score higher"
    assert np.all(generator.get_weights()[1] > 0), "what is made becomes lighter"


def test_the_penalised_slope_is_that_of_the_critic():
    critic = linear_critic(0.3)
    optimizers = keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0)
    step = steps.gan(offset_generator(), critic, optimizers, "relativistic", penalty=2.0)
    found = step(tf.random.normal((4, 2, 2, 1)), tf.zeros((4, 0)), tf.zeros((4, 3)))
    assert float(found["slope"]) == pytest.approx(2 * 4 * 0.3**2, rel=1e-5)


def test_a_penalty_makes_the_critic_flatter():
    def after(penalty):
        critic = linear_critic(0.5)
        optimizers = keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.05)
        step = steps.gan(offset_generator(), critic, optimizers, "hinge", penalty)
        step(tf.zeros((4, 2, 2, 1)), tf.zeros((4, 0)), tf.zeros((4, 3)))
        return np.abs(critic.get_weights()[0]).mean()

    assert after(4.0) < after(0.0)


def test_a_collapsed_generator_is_stopped_and_the_best_kept(tmp_path):
    def made(seed):
        pipeline = with_random_weights("dcgan_tiny", seed)
        recipe = dataclasses.replace(pipeline.entry.recipe, holdout=5_000)
        pipeline.entry = dataclasses.replace(pipeline.entry, recipe=recipe)
        return pipeline

    log = Log(tmp_path, 0)
    good = {"held_out_frechet": 3.0, "held_out_least_class": 0.9}
    log.add(1, good)
    watcher = index.task("generate")
    watcher.watch(made(0), tmp_path, log, progress=0.5)
    best = (tmp_path / watch.BEST).read_bytes()
    log.add(2, {"held_out_frechet": 9.0, "held_out_least_class": 0.01})
    with pytest.raises(zoo.ZooError, match="collapsed at step 2"):
        watcher.watch(made(5), tmp_path, log, progress=1)
    assert (tmp_path / watch.BEST).read_bytes() == best
    with Image.open(tmp_path / "samples.gif") as animation:
        assert animation.n_frames == 2


def test_another_judge_than_the_recorded_one_is_refused():
    with pytest.raises(zoo.ZooError, match="measure again all that uses them"):
        features.Features(
            index.FeatureExtractor("cnn_fashion", "0" * 64), np.zeros((2, 28, 28, 1), np.float32)
        )


@needs("fashion_mnist")
def test_the_judge_sees_copies_and_missing_classes():
    from zoo.data import sets, sources

    real = np.stack(sources.load("fashion_mnist", 1, "test").images[:1_000]) / np.float32(255)
    seen = features.Features(sets.FEATURE_EXTRACTORS["fashion_mnist"], real)
    first, second = seen.subset(slice(0, None, 2)), seen.subset(slice(1, None, 2))
    assert features.novelty(first, second, first) == {"novelty": 0, "copies": 1}
    thirds = [seen.subset(slice(start, None, 3)) for start in range(3)]
    found = features.novelty(*thirds)
    assert 0.8 < found["novelty"] < 1.25 and found["copies"] < 0.1
    floor = second.fidelity(first)
    assert floor["least_class"] > 0.5 and floor["coverage"] > 0.8
    few = second.subset(second.classes < 9)
    assert few.fidelity(first)["least_class"] == 0
    assert few.fidelity(first)["frechet"] > floor["frechet"]
    assert distances.frechet(first.features, first.features) < 1e-6
