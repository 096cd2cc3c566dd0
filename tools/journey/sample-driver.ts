// The driver that `npm start` deploys: a few lines of Python or Node, zipped as a customer would, uploaded through the
// signed address and created with the official client.
import { spawnSync } from 'node:child_process'
import { buffer } from 'node:stream/consumers'
import yazl from 'yazl'

export interface SampleDriver {
  readonly runtime: 'python3' | 'nodejs8'
  readonly zip: Buffer
  readonly fileName: string
}

/** A line a second, with the configuration it was handed: enough to see that it lives and knows what it should. */
const python = `import json, os, sys, time

config = json.loads(os.environ.get("FC_DRIVER_CONFIG", "{}"))
print("driver %s started with %s" % (os.environ.get("FUNCTION_NAME"), json.dumps(config.get("config", {}), sort_keys=True)), flush=True)
count = 0
while True:
    count += 1
    print("reading %d: temperature %.1f" % (count, 20 + count % 7 / 10.0), flush=True)
    time.sleep(1)


def handler(event, context):
    return "ok"
`

const node = `const config = JSON.parse(process.env.FC_DRIVER_CONFIG || '{}')
console.log('driver ' + process.env.FUNCTION_NAME + ' started with ' + JSON.stringify(config.config || {}))
let count = 0
setInterval(() => {
  count += 1
  console.log('reading ' + count + ': temperature ' + (20 + (count % 7) / 10).toFixed(1))
}, 1000)
exports.handler = (event, context, callback) => callback(null, 'ok')
`

/** Python where it is, else Node, which is there because this runs. */
export async function sampleDriver(): Promise<SampleDriver> {
  const hasPython = spawnSync('python3', ['--version'], { stdio: 'ignore' }).status === 0
  return hasPython
    ? { runtime: 'python3', fileName: 'thermometer.zip', zip: await zipOf({ 'index.py': python }) }
    : { runtime: 'nodejs8', fileName: 'thermometer.zip', zip: await zipOf({ 'index.js': node }) }
}

/** A zip of text files, as bytes. */
export async function zipOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const archive = new yazl.ZipFile()
  for (const [name, text] of Object.entries(files)) archive.addBuffer(Buffer.from(text), name, { mtime: new Date(Date.UTC(2026, 0, 1)) })
  archive.end()
  return buffer(archive.outputStream as unknown as NodeJS.ReadableStream & AsyncIterable<Buffer>)
}
