// The Worker as it is deployed: with the kinds of providers that its settings name, and no others.
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleRuntime, workerBundle } from './bundle-runtimes.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/**
 * What is used of settings that have been found right.
 * @typedef {object} EmbeddedSettings
 * @property {string} url
 * @property {string} store
 * @property {Readonly<Record<string, { readonly type: string }>>} providers
 */

/**
 * Writes `worker.js` and its `chunks/` beside the settings that `reprefix config embed` has written. workerd
 * compiles every module of a Worker before the first request, so those that it will not use are left out.
 * @param {string} directory absolute path, with `settings.js` in it
 * @returns {Promise<{ settings: EmbeddedSettings, text: string }>} what is in `settings.js`
 */
export async function bundleWorker(directory) {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const text = await readFile(join(directory, 'settings.js'), 'utf8')
  /** @type {{ settings: EmbeddedSettings }} */
  const { settings } = JSON.parse(text.slice(text.indexOf('{')))
  const kinds = Object.values(settings.providers).map(({ type }) => type)
  const bundle = workerBundle(root, version, kinds)
  await bundleRuntime({ ...bundle, output: { ...bundle.output, dir: directory } }, { write: true })
  return { settings, text }
}
