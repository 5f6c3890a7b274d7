#!/usr/bin/python3
"""Converts the fetched tensorflow.js models to ONNX (see scripts/fetch_models). Needs python3-onnx and python3-numpy.

    convert_models.py PACKAGES OUT      PACKAGES/{human-models,nsfwjs,face-api} as unpacked by fetch_models

Inputs of the ONNX files are (1,3,H,W) RGB in 0..1, as Heddle reads pictures: what the original program does to the
pixels before is folded into the first convolution.
"""
import json
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Builder:
    """Collects nodes and weights of an ONNX graph; convolution weights come in tensorflow's (R,S,C,K) order."""

    def __init__(self, height, width):
        self.nodes, self.weights = [], []
        self.input = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, height, width])

    def constant(self, name, array):
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
        return name

    def node(self, op, inputs, name, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def conv(self, x, name, weights, bias=None, stride=1, depthwise=False, **attributes):
        """`depthwise` weights are (R,S,C,1)."""
        weights = weights.transpose(2, 3, 0, 1) if depthwise else weights.transpose(3, 2, 0, 1)
        inputs = [x, self.constant(name + "/weights", weights)]
        if bias is not None:
            inputs.append(self.constant(name + "/bias", bias))
        return self.node("Conv", inputs, name, strides=[stride, stride], group=len(weights) if depthwise else 1,
                         **attributes)

    def relu6(self, x):
        name = x + "/relu6"
        if not any(weight.name == "six" for weight in self.weights):
            self.constant("zero", np.zeros(()))
            self.constant("six", np.full((), 6))
        return self.node("Clip", [x, "zero", "six"], name)

    def dense(self, x, name, weights, bias, activation=None):
        y = self.node("Gemm", [x, self.constant(name + "/weights", weights), self.constant(name + "/bias", bias)], name)
        return self.node(activation, [y], name + "/" + activation.lower()) if activation else y

    def save(self, path, outputs):
        """`outputs`: (name, words)."""
        infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, words]) for name, words in outputs]
        graph = helper.make_graph(self.nodes, os.path.basename(path)[:-5], [self.input], infos, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="heddle")
        model.ir_version = 7
        onnx.checker.check_model(model)
        onnx.save(model, path)


def read_weights(manifest, folder):
    """tensorflow.js: shards joined, then weights in order; uint8 ones are min + scale * q."""
    weights = {}
    for group in manifest:
        data = b"".join(open(os.path.join(folder, path), "rb").read() for path in group["paths"])
        at = 0
        for entry in group["weights"]:
            quantised = entry.get("quantization")
            kind = np.dtype(quantised["dtype"] if quantised else entry["dtype"])
            count = int(np.prod(entry["shape"], dtype=np.int64))
            array = np.frombuffer(data, kind, count, at)
            at += count * kind.itemsize
            if quantised:
                array = (array * np.float32(quantised["scale"]) + np.float32(quantised["min"])).astype(np.float32)
            weights[entry["name"]] = array.reshape(entry["shape"])
        assert at == len(data), f"{folder}: {len(data) - at} bytes are left over"
    return weights


def convert_mobilenet_v1(folder, out):
    """faceres-deep: MobileNetV1-1.0-224 with batch-norm half folded, and two heads. Sigmoid is left to the host."""
    with open(os.path.join(folder, "models", "faceres-deep.json")) as file:
        weights = read_weights(json.load(file)["weightsManifest"], os.path.join(folder, "models"))
    b = Builder(224, 224)
    same = {"auto_pad": "SAME_UPPER"}
    # The original is fed 0..255; a pure scale leaves the zero padding right.
    x = b.conv("picture", "conv1", weights["conv1/convolution/merged_input"] * 255, weights["conv1_bn/batchnorm_1/sub"],
               2, **same)
    x = b.relu6(x)
    for i in range(1, 14):
        scale = weights[f"conv_dw_{i}_bn/batchnorm_1/mul"].reshape(1, 1, -1, 1)
        x = b.conv(x, f"conv_dw_{i}", weights[f"conv_dw_{i}/depthwise_kernel"] * scale,
                   weights[f"conv_dw_{i}_bn/batchnorm_1/sub"], 2 if i in (2, 4, 6, 12) else 1, True, **same)
        x = b.relu6(x)
        x = b.conv(x, f"conv_pw_{i}", weights[f"conv_pw_{i}/convolution/merged_input"],
                   weights[f"conv_pw_{i}_bn/batchnorm_1/sub"], **same)
        x = b.relu6(x)
    x = b.node("Flatten", [b.node("GlobalAveragePool", [x], "pool")], "flatten")
    x = b.dense(x, "feats", weights["feats/kernel"], weights["feats/bias"], "Relu")
    gender = b.dense(x, "gender", weights["gender_pred/kernel"], weights["gender_pred/bias"])
    age = b.dense(x, "age", weights["age_pred/kernel"], weights["age_pred/bias"], "Softmax")
    b.save(out, [(gender, 1), (age, 100)])


def keras_node(b, layer, inputs, weights):
    """One Keras layer of nsfwjs' MobileNetV2."""
    name, kind, config = layer["name"], layer["class_name"], layer["config"]
    x = inputs[0]
    if kind == "ZeroPadding2D":
        (top, bottom), (left, right) = config["padding"]
        pads = numpy_helper.from_array(np.array([0, 0, top, left, 0, 0, bottom, right], np.int64), name + "/pads")
        b.weights.append(pads)
        return b.node("Pad", [x, name + "/pads"], name)
    if kind in ("Conv2D", "DepthwiseConv2D"):
        assert config["activation"] == "linear" and not config["use_bias"]
        padding = "SAME_UPPER" if config["padding"] == "same" else "VALID"
        depthwise = kind == "DepthwiseConv2D"
        kernel = weights[name + ("/depthwise_kernel" if depthwise else "/kernel")]
        return b.conv(x, name, kernel, None, config["strides"][0], depthwise, auto_pad=padding)
    if kind == "BatchNormalization":
        parts = [b.constant(f"{name}/{part}", weights[f"{name}/{part}"])
                 for part in ("gamma", "beta", "moving_mean", "moving_variance")]
        return b.node("BatchNormalization", [x, *parts], name, epsilon=float(config["epsilon"]))
    if kind == "ReLU":
        assert config["max_value"] == 6
        return b.relu6(x)
    if kind == "Add":
        return b.node("Add", inputs, name)
    if kind == "AveragePooling2D":
        return b.node("AveragePool", [x], name, kernel_shape=config["pool_size"], strides=config["strides"])
    if kind == "Flatten":  # of (N,1,1,C): the order of channels and positions does not matter
        return b.node("Flatten", [x], name)
    if kind == "Dropout":
        return b.node("Dropout", [x], name)
    if kind == "Dense":
        activation = {"relu": "Relu", "softmax": "Softmax"}[config["activation"]]
        return b.dense(x, name, weights[name + "/kernel"], weights[name + "/bias"], activation)
    raise SystemExit(f"nsfwjs: layer {name} of unknown class {kind}")


def convert_mobilenet_v2(folder, out):
    """nsfwjs: MobileNetV2-1.0-224 with three dense layers, weights in uint8 with scale and minimum."""
    with open(os.path.join(folder, "model.json")) as file:
        model = json.load(file)
    weights = read_weights(model["weightsManifest"], folder)
    b = Builder(224, 224)
    made = {}
    for layer in model["modelTopology"]["model_config"]["config"]["layers"]:
        if layer["class_name"] == "InputLayer":
            made[layer["name"]] = "picture"
        else:
            inputs = [made[source[0]] for source in layer["inbound_nodes"][0]]
            made[layer["name"]] = keras_node(b, layer, inputs, weights)
    b.save(out, [(made[layer["name"]], 5)])


class FaceNet:
    """face-api's FaceRecognitionNet.forwardInput: 29 convolutions, each with a scale folded in here."""

    def __init__(self, weights):
        self.weights = weights
        self.b = Builder(150, 150)

    def conv(self, x, name, stride=1, relu=True, valid=False, weights=None, bias=None):
        w = self.weights
        scale = w[name + "/scale/weights"]
        weights = w[name + "/conv/filters"] if weights is None else weights
        bias = w[name + "/conv/bias"] if bias is None else bias
        y = self.b.conv(x, name, weights * scale, bias * scale + w[name + "/scale/biases"], stride,
                        auto_pad="VALID" if valid else "SAME_UPPER")
        return self.b.node("Relu", [y], name + "/relu") if relu else y

    def first(self):
        """The original feeds (255 x - mean) / 255; without padding that folds exactly."""
        filters = self.weights["conv32_down/conv/filters"]
        mean = np.array([122.782, 117.001, 104.298], np.float64) / 255
        shift = np.einsum("rsck,c->k", filters.astype(np.float64), mean).astype(np.float32)
        return self.conv("picture", "conv32_down", 2, True, True, filters, self.weights["conv32_down/conv/bias"] - shift)

    def residual(self, x, name):
        y = self.conv(self.conv(x, name + "/conv1"), name + "/conv2", relu=False)
        return self.b.node("Relu", [self.b.node("Add", [y, x], name + "/add")], name + "/relu")

    def per_channel(self, x, name, channels, value, pads=(0, 0, 0, 0)):
        kernel = np.full((1, 1, channels, 1), value, np.float32)
        return self.b.conv(x, name, kernel, None, 1, True, pads=list(pads))

    def down(self, x, name, channels, size):
        """`size`: rows of x. Halves the map; the shortcut is an average, with zeros for channels that are new."""
        w = self.weights[name + "/conv2/conv/filters"]
        y = self.conv(self.conv(x, name + "/conv1", 2, True, True), name + "/conv2", relu=False)
        pooled = self.b.node("AveragePool", [x], name + "/pool", kernel_shape=[2, 2], strides=[2, 2])
        if (size - 3) // 2 + 1 != size // 2:  # the original appends a row and a column of zeros
            y = self.per_channel(y, name + "/grow", w.shape[3], 1, (0, 0, 1, 1))
        if w.shape[3] != channels:
            zeros = self.per_channel(pooled, name + "/zeros", channels, 0)
            pooled = self.b.node("Concat", [pooled, zeros], name + "/widen", axis=1)
        return self.b.node("Relu", [self.b.node("Add", [pooled, y], name + "/add")], name + "/relu")


def convert_face_resnet(folder, out):
    with open(os.path.join(folder, "model", "face_recognition_model-weights_manifest.json")) as file:
        net = FaceNet(read_weights(json.load(file), os.path.join(folder, "model")))
    x = net.b.node("MaxPool", [net.first()], "max_pool", kernel_shape=[3, 3], strides=[2, 2])
    channels, size = 32, 35
    for name in ("conv32_1", "conv32_2", "conv32_3", "conv64_down", "conv64_1", "conv64_2", "conv64_3", "conv128_down",
                 "conv128_1", "conv128_2", "conv256_down", "conv256_1", "conv256_2", "conv256_down_out"):
        if "down" in name:
            x = net.down(x, name, channels, size)
            channels, size = int(name[4:].split("_")[0]), size // 2
        else:
            x = net.residual(x, name)
    x = net.b.node("ReduceMean", [x], "mean", axes=[2, 3], keepdims=0)
    x = net.b.node("MatMul", [x, net.b.constant("fc/weights", net.weights["fc"])], "fc")
    net.b.save(out, [(x, 128)])


def main():
    packages, out = sys.argv[1:3]
    convert_mobilenet_v1(os.path.join(packages, "human-models"), os.path.join(out, "mobilenet_v1_faceres.onnx"))
    convert_mobilenet_v2(os.path.join(packages, "nsfwjs"), os.path.join(out, "mobilenet_v2_nsfw.onnx"))
    convert_face_resnet(os.path.join(packages, "face-api"), os.path.join(out, "resnet29_face.onnx"))


if __name__ == "__main__":
    main()
