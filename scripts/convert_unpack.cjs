// nsfwjs wraps its model in JavaScript modules: writes the model.json and binary shards that tensorflow.js defines.
//     node convert_unpack.cjs FOLDER_OF_THE_MODULES OUT
const fs = require('fs');
const path = require('path');

const [folder, out] = process.argv.slice(2).map((name) => path.resolve(name));
const model = require(path.join(folder, 'model.min.js'));
fs.mkdirSync(out, { recursive: true });
for (const group of model.weightsManifest) {
    for (const shard of group.paths) {
        const base64 = require(path.join(folder, `${shard}.min.js`));
        fs.writeFileSync(path.join(out, shard), Buffer.from(base64, 'base64'));
    }
}
fs.writeFileSync(path.join(out, 'model.json'), JSON.stringify(model));
