# In Colab: installs the package. Anywhere else: nothing to do.
import subprocess
import sys
from importlib import metadata
from pathlib import Path

SOURCE = ""  # where the package is; empty: the wheel that you uploaded
EXTRAS = "train,export,quantize,demo"


def loaded():
    """What this session has imported: its distributions, and their versions."""
    names = metadata.packages_distributions()
    found = {d for name in names if name in sys.modules for d in names[name]}
    return {d: metadata.version(d) for d in sorted(found)}


def install():
    wheels = sorted(Path().glob("keras_image_zoo-*.whl"))
    if not SOURCE and not wheels:
        raise FileNotFoundError("upload keras_image_zoo-*.whl by the folder sign on the left first")
    source = SOURCE or wheels[-1].resolve().as_uri()
    pip = [sys.executable, "-m", "pip", "install", "-q", f"keras-image-zoo[{EXTRAS}] @ {source}"]
    before, kept = loaded(), Path("kept.txt")
    kept.write_text("".join(f"{name}=={version}\n" for name, version in before.items()))
    if subprocess.run([*pip, "-c", str(kept)]).returncode:  # not without changing what is loaded
        subprocess.run(pip, check=True)
    changed = [name for name, version in before.items() if metadata.version(name) != version]
    if changed:
        print(f"Now Runtime > Restart session, for these were loaded: {', '.join(changed)}")


if "google.colab" in sys.modules:
    install()
