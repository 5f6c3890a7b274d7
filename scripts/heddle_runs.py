"""Runs of the release build for the scripts that compare them."""
import json, os, pathlib, subprocess, sys, tempfile

root = pathlib.Path(__file__).resolve().parent.parent
networks = ("mobilenet_v1", "mobilenet_v2", "resnet50")


def build():
    """The executable, freshly built; $HEDDLE names another."""
    if "HEDDLE" in os.environ:
        return os.environ["HEDDLE"]
    subprocess.run([root / "scripts" / "build", "release", "heddle"], check=True, stdout=sys.stderr)
    return str(root / "build" / "release" / "heddle")


heddle = build()


def machines():
    """(preset, dataflow) of every shipped preset and dataflow that it lists."""
    for preset in sorted(p.stem for p in (root / "hw" / "presets").glob("*.yaml")):
        for line in (root / "hw" / "presets" / f"{preset}.yaml").read_text().splitlines():
            if line.startswith("dataflows:"):
                for dataflow in line.split("[")[1].split("]")[0].split(","):
                    yield preset, dataflow.strip()


def call(*arguments):
    """Standard output, or None when heddle refuses: the machine cannot hold or map the network."""
    done = subprocess.run([heddle, *arguments], capture_output=True, text=True)
    if done.returncode == 2:
        return None
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)}: {done.stderr.strip()[-300:]}")
    return done.stdout


def timed_layers(network, preset, dataflow, *options):
    """Layers of a run without values (with them where maps are coded, whose bytes depend on them), as report.json has them; None when
    heddle refuses."""
    with tempfile.TemporaryDirectory() as out:
        run = ["run", network, "--hw", preset, "--dataflow", dataflow, "--jobs", str(os.cpu_count() or 1), "--no-mapping-cache",
               "--out", out + "/r", *options]
        if call(*run, "--timing-only") is None and call(*run) is None:
            return None
        return json.loads(pathlib.Path(out, "r", "report.json").read_text())["layers"]
