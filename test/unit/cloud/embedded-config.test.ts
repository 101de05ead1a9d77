import { describe, expect, it } from 'vitest'
import { loadEmbeddedConfig } from '../../../cloud/embedded-config.ts'
import { createEnvResolver } from '../../../shared/settings-source.ts'

const TOKEN = 'a-token-of-twenty-four-or-more'
const KEY = 'PRIVATE+KEY+cloud.example.org+00000000+AAAA'
const env = (name: string) => `$\{env:${name}}`

const SETTINGS = {
  url: 'https://cloud.example.org',
  store: 'dynamodb:reprefix',
  log: { key: env('LOG_KEY') },
  admin: { token: env('ADMIN_TOKEN') },
  zones: { 'example.org': { providers: ['main'] } },
  providers: { main: { type: 'desec', token: env('DNS_TOKEN') } },
}
const SECRETS = { LOG_KEY: KEY, ADMIN_TOKEN: TOKEN, DNS_TOKEN: 'desec-token-1234' }

function load(
  settings: unknown,
  { runtime = 'lambda', secrets = SECRETS }: { runtime?: string; secrets?: object } = {},
) {
  return loadEmbeddedConfig({ runtime, settings }, 'lambda', createEnvResolver({ ...secrets }))
}

describe('an embedded configuration', () => {
  it('is read with its secrets, and with the kinds of providers that it has alone', async () => {
    const { config, types } = await load(SETTINGS)
    expect(config).toMatchObject({
      store: { kind: 'dynamodb', table: 'reprefix' },
      logKey: { kind: 'text', text: KEY },
      adminToken: TOKEN,
      providers: { main: { type: 'desec', token: 'desec-token-1234' } },
    })
    expect(Object.keys(types)).toEqual(['desec'])
  })

  const faults: readonly [string, object, object, RegExp][] = [
    ['a-secret-is-missing', {}, { LOG_KEY: '' }, /log\.key: set the secret or variable LOG_KEY/],
    ['a-secret-is-bad', {}, { ADMIN_TOKEN: 'hunter2' }, /admin\.token: must have at least 24/],
    ['a-key-is-a-file', { log: { key: 'log.key' } }, {}, /log\.key: .*audit new-key/],
    ['a-file-store', { store: 'file:x.db' }, {}, /store: .*write dynamodb:TABLE/],
    ['a-d1-store', { store: 'd1:DB' }, {}, /store: .*write dynamodb:TABLE/],
    ['unknown-key', { colour: 'red' }, {}, /colour: is not known here/],
    ['no-provider', { providers: undefined }, {}, /providers: is missing/],
    ['unknown-kind', { providers: { main: { type: 'smtp' } } }, {}, /providers\.main/],
    ['unknown-provider', { providers: {} }, {}, /zones\.example\.org\.providers: "main"/],
  ]
  it.each(faults)('is refused with path and remedy, and no secret: %s', async (_, ...rest) => {
    const [change, secrets, message] = rest
    const loading = load({ ...SETTINGS, ...change }, { secrets: { ...SECRETS, ...secrets } })
    await expect(loading).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
    })
    await expect(loading).rejects.not.toThrow(/hunter2|desec-token|PRIVATE/)
  })

  it('is refused where it was checked for another runtime, or is none', async () => {
    await expect(load(SETTINGS, { runtime: 'workers' })).rejects.toThrow(
      /checked for workers: write it with "reprefix config embed" --runtime lambda/,
    )
    const none = loadEmbeddedConfig(undefined, 'lambda', createEnvResolver({}))
    await expect(none).rejects.toThrow(/there is no configuration here/)
  })
})
