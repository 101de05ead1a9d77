// What the bundles of the cloud need beyond what the bundler does by itself.
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { gzipSync } from 'node:zlib'

/** @typedef {import('rolldown').Plugin} Plugin */
/** @typedef {import('./bundle-runtimes.mjs').DeployedSettings} DeployedSettings */

/**
 * What is written at deploy beside the program stays an import of it.
 * @param {string} name
 * @returns {Plugin}
 */
export const besideProgram = (name) => ({
  name: 'beside-program',
  resolveId: (source) => (source === `./${name}` ? { id: source, external: true } : null),
})

/**
 * workerd has Node's modules as ES modules only: what a CommonJS dependency requires is imported for it.
 * @type {Plugin}
 */
export const importNodeModules = {
  name: 'import-node-modules',
  resolveId(source, _, { kind }) {
    if (!/^(?:node:)?(?:buffer|util|events)$/.test(source)) return null
    const name = source.replace(/^node:/, '')
    return kind === 'require-call'
      ? `\0node-module:${name}`
      : { id: `node:${name}`, external: true }
  },
  load(id) {
    if (!id.startsWith('\0node-module:')) return null
    const name = id.slice('\0node-module:'.length)
    return `export * from 'node:${name}'; export { default } from 'node:${name}'`
  },
}

/**
 * What settings do not name is left out of a program that is bundled for them: what only one kind of provider
 * loads, or only who asks resolvers.
 * @param {DeployedSettings} settings
 * @returns {Plugin}
 */
export const onlyNamed = ({ providers, dnsOverHttps = [] }) => {
  const kinds = Object.values(providers).map(({ type }) => type)
  /** @type {Readonly<Record<string, boolean>>} */
  const others = {
    'doh-dns': dnsOverHttps.length > 0,
    'tcp-dialer': kinds.includes('rfc2136'),
    'address-lookup': kinds.includes('dyndns2'),
  }
  return {
    name: 'only-named',
    resolveId(source, importer = '', { kind }) {
      if (kind !== 'dynamic-import') return null
      const name = basename(source, '.ts')
      const isKind = importer.endsWith('/dns/provider-loaders.ts')
      const isNamed = isKind ? kinds.includes(name) : (others[name] ?? true)
      return isNamed ? null : '\0left-out'
    },
    load: (id) =>
      id === '\0left-out'
        ? `throw new Error('this program was bundled for other settings: deploy it again')`
        : null,
  }
}

/**
 * A large document as compressed text, which is nothing to compile; it is parsed when it is asked for.
 * @type {Plugin}
 */
export const compressedJson = {
  name: 'compressed-json',
  load: {
    filter: { id: /\/openapi\.json$/ },
    async handler(id) {
      const text = JSON.stringify(JSON.parse(await readFile(id, 'utf8')))
      const packed = gzipSync(text, { level: 9 }).toString('base64')
      return {
        code: `import { gunzipSync } from 'node:zlib'
export default JSON.parse(gunzipSync(Buffer.from('${packed}', 'base64')).toString('utf8'))`,
        moduleType: 'js',
      }
    },
  },
}
