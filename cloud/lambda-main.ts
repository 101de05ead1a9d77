import { setTimeout as sleep } from 'node:timers/promises'
import { ReprefixError } from '../shared/errors.ts'
import { createLineLogger } from '../shared/line-logger.ts'
import { loadEmbeddedConfig } from './embedded-config.ts'
import { createLambdaHandler } from './lambda.ts'
import { openParameters } from './parameter-store.ts'

// The module that AWS Lambda loads. A bad configuration ends the initialisation, and with it the
// deployment or the first request, with its reason in the function's log.

const logger = createLineLogger({
  level: 'info',
  name: 'reprefix',
  write: (line) => process.stdout.write(`${line}\n`),
})

async function init() {
  // Read beside the settings: every request needs it, and an initialisation has a whole processor.
  const loading = import('./store/dynamodb.ts')
  // Where it fails, opening the store says so.
  loading.catch(() => undefined)
  const embedded = await readEmbedded()
  const resolve = await openParameters(embedded, process.env)
  const loaded = await loadEmbeddedConfig(embedded, 'lambda', resolve)
  const { store } = loaded.config
  // `requireRuntime` has refused every other kind.
  const table = store.kind === 'dynamodb' ? store.table : ''
  const openStore = async () => {
    const { openDynamo } = await loading
    return openDynamo({ table }, { sleep: (ms) => sleep(ms), random: Math.random })
  }
  return createLambdaHandler(loaded, openStore, logger)
}

/** What `reprefix config embed` wrote beside this module. */
async function readEmbedded(): Promise<unknown> {
  const place = new URL('./settings.mjs', import.meta.url)
  try {
    const module: { readonly default: unknown } = await import(place.href)
    return module.default
  } catch (cause) {
    throw new ReprefixError(
      'CONFIG_INVALID',
      'there is no settings.mjs beside the function: write it with "reprefix config embed --runtime lambda"',
      { cause },
    )
  }
}

/** `index.handler`. */
export const handler = await init()
