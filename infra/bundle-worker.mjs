// The Worker as it is deployed: with what its settings name, and nothing else.
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleRuntime, workerBundle } from './bundle-runtimes.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/**
 * What is used of settings that have been found right.
 * @typedef {{ url: string, store: string } & import('./bundle-runtimes.mjs').DeployedSettings} EmbeddedSettings
 */

/**
 * Writes `worker.js` and its `chunks/` beside the settings that `reprefix config embed` has written. A Worker
 * is uploaded with every module, so those that these settings will not use are left out.
 * @param {string} directory absolute path, with `settings.js` in it
 * @returns {Promise<{ settings: EmbeddedSettings, text: string }>} what is in `settings.js`
 */
export async function bundleWorker(directory) {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const text = await readFile(join(directory, 'settings.js'), 'utf8')
  /** @type {{ settings: EmbeddedSettings }} */
  const { settings } = JSON.parse(text.slice(text.indexOf('{')))
  const bundle = workerBundle(root, version, settings)
  await bundleRuntime({ ...bundle, output: { ...bundle.output, dir: directory } }, { write: true })
  return { settings, text }
}
