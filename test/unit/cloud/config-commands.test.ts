// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in settings are written so
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { reportFault, runProgram } from '../../../cloud/commands/program.ts'
import { importNoteSigner } from '../../../shared/checkpoint.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'reprefix-config-'))
})
afterEach(() => rm(directory, { recursive: true }))

const settings = (store: string, key: string, more = '') => `url: https://cloud.example.org
store: ${store}
log: { key: "${key}" }
admin: { token: "\${env:REPREFIX_TEST_UNSET}" }
zones: { example.org: { providers: [main] } }
providers: { main: { type: desec, token: "\${env:REPREFIX_TEST_DNS}" } }
${more}`
const KEY = '${env:REPREFIX_TEST_KEY}'

async function run(...args: string[]) {
  const out: string[] = []
  const err: string[] = []
  const terminal = {
    out: (text: string) => out.push(text),
    err: (text: string) => err.push(text),
    isTty: false,
  }
  let code = 0
  try {
    await runProgram(args, terminal)
  } catch (error) {
    code = reportFault(error, terminal, false)
  }
  return { code, out: out.join('\n'), err: err.join('\n') }
}

async function check(text: string, runtime: string, ...more: string[]) {
  const config = join(directory, 'cloud.yaml')
  await writeFile(config, text)
  return run('config', 'check', '--config', config, '--runtime', runtime, ...more)
}

describe('reprefix config check', () => {
  it.each([
    ['node', 'file:x.db', 'log.key'],
    ['node', 'dynamodb:reprefix', KEY],
    ['lambda', 'dynamodb:reprefix', KEY],
    ['workers', 'd1:DB', KEY],
  ])('accepts for %s a store like %s, and says which secrets are to come', async (...given) => {
    const [runtime, store, key] = given
    const { code, out, err } = await check(settings(store, key), runtime)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('${env:REPREFIX_TEST_UNSET} has no value here')
    expect(out).toMatch(new RegExp(`is right for ${runtime}$`))
  })

  it('prints JSON', async () => {
    const { out } = await check(settings('d1:DB', KEY), 'workers', '--json')
    expect(JSON.parse(out)).toEqual({
      kind: 'config',
      runtime: 'workers',
      warnings: [],
      unresolved: [KEY, '${env:REPREFIX_TEST_UNSET}', '${env:REPREFIX_TEST_DNS}'],
    })
  })

  const dyndns2 = settings('d1:DB', KEY).replace(
    '{ main: { type: desec, token: "${env:REPREFIX_TEST_DNS}" } }',
    '{ main: { type: dyndns2, service: dyn, zone: example.org, username: me, password: "${env:REPREFIX_TEST_DNS}" } }',
  )
  const role = settings('d1:DB', KEY).replace(
    '{ type: desec, token: "${env:REPREFIX_TEST_DNS}" }',
    '{ type: route53 }',
  )
  const faults: readonly [string, string, string, RegExp][] = [
    ['node', 'd1', settings('d1:DB', KEY), /store: d1 is there on Workers only/],
    ['lambda', 'file', settings('file:x.db', KEY), /store: .*write dynamodb:TABLE/],
    ['lambda', 'key', settings('dynamodb:reprefix', 'log.key'), /log\.key: .*audit new-key/],
    ['workers', 'dynamodb', settings('dynamodb:reprefix', KEY), /store: .*write d1:BINDING/],
    ['workers', 'file', settings('d1:DB', '${file:/run/key}'), /log\.key: a Worker has no files/],
    ['workers', 'role', role, /providers\.main: a Worker has no role at AWS/],
    ['workers', 'dyndns2', dyndns2, /providers\.main: a Worker cannot ask/],
    ['lambda', 'table', settings('dynamodb:x', KEY), /store: must be .*dynamodb:TABLE/],
    ['node', 'unknown-key', settings('file:x', 'k', 'colour: red\n'), /colour: .*line 7/],
  ]
  it.each(faults)('says for %s what is wrong: %s', async (runtime, _, text, message) => {
    const { code, err } = await check(text, runtime)
    expect(err).toMatch(message)
    expect(code).toBe(2)
  })

  it('says that there is no file', async () => {
    const { code, err } = await run('config', 'check', '--config', '/nowhere/cloud.yaml')
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringMatching(/--config names/) })
  })
})

describe('reprefix config embed', () => {
  async function embed(text: string, runtime: string) {
    const [config, out] = [join(directory, 'cloud.yaml'), join(directory, 'settings.mjs')]
    await writeFile(config, text)
    const result = await run(
      ...['config', 'embed', '--config', config, '--runtime', runtime, '--out', out],
    )
    return { ...result, path: out }
  }

  it('writes a module with the settings as they are, references included', async () => {
    const text = settings('dynamodb:reprefix', KEY, 'dnsOverHttps: ["https://dns.test/$${x}"]\n')
    const { code, path } = await embed(text, 'lambda')
    expect(code).toBe(0)
    const { default: embedded } = await import(pathToFileURL(path).href)
    expect(embedded).toMatchObject({
      runtime: 'lambda',
      settings: {
        log: { key: KEY },
        zones: { 'example.org': { providers: ['main'] } },
        dnsOverHttps: ['https://dns.test/$${x}'],
      },
    })
  })

  it('writes nothing where something is wrong', async () => {
    const { code, path } = await embed(settings('file:x.db', KEY), 'workers')
    expect(code).toBe(2)
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('is not for plain Node', async () => {
    expect((await embed(settings('file:x.db', KEY), 'node')).code).toBe(2)
  })
})

describe('reprefix audit new-key', () => {
  it('prints a key of the log alone, and its public key beside it', async () => {
    const { code, out, err } = await run('audit', 'new-key', '--url', 'https://cloud.example.org/')
    expect(code).toBe(0)
    const { vkey, name } = await importNoteSigner(out)
    expect(name).toBe('cloud.example.org')
    expect(err).toContain(vkey)
    expect(err).not.toContain(out)
  })

  it('prints JSON', async () => {
    const { out } = await run('audit', 'new-key', '--url', 'https://a.example', '--json')
    const { kind, key, vkey } = JSON.parse(out)
    expect(kind).toBe('log-key')
    expect((await importNoteSigner(key)).vkey).toBe(vkey)
  })

  it('asks for the cloud that it is for', async () => {
    expect(await run('audit', 'new-key')).toMatchObject({ code: 2, out: '' })
  })
})
