#!/usr/bin/python3
"""Trains the two small networks that dnn/trained/ ships. A maintainer's step, not part of set-up.

Needs Debian's python3-torch, python3-onnx, python3-pil and dataset-fashion-mnist (apt-get install them).
Deterministic: one thread, seeded. Input is grey/255 in (1, 1, 28, 28), so a PNG read as grey/255 is the picture.

    /usr/bin/python3 scripts/train_fashion_mnist.py [--only mobilenet|resnet] [--epochs N]
"""
import argparse
import gzip
import os
import time

import numpy as np
import onnx
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DATA = "/usr/share/datasets/fashion-mnist"
LABELS = ["t_shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle_boot"]
SEED = 1


def read_idx(name):
    with gzip.open(os.path.join(DATA, name)) as file:
        raw = file.read()
    rank = raw[3]
    shape = np.frombuffer(raw, ">i4", rank, 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def load(split):
    pictures = read_idx(f"{split}-images-idx3-ubyte.gz")
    labels = read_idx(f"{split}-labels-idx1-ubyte.gz")
    return torch.from_numpy(pictures.astype(np.float32) / 255).unsqueeze(1), torch.from_numpy(labels.astype(np.int64))


class Separable(nn.Sequential):
    """MobileNetV1's pair: depthwise 3x3 and pointwise 1x1, each with batch-norm and ReLU6."""

    def __init__(self, inputs, outputs, stride):
        super().__init__(
            nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False), nn.BatchNorm2d(inputs), nn.ReLU6(),
            nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU6())


class MobileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU6())
        pairs = [(16, 32, 2), (32, 64, 1), (64, 96, 2), (96, 96, 1), (96, 128, 1), (128, 192, 2), (192, 192, 1)]
        self.pairs = nn.Sequential(*[Separable(*pair) for pair in pairs])
        self.classifier = nn.Linear(192, 10)

    def forward(self, x):
        x = self.pairs(self.stem(x))
        return self.classifier(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class ResNet(nn.Module):
    """ResNet-8 as in CIFAR: one residual block per stage."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.stages = nn.Sequential(Residual(16, 16, 1), Residual(16, 32, 2), Residual(32, 64, 2))
        self.classifier = nn.Linear(64, 10)

    def forward(self, x):
        x = self.stages(self.stem(x))
        return self.classifier(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


def augment(batch, generator):
    if torch.rand(1, generator=generator) < 0.5:
        batch = torch.flip(batch, [3])
    dy, dx = torch.randint(-2, 3, (2,), generator=generator).tolist()
    return torch.roll(batch, (dy, dx), (2, 3))  # the border is black, so rolling is shifting


def accuracy(model, pictures, labels):
    model.eval()
    with torch.no_grad():
        hits = sum((model(pictures[i:i + 500]).argmax(1) == labels[i:i + 500]).sum().item()
                   for i in range(0, len(labels), 500))
    return hits / len(labels)


def train(model, epochs, train_set, test_set):
    pictures, labels = train_set
    generator = torch.Generator().manual_seed(SEED)
    steps = (len(labels) + 127) // 128
    optimizer = torch.optim.SGD(model.parameters(), 0.1, 0.9, weight_decay=5e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.2, epochs * steps, pct_start=0.25)
    for epoch in range(epochs):
        started = time.time()
        model.train()
        order = torch.randperm(len(labels), generator=generator)
        for i in range(0, len(labels), 128):
            pick = order[i:i + 128]
            loss = F.cross_entropy(model(augment(pictures[pick], generator)), labels[pick], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f"epoch {epoch + 1}/{epochs}: test top-1 {accuracy(model, *test_set):.4f}, "
              f"{time.time() - started:.0f} s", flush=True)


def name_nodes(path, names):
    """Short names for the nodes that become layers, in file order; the rest fuse into them."""
    model = onnx.load(path)
    fused = ("BatchNormalization", "Clip", "Relu", "Constant", "Identity")
    layers = [node for node in model.graph.node if node.op_type not in fused]
    assert len(layers) == len(names), [node.name for node in layers]
    for node, name in zip(layers, names):
        node.name = name
    onnx.save(model, path)


MOBILENET_NAMES = ["conv1", *(f"{kind}{i}" for i in range(1, 8) for kind in ("dw", "pw")), "pool", "flatten", "fc"]
RESNET_NAMES = ["conv1", "block1_conv1", "block1_conv2", "block1_add",
                *(f"block{i}_{part}" for i in (2, 3) for part in ("conv1", "conv2", "shortcut", "add")),
                "pool", "flatten", "fc"]


def export(model, path, keep_batch_norm, names):
    model.eval()
    # PRESERVE leaves the BatchNormalization nodes in the graph: the importer must fold them.
    mode = torch.onnx.TrainingMode.PRESERVE if keep_batch_norm else torch.onnx.TrainingMode.EVAL
    torch.onnx.export(model, torch.zeros(1, 1, 28, 28), path, opset_version=13, training=mode,
                      do_constant_folding=not keep_batch_norm,
                      input_names=["picture"], output_names=["logits"], dynamic_axes={"picture": {0: "batch"},
                                                                                     "logits": {0: "batch"}})
    name_nodes(path, names)


def write_pictures(folder):
    """The first test picture of every class, right or wrong, as grey 28x28 PNG."""
    os.makedirs(folder, exist_ok=True)
    pictures, labels = read_idx("t10k-images-idx3-ubyte.gz"), read_idx("t10k-labels-idx1-ubyte.gz")
    for label, name in enumerate(LABELS):
        first = int(np.nonzero(labels == label)[0][0])
        Image.fromarray(pictures[first], "L").save(os.path.join(folder, f"{name}_0.png"), optimize=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["mobilenet", "resnet"])
    parser.add_argument("--epochs", type=int, help="default: 5 for mobilenet, 4 for resnet")
    parser.add_argument("--out", default=os.path.join(ROOT, "dnn", "trained"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    write_pictures(os.path.join(args.out, "pictures"))
    with open(os.path.join(args.out, "fashion_mnist_labels.txt"), "w") as file:
        file.write("\n".join(LABELS) + "\n")
    train_set, test_set = load("train"), load("t10k")
    for name, kind, epochs, keep, names in [("mobilenet", MobileNet, 5, True, MOBILENET_NAMES),
                                            ("resnet", ResNet, 4, False, RESNET_NAMES)]:
        if args.only in (None, name):
            torch.manual_seed(SEED)
            model = kind()
            print(name, sum(p.numel() for p in model.parameters()), "parameters", flush=True)
            train(model, args.epochs or epochs, train_set, test_set)
            export(model, os.path.join(args.out, f"{name}_fashion_mnist.onnx"), keep, names)
            print(f"{name}: test top-1 {accuracy(model, *test_set):.4f}", flush=True)


if __name__ == "__main__":
    main()
