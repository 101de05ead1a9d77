import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { reportFault, runProgram } from '../../../cloud/commands/program.ts'
import { POLICY_DEFAULTS } from '../../../cloud/domain/host-policy.ts'
import type { HostRecord } from '../../../cloud/domain/host-record.ts'
import { readConfig } from '../../../cloud/load-config.ts'
import { type Cloud, startCloud } from '../../../cloud/server.ts'
import { openLibsql } from '../../../cloud/store/libsql.ts'
import { createSqlRepository } from '../../../cloud/store/sql-repository.ts'
import { parsePrefix } from '../../../shared/ipv6.ts'
import { parseJoin } from '../../../shared/join.ts'
import { parseName } from '../../../shared/rrset.ts'
import { recordedLog } from '../../fakes/recorded-log.ts'

const TOKEN = 'operator-token-of-the-tests'

const undo: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'reprefix-server-'))
  undo.push(() => rm(directory, { recursive: true }))
  await writeFile(join(directory, 'token'), `${TOKEN}\n`)
  await writeConfig(directory, 0)
  return directory
}

function writeConfig(directory: string, port: number): Promise<void> {
  return writeFile(
    join(directory, 'cloud.yaml'),
    `url: http://[::1]:${port}
listen: "[::1]:${port}"
store: file:${directory}/cloud.db
log: { key: ${directory}/log.key }
admin: { token: "\${file:${directory}/token}" }
zones: { example.org: { providers: [lan], nameServers: ["[::1]:1"] } }
providers:
  lan: { type: rfc2136, server: "[::1]:1", tsig: { name: ddns, algorithm: hmac-sha256, secret: c2VjcmV0 } }
`,
  )
}

async function start(directory: string): Promise<Cloud> {
  const loaded = await readConfig(join(directory, 'cloud.yaml'))
  const cloud = await startCloud(loaded, recordedLog().log)
  undo.push(() => cloud.stop())
  return cloud
}

/** Runs a command as the shell would, and gives what it wrote and its exit code. */
async function run(cloud: Cloud, ...args: string[]) {
  const out: string[] = []
  const err: string[] = []
  const terminal = {
    out: (text: string) => out.push(text),
    err: (text: string) => err.push(text),
    isTty: false,
  }
  const url = `http://[::1]:${cloud.listening.port}`
  const token = args.includes('--token') ? [] : ['--token', TOKEN]
  const before = process.exitCode
  process.exitCode = undefined
  let code = 0
  try {
    await runProgram([...args, '--url', url, ...token], terminal)
    code = Number(process.exitCode ?? 0)
  } catch (error) {
    code = reportFault(error, terminal, false)
  } finally {
    process.exitCode = before
  }
  return { code, out: out.join('\n'), err: err.join('\n') }
}

describe('reprefix serve', () => {
  it('signs with a second key from the start at which the settings name one', async () => {
    const directory = await makeDirectory()
    const before = await start(directory)
    const { vkey } = before
    await before.stop()
    const path = join(directory, 'cloud.yaml')
    const settings = await readFile(path, 'utf8')
    await writeFile(
      path,
      settings.replace('log.key }', `log.key, nextKey: ${directory}/next.key }`),
    )
    const cloud = await start(directory)
    expect(cloud.vkey).toBe(vkey)
    const added = await run(cloud, 'host', 'add', 'home', '--name', 'www.example.org', '--json')
    const { vkey: pinned } = parseJoin(JSON.parse(added.out).join)
    expect(pinned).not.toBe(vkey)
    for (const key of [vkey, pinned]) {
      expect(await run(cloud, 'audit', 'verify', '--key', key)).toMatchObject({ code: 0 })
    }
  })

  it('makes store and key on first start, and goes on with them on the next', async () => {
    const directory = await makeDirectory()
    const first = await start(directory)
    expect((await stat(join(directory, 'log.key'))).mode & 0o777).toBe(0o600)
    await run(first, 'host', 'add', 'home', '--name', 'www.example.org')
    await first.stop()
    const second = await start(directory)
    expect(second.vkey).toBe(first.vkey)
    const { out } = await run(second, 'audit', 'log')
    expect(out).toMatch(/0 .*genesis.*\n1 .*policy +home +may claim www\.example\.org/)
  })

  it('refuses to go on with a log whose key is gone', async () => {
    const directory = await makeDirectory()
    await (await start(directory)).stop()
    await rm(join(directory, 'log.key'))
    await expect(start(directory)).rejects.toMatchObject({ code: 'LOG_KEY_MISMATCH' })
  })

  it('never replaces a key file that it cannot read', async () => {
    const directory = await makeDirectory()
    await writeFile(join(directory, 'log.key'), 'damaged')
    await expect(start(directory)).rejects.toMatchObject({ code: 'KEY_INVALID' })
    expect(await readFile(join(directory, 'log.key'), 'utf8')).toBe('damaged')
  })

  it('says that the port is taken, and by which address', async () => {
    const directory = await makeDirectory()
    const { listening } = await start(directory)
    await writeConfig(directory, listening.port)
    await expect(start(directory)).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringMatching(new RegExp(`::1 port ${listening.port}.*EADDRINUSE`)),
    })
  })

  it('says that the configuration is not there', async () => {
    await expect(readConfig('/nowhere/cloud.yaml')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/\/nowhere\/cloud\.yaml/),
    })
  })

  it('tells a peer its address', async () => {
    const cloud = await start(await makeDirectory())
    const response = await fetch(`http://[::1]:${cloud.listening.port}/v1/whoami`)
    expect(await response.json()).toEqual({ address: '::1' })
  })
})

describe('the operator’s commands', () => {
  it('add, show, change, list and revoke a host', async () => {
    const cloud = await start(await makeDirectory())
    const policy = ['--name', 'www.example.org', '--prefix', '2001:db8::/32']
    const added = await run(cloud, 'host', 'add', 'home', ...policy, '--json')
    expect(added.code).toBe(0)
    const { kind, host, join: word } = JSON.parse(added.out)
    expect({ kind, host }).toEqual({ kind: 'host', host: 'home' })
    expect(parseJoin(word).vkey).toBe(cloud.vkey)
    expect((await run(cloud, 'host', 'list')).out).toMatch(/^HOST .*\nhome +invited/)
    const changed = await run(cloud, 'host', 'policy', 'home', '--type', 'a', '--type', 'aaaa')
    expect(changed.out).toMatch(/types +A AAAA\n/)
    expect((await run(cloud, 'host', 'show', 'home')).out).toMatch(/prefixes +2001:db8::\/32/)
    expect((await run(cloud, 'host', 'revoke', 'home')).out).toMatch(/is revoked/)
    expect(JSON.parse((await run(cloud, 'host', 'list', '--json')).out).status).toBe('revoked')
  })

  it('show hosts whose records may be out of date', async () => {
    const directory = await makeDirectory()
    const cloud = await start(directory)
    const port = await openLibsql(`file:${directory}/cloud.db`)
    undo.push(async () => port.close())
    const at = '2026-01-01T00:00:00.000Z'
    const host: HostRecord = {
      ...{ name: 'home', version: 1, status: 'active', addedAt: at },
      policy: { ...POLICY_DEFAULTS, names: [], prefixes: [parsePrefix('2000::/3')] },
      claim: [{ name: parseName('www.example.org'), type: 'AAAA' }],
      lastReport: { index: 1, at, prefix: parsePrefix('2001:db8::/64'), agent: '0.1.0' },
    }
    await createSqlRepository(port).commit([], [{ kind: 'create-host', host }])
    expect((await run(cloud, 'host', 'list')).out).toMatch(/\nhome +stale \(silent\) +2001:db8::/)
    const { out } = await run(cloud, 'host', 'show', 'home')
    expect(out).toMatch(/stale +since 2026-01-31T00:00:00.000Z: it has reported nothing for long/)
    const stale = { reason: 'silent', since: '2026-01-31T00:00:00.000Z' }
    const shown = await run(cloud, 'host', 'show', 'home', '--json')
    expect(JSON.parse(shown.out)).toMatchObject({ status: 'active', stale })
  })

  it('read and verify the log', async () => {
    const directory = await makeDirectory()
    const cloud = await start(directory)
    for (const host of ['home', 'office']) {
      await run(cloud, 'host', 'add', host, '--name', `${host}.example.org`)
    }
    const lines = (text: string) => text.split('\n').map((line) => JSON.parse(line))
    const log = async (...args: string[]) => {
      const { out } = await run(cloud, 'audit', 'log', '--json', ...args)
      return out === '' ? [] : lines(out).map(({ index }) => index)
    }
    expect(await log()).toEqual([0, 1, 2])
    expect(await log('--host', 'office')).toEqual([2])
    expect(await log('--name', 'home.example.org.')).toEqual([1])
    expect(await log('--since', '2999-01-01')).toEqual([])
    const verified = await run(cloud, 'audit', 'verify', '--json')
    expect(lines(verified.out)).toEqual([
      expect.objectContaining({ kind: 'summary', ok: true, entries: 3, findings: 0 }),
    ])
    const file = join(directory, 'export.ndjson')
    const { out } = await run(cloud, 'audit', 'export')
    await writeFile(file, out)
    const offline = ['audit', 'verify', '--file', file, '--key', cloud.vkey]
    expect(await run(cloud, ...offline)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^3 entries are intact/),
    })
    await writeFile(file, out.replace('office', 'orifice'))
    expect(await run(cloud, ...offline)).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^entry 2: this is not the entry that was logged/),
    })
  })

  it('say what DNS has, and end with 3 where it is not as it shall be', async () => {
    const cloud = await start(await makeDirectory())
    expect(await run(cloud, 'dns', 'plan')).toMatchObject({
      code: 0,
      out: 'Nothing to change: 0 RRsets are as they shall be.',
    })
    expect(await run(cloud, 'dns', 'check', '--json')).toMatchObject({ code: 0, out: '' })
    expect((await run(cloud, 'dns', 'check')).out).toBe('No host has claimed a name yet.')
  })

  const faults: readonly [string, readonly string[], number, RegExp][] = [
    ['other-zone', ['dns', 'check', '--zone', 'a.test'], 1, /a\.test is no zone of this cloud/],
    ['no-names', ['host', 'add', 'home'], 2, /USAGE: say what it may claim/],
    ['bad-name', ['host', 'add', 'home', '--name', '-'], 2, /USAGE: .*names.*not a domain name/],
    [
      'bad-host',
      ['host', 'add', 'Home!', '--name', 'a.example.org'],
      2,
      /USAGE: .*not a host name/,
    ],
    [
      'bad-number',
      ['host', 'add', 'home', '--name', 'a.example.org', '--max-deletions', 'x'],
      2,
      /takes a whole number/,
    ],
    ['unknown-host', ['host', 'show', 'nobody'], 1, /CLOUD_REFUSED: there is no host nobody/],
    ['nothing-to-change', ['host', 'policy', 'home'], 2, /say what to change/],
    ['unknown-option', ['host', 'list', '--bogus'], 2, /unknown option/],
    ['bad-time', ['audit', 'log', '--since', 'x'], 2, /--since takes a time/],
    [
      'bad-key',
      ['audit', 'verify', '--key', 'x'],
      2,
      /USAGE: --key: .*not of the form name\+id\+key/,
    ],
    ['no-file', ['audit', 'verify', '--file', '/nowhere'], 1, /FILE_READ_FAILED: .*\/nowhere/],
  ]
  it.each(faults)('say in one line what is wrong: %s', async (_, args, code, message) => {
    const cloud = await start(await makeDirectory())
    const result = await run(cloud, ...args)
    expect(result.err).toMatch(message)
    expect(result.code).toBe(code)
    expect(result.out).toBe('')
  })

  it('never show a token that no header can carry', async () => {
    const result = await run(
      await start(await makeDirectory()),
      'host',
      'list',
      '--token',
      'hunter\n2',
    )
    expect(result).toMatchObject({ code: 2, err: expect.stringMatching(/printable ASCII/) })
    expect(result.err).not.toContain('hunter')
  })

  it('say that there is no cloud', async () => {
    const cloud = await start(await makeDirectory())
    await cloud.stop()
    const { code, err } = await run(cloud, 'host', 'list')
    expect(code).toBe(1)
    expect(err).toMatch(/CLOUD_UNREACHABLE: no answer from .*ECONNREFUSED.*; is "reprefix serve"/)
  })
})
