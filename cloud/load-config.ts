import { readFile } from 'node:fs/promises'
import { ReprefixError } from '../shared/errors.ts'
import { createReferenceResolver, readFault } from '../shared/files.ts'
import { decodeSettings } from '../shared/settings-document.ts'
import { checkWithNamedKinds, type LoadedConfig } from './embedded-config.ts'

/**
 * Reads cloud.yaml with `${env:…}` and `${file:…}` resolved, and loads the kinds of providers in it.
 * @throws ReprefixError CONFIG_INVALID
 */
export async function readConfig(path: string): Promise<LoadedConfig> {
  const text = await readConfigText(path)
  const resolve = createReferenceResolver(process.env)
  try {
    return await checkWithNamedKinds(decodeSettings(text, path, resolve), path)
  } catch (error) {
    // Who knows every kind of provider knows what may be written instead.
    const { parseConfig } = await import('./config.ts')
    parseConfig(text, path, resolve)
    throw error
  }
}

/** The text of cloud.yaml. @throws ReprefixError CONFIG_INVALID */
export async function readConfigText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const { message } = readFault(path, cause)
    throw new ReprefixError('CONFIG_INVALID', `${message}; --config names another`, { cause })
  }
}
