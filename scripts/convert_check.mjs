// Runs the original models in tensorflow.js on the CPU and writes, beside each ONNX file, NAME.input.npy and one
// NAME.expected.npy (the last output): what our importer and float reference must give.
//     node convert_check.mjs PACKAGES OUT      with @tensorflow/tfjs installed in PACKAGES/node_modules
import fs from 'node:fs';
import path from 'node:path';
import Module, { createRequire } from 'node:module';

const [packages, out] = process.argv.slice(2).map((name) => path.resolve(name));
const tf = createRequire(path.join(packages, 'package.json'))('@tensorflow/tfjs');
await tf.setBackend('cpu');

function writeNpy(file, shape, words) {
    let header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
    header += ' '.repeat(63 - ((10 + header.length) % 64)) + '\n';
    const length = Buffer.alloc(2);
    length.writeUInt16LE(header.length);
    const magic = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
    const data = Buffer.from(Float32Array.from(words).buffer);
    fs.writeFileSync(file, Buffer.concat([magic, length, Buffer.from(header), data]));
}

/// A smooth coloured pattern in 0..1, (1,size,size,3): every position and channel differs.
function pattern(size) {
    return tf.tidy(() => {
        const words = [];
        for (let y = 0; y < size; ++y)
            for (let x = 0; x < size; ++x)
                for (let c = 0; c < 3; ++c)
                    words.push(0.5 + 0.3 * Math.sin(0.11 * x + c) * Math.cos(0.07 * y - c) + 0.2 * Math.sin(0.5 * (x + y)));
        return tf.tensor4d(words, [1, size, size, 3]);
    });
}

function shards(folder, manifest) {
    const parts = manifest.flatMap((group) => group.paths).map((name) => fs.readFileSync(path.join(folder, name)));
    const all = Buffer.concat(parts);
    return all.buffer.slice(all.byteOffset, all.byteOffset + all.length);
}

async function check(name, size, run) {
    const input = pattern(size);
    const expected = run(input);
    writeNpy(path.join(out, `${name}.input.npy`), [1, 3, size, size], tf.transpose(input, [0, 3, 1, 2]).dataSync());
    writeNpy(path.join(out, `${name}.expected.npy`), [expected.size], expected.dataSync());
    console.log(`${name}: ${expected.size} expected words`);
}

async function humanModels() {
    const folder = path.join(packages, 'human-models', 'models');
    const json = JSON.parse(fs.readFileSync(path.join(folder, 'faceres-deep.json')));
    const model = await tf.loadGraphModel(tf.io.fromMemory({
        modelTopology: json.modelTopology,
        weightSpecs: json.weightsManifest.flatMap((group) => group.weights),
        weightData: shards(folder, json.weightsManifest),
        signature: json.signature,
    }));
    await check('mobilenet_v1_faceres', 224, (x) => model.execute(x.mul(255), 'age_pred/Softmax'));
}

async function nsfwjs() {
    const folder = path.join(packages, 'nsfwjs');
    const json = JSON.parse(fs.readFileSync(path.join(folder, 'model.json')));
    const model = await tf.loadLayersModel(tf.io.fromMemory({
        modelTopology: json.modelTopology,
        weightSpecs: json.weightsManifest.flatMap((group) => group.weights),
        weightData: shards(folder, json.weightsManifest),
    }));
    await check('mobilenet_v2_nsfw', 224, (x) => model.predict(x));
}

async function faceApi() {
    const folder = path.join(packages, 'face-api');
    const load = Module._load; // its build for Node.js asks for the native backend: give it ours
    Module._load = (request, ...rest) => (request === '@tensorflow/tfjs-node' ? tf : load(request, ...rest));
    const faceapi = createRequire(import.meta.url)(path.join(folder, 'dist', 'face-api.node.js'));
    const model = path.join(folder, 'model');
    const manifest = JSON.parse(fs.readFileSync(path.join(model, 'face_recognition_model-weights_manifest.json')));
    const specs = manifest.flatMap((group) => group.weights);
    const net = new faceapi.FaceRecognitionNet();
    net.loadFromWeightMap(tf.io.decodeWeights(shards(model, manifest), specs));
    await check('resnet29_face', 150, (x) => net.forwardInput(new faceapi.NetInput([x.mul(255).squeeze([0])])));
}

await humanModels();
await nsfwjs();
await faceApi();
