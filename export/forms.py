"""The forms of exported files: all that is particular to each, in one table."""

from dataclasses import dataclass

from zoo.metrics.metric import bounds

_QUANTIZER = "ai_edge_quantizer"

NET_BOUND = 1e-5
"""Largest absolute error allowed of what computes in float32, where white, certainty or the largest
latent is 1. Runtimes sum in other orders: a DnCNN of 17 layers, trained for 2,500 steps, differs by
up to 5e-7 in LiteRT and by nothing in TensorFlow. 1e-5 is twenty times that, and a 400th of a grey
level; a wrong file misses by more."""


@dataclass(frozen=True)
class Form:
    """One form of file.

    Attributes:
        name: as in `zoo export --format`.
        suffix: of the file's name; "" for a folder.
        runtimes: what checks it: "saved_model", or keys of `zoo.export.runtimes.RUNTIMES`. The
            first has to be installed; the others check where they are.
        needs: the module of `zoo.errors.EXTRAS` that makes it, beside ai-edge-litert, or "".
        bound: on its error against the net, see `quantized`.
        precision: which of `zoo.metrics.metric.Metric.bounds` its figures have to keep, or "": it
            is not measured.
        quick: written unless others are asked for.
        static: for pictures of one size, one at a time: the browser's runtime takes no other, and
            gains nothing from smaller numbers. Others take any size and batch that the net takes;
            quantized ones with wide transposed convolutions a batch of one (`zoo.export.write`).
        calibrated: made with inputs to measure ranges on.
        quantized: computes with integers: the root mean square error of the worst picture is
            bounded, which says that a file is this net's, not how good it is; `loss` bounds that.
            The largest error says little: where a GAN's int8 file draws an edge a pixel further,
            that pixel is 0.22 off, in a picture that is as good. Largest seen of the published
            names: float16 0.0003, dynamic range 0.013, int8 0.033, uint8 0.004. A denoiser for
            sigma 15 whose file does nothing is 0.059 off.
        classifiers: only they have it.
        mediapipe: for MediaPipe Tasks: takes RGB, also where the net takes grey.
    """

    name: str
    suffix: str = ".tflite"
    runtimes: tuple[str, ...] = ("litert",)
    needs: str = ""
    bound: float = NET_BOUND
    precision: str = "float32"
    quick: bool = False
    static: bool = False
    calibrated: bool = False
    quantized: bool = False
    classifiers: bool = False
    mediapipe: bool = False

    @property
    def loss(self) -> dict[str, float]:
        """Metric -> by how much the file's figure may differ from the net's; of one whose bounds
        grow, from a net's of 1."""
        return bounds(self.precision)

    @property
    def error_metric(self) -> str:
        """Which error is bounded."""
        return "rms_error" if self.quantized else "max_error"


def _quantized(name: str, bound: float, precision: str, **more) -> Form:
    return Form(name, needs=_QUANTIZER, bound=bound, precision=precision, quantized=True, **more)


FORMS: dict[str, Form] = {
    form.name: form
    for form in (
        Form("saved_model", "", ("saved_model",), precision="", quick=True),
        Form("float32_free", runtimes=("litert", "openvino"), quick=True),
        Form("float32_static", runtimes=("litert", "openvino"), quick=True, static=True),
        _quantized("float16", 1e-3, "float16"),
        _quantized("dynamic_range", 0.02, "dynamic_range"),
        _quantized("int8", 0.04, "int8", calibrated=True),
        _quantized("uint8", 0.04, "int8", calibrated=True, classifiers=True),
        Form("onnx", ".onnx", ("onnx",), needs="tf2onnx"),
        Form("mediapipe", static=True, classifiers=True, mediapipe=True),
        _quantized(
            "mediapipe_uint8", 0.04, "int8", calibrated=True, classifiers=True, mediapipe=True
        ),
    )
}
"""Name -> form, in the order in which they are written and told."""

NET = Form("net", "", ())
"""The net itself beside what is kept of it: no file."""

MEASURED_FORM = "float32_free"
"""The form that runs every benchmark, and is timed in every runtime; the others run one."""

QUICK = tuple(name for name, form in FORMS.items() if form.quick)
