"""The forms of exported files: all that is particular to each, in one table."""

from collections.abc import Mapping
from dataclasses import dataclass, field

_SAME = {"accuracy": 0.01, "psnr": 0.001, "frechet": 0.001}
_INTEGER = {"accuracy": 0.5, "psnr": 0.15, "frechet": 0.05}
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
        bound: on its error against the net, see `rounded`.
        loss: metric -> by how much the file's figure may differ from the net's: percent, dB, and
            Frechet distance (where 0.02 is about what one half of a test set has to the other).
        quick: written unless others are asked for.
        static: for pictures of one size, one at a time: the browser's runtime takes no other, and
            gains nothing from smaller numbers. Others take any size and batch that the net takes;
            quantized ones with wide transposed convolutions a batch of one (`zoo.export.making`).
        calibrated: made with inputs to measure ranges on.
        rounded: computes with rounded numbers: the root mean square error of the worst picture is
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
    loss: Mapping[str, float] = field(default_factory=lambda: _SAME)
    quick: bool = False
    static: bool = False
    calibrated: bool = False
    rounded: bool = False
    classifiers: bool = False
    mediapipe: bool = False

    @property
    def judged_by(self) -> str:
        """Which error is bounded."""
        return "rms_error" if self.rounded else "max_error"


def _quantized(name: str, bound: float, loss: Mapping[str, float], **more) -> Form:
    return Form(name, needs=_QUANTIZER, bound=bound, loss=loss, rounded=True, **more)


FORMS: dict[str, Form] = {
    form.name: form
    for form in (
        Form("saved_model", "", ("saved_model",), loss={}, quick=True),
        Form("float32_free", runtimes=("litert", "openvino"), quick=True),
        Form("float32_static", runtimes=("litert", "openvino"), quick=True, static=True),
        _quantized("float16", 1e-3, {"accuracy": 0.05, "psnr": 0.01, "frechet": 0.005}),
        _quantized("dynamic_range", 0.02, {"accuracy": 0.2, "psnr": 0.05, "frechet": 0.02}),
        _quantized("int8", 0.04, _INTEGER, calibrated=True),
        _quantized("uint8", 0.04, _INTEGER, calibrated=True, classifiers=True),
        Form("onnx", ".onnx", ("onnx",), needs="tf2onnx"),
        Form("mediapipe", static=True, classifiers=True, mediapipe=True),
        _quantized(
            "mediapipe_uint8", 0.04, _INTEGER, calibrated=True, classifiers=True, mediapipe=True
        ),
    )
}
"""Name -> form, in the order in which they are written and told."""

NET = Form("net", "", ())
"""The net itself beside what is kept of it: no file."""

MEASURED_FORM = "float32_free"
"""The form that runs every benchmark, and is timed in every runtime; the others run one."""

QUICK = tuple(name for name, form in FORMS.items() if form.quick)
