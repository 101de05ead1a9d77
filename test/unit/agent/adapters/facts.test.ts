import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { probeCloud } from '../../../../agent/adapters/cloud-probe.ts'
import {
  attempt,
  readFileFacts,
  readFreeBytes,
  readPrograms,
} from '../../../../agent/adapters/host-facts.ts'
import { createOtherVariant } from '../../../../agent/adapters/ip6tables-variant.ts'
import { acquireLock, isLocked } from '../../../../agent/adapters/lock.ts'
import {
  readForwarding,
  readInterface,
  readLinksUp,
  readNeighbourTable,
  readRules,
  readUplinkSettings,
} from '../../../../agent/adapters/network-facts.ts'
import { readPendingKey } from '../../../../agent/adapters/pending-key.ts'
import { readIptables, readNdppd } from '../../../../agent/adapters/plane-facts.ts'
import { ReprefixError } from '../../../../shared/errors.ts'
import { generateSigningKey } from '../../../../shared/jws.ts'
import { fakeProcesses } from '../../../fakes/process-table.ts'
import { scriptedCommands } from '../../../fakes/scripted-commands.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'facts-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

describe('facts of the host', () => {
  it('tell mode and owner of a file, and that there is none', async () => {
    const path = join(directory, 'agent.yaml')
    expect(await readFileFacts(path)).toEqual({ path, mode: null, owner: 0 })
    await writeFile(path, '')
    await chmod(path, 0o646)
    expect(await readFileFacts(path)).toEqual({ path, mode: 0o646, owner: process.getuid?.() })
  })

  it('tell the room for a directory that is yet to be made', async () => {
    expect(await readFreeBytes(join(directory, 'a', 'b'))).toBeGreaterThan(0)
  })

  it('tell which programs are installed, and the package of those that are ours', async () => {
    await writeFile(join(directory, 'ip'), '', { mode: 0o755 })
    await writeFile(join(directory, 'ndppd'), '', { mode: 0o644 })
    const script = join(directory, 'restart')
    expect(await readPrograms(['ip', 'ndppd', 'ip', script], `/nonexistent:${directory}`)).toEqual([
      { program: 'ip', package: 'iproute2', isInstalled: true },
      { program: 'ndppd', package: 'ndppd', isInstalled: false },
      { program: script, package: null, isInstalled: false },
    ])
  })

  it('tell whether an agent runs', async () => {
    expect(await isLocked(directory)).toBe(false)
    const lock = await acquireLock(directory)
    expect(await isLocked(directory)).toBe(true)
    await lock.release()
    expect(await isLocked(directory)).toBe(false)
  })

  it('name what could not be read and go on', async () => {
    expect(await attempt(async () => 1)).toEqual({ value: 1 })
    expect(await attempt(async () => Promise.reject(new Error('no')))).toEqual({ fault: 'no' })
  })

  it('name a damaged key of an enrolment that was begun', async () => {
    const path = join(directory, 'enrolment-pending.json')
    expect(await readPendingKey(path)).toBe(null)
    const { jwk } = await generateSigningKey()
    await writeFile(path, JSON.stringify(jwk))
    expect(await readPendingKey(path)).toEqual(jwk)
    for (const text of ['{"kty":', '{"kty":"OKP"}', '']) {
      await writeFile(path, text)
      await expect(readPendingKey(path)).rejects.toMatchObject({
        code: 'STATE_CORRUPT',
        message: expect.stringMatching(/enrolment-pending\.json is damaged.*may be spent/),
      })
    }
  })
})

describe('facts of the network', () => {
  it('read the kernel’s settings of one interface', async () => {
    const conf = join(directory, 'net/ipv6/conf')
    const write = async (path: string, text: string) => {
      await mkdir(join(path, '..'), { recursive: true })
      await writeFile(path, text)
    }
    await write(join(conf, 'all/forwarding'), '1\n')
    await write(join(conf, 'all/proxy_ndp'), '0\n')
    await write(join(conf, 'eth0/accept_ra'), '2\n')
    await write(join(conf, 'eth0/proxy_ndp'), '1\n')
    await write(join(directory, 'net/ipv6/neigh/eth0/proxy_delay'), '80\n')
    expect(await readForwarding(directory)).toBe(true)
    expect(await readForwarding(join(directory, 'none'))).toBe(false)
    expect(await readUplinkSettings('eth0', directory)).toEqual({
      forwarding: null,
      acceptRa: 2,
      proxyNdp: 1,
      proxyDelay: 80,
      maxAddresses: null,
    })
  })

  it('tell how full the table of neighbours is', async () => {
    const statistics = join(directory, 'ndisc_cache')
    await writeFile(
      statistics,
      `entries  allocs   destroys hash_grows lookups  hits     res_failed table_fulls
000003e8 0000194f 00001b7d 00000002   000015da 00000e88 0000001f   0000000a
000003e8 00000b12 000008dd 00000001   00000a11 00000c01 00000002   00000002
`,
    )
    const limits = join(directory, 'net/ipv6/neigh/default')
    await mkdir(limits, { recursive: true })
    await writeFile(join(limits, 'gc_thresh3'), '1024\n')
    expect(await readNeighbourTable(directory, statistics)).toEqual({
      entries: 1000,
      limit: 1024,
      timesFull: 12,
    })
    expect(await readNeighbourTable(join(directory, 'none'), statistics)).toBeNull()
    expect(await readNeighbourTable(directory, join(directory, 'none'))).toBeNull()
  })

  it('tell which interfaces are up and have a carrier', async () => {
    const links = [
      { ifname: 'eth0', flags: ['BROADCAST', 'UP', 'LOWER_UP'] },
      { ifname: 'eth1', flags: ['NO-CARRIER', 'UP'] },
      { ifname: 'eth2', flags: ['BROADCAST'] },
    ]
    const { run } = scriptedCommands({ 'ip -json link show': { stdout: JSON.stringify(links) } })
    expect(await readLinksUp(run)).toEqual(new Set(['eth0']))
  })

  it('read the sources of policy rules, and refuse what is not a list of them', async () => {
    const rules = [
      { priority: 0, src: 'all', table: 'local' },
      { priority: 100, src: '2001:db8:2::', srclen: 48, table: '100' },
      { priority: 101, src: '2001:db8::1', table: '101' },
    ]
    const { run } = scriptedCommands({ 'ip -6 -json rule': { stdout: JSON.stringify(rules) } })
    expect(await readRules(run)).toEqual([
      { source: null, table: 'local' },
      { source: '2001:db8:2::/48', table: '100' },
      { source: '2001:db8::1/128', table: '101' },
    ])
    const broken = scriptedCommands({ 'ip -6 -json rule': { stdout: 'usage' } })
    await expect(readRules(broken.run)).rejects.toMatchObject({ code: 'IP_OUTPUT_INVALID' })
  })

  it('read what is on docker0, without our own routes and without those of the kernel', async () => {
    const { run } = scriptedCommands({
      'ip -6 -json address show dev docker0': {
        stdout: JSON.stringify([
          {
            ifname: 'docker0',
            addr_info: [
              { family: 'inet6', local: '2001:db8::1', prefixlen: 80, scope: 'global' },
              { family: 'inet6', local: 'fe80::1', prefixlen: 64, scope: 'link' },
            ],
          },
        ]),
      },
      'ip -6 -json route show dev docker0': {
        stdout: JSON.stringify([
          { dst: '2001:db8:9::/80', protocol: 'kernel' },
          { dst: '2001:db8:8::/80', protocol: '174' },
          { dst: 'fe80::/64', protocol: 'kernel' },
          { dst: 'default', protocol: 'static' },
        ]),
      },
    })
    expect(await readInterface(run, 'docker0')).toEqual({
      addresses: ['2001:db8::1'],
      routes: ['2001:db8:9::/80'],
    })
    const none = scriptedCommands({ 'ip -6 -json': { exitCode: 1 } })
    expect(await readInterface(none.run, 'docker0')).toEqual({ addresses: [], routes: [] })
  })
})

describe('facts of the planes', () => {
  it('tell the version of ndppd without starting one', async () => {
    const stderr = "(notice) ndppd (NDP Proxy Daemon) version 0.2.4\n(error) Failed to load '/x'\n"
    const { run, texts } = scriptedCommands({ 'ndppd -c': { exitCode: 255, stderr } })
    const configPath = join(directory, 'ndppd.conf')
    expect(await readNdppd(run, fakeProcesses(), configPath)).toEqual({
      version: '0.2.4',
      isRunning: false,
      configPath,
      configText: { value: '' },
    })
    expect(texts()).toEqual(['ndppd -c /nonexistent/reprefix'])
    const missing = async () => Promise.reject(new ReprefixError('TOOL_MISSING', 'no ndppd'))
    expect(await readNdppd(missing, fakeProcesses(), directory)).toMatchObject({
      version: null,
      configText: { fault: expect.stringContaining('EISDIR') },
    })
  })

  it.each([
    ['ip6tables v1.8.9 (nf_tables)\n', 'nft', '1.8.9'],
    ['ip6tables v1.8.9 (legacy)\n', 'legacy', '1.8.9'],
    ['ip6tables v1.6.1\n', 'legacy', '1.6.1'],
  ])('tell the packet filter of %j', async (stdout, variant, version) => {
    const { run } = scriptedCommands({
      'ip6tables -V': { stdout },
      'ip6tables-nft': { stdout: '-P FORWARD ACCEPT\n' },
    })
    const other = createOtherVariant(run, async () => '')
    expect(await readIptables(run, other)).toEqual({ version, variant, conflict: null })
  })

  it('tell that both packet filters are in use', async () => {
    const { run } = scriptedCommands({
      'ip6tables -V': { stdout: 'ip6tables v1.8.9 (nf_tables)\n' },
      'ip6tables-legacy': { stdout: '-P FORWARD DROP\n' },
    })
    const other = createOtherVariant(run, async () => 'filter\n')
    expect((await readIptables(run, other)).conflict).toContain('-P FORWARD DROP')
  })
})

describe('the question whether the cloud is there', () => {
  const at = Date.parse('2026-01-31T12:00:00Z')
  const asked: string[] = []
  const answering =
    (status: number, date?: string): typeof fetch =>
    async (url) => {
      asked.push(String(url))
      return new Response('{}', { status, headers: date === undefined ? {} : { date } })
    }
  const url = 'https://cloud.example'

  it.each([
    ['Sat, 31 Jan 2026 12:00:00 GMT', 0],
    ['Sat, 31 Jan 2026 11:50:00 GMT', 600],
    ['Sat, 31 Jan 2026 12:01:00 GMT', -60],
    [undefined, null],
    ['yesterday', null],
  ])('compares the clocks: %s', async (date, skewSeconds) => {
    const answer = await probeCloud(`${url}/`, { fetch: answering(200, date), now: () => at })
    expect(answer).toEqual({ url: `${url}/`, skewSeconds })
    expect(asked.at(-1)).toBe('https://cloud.example/healthz')
  })

  it.each([
    ['another status', answering(502), /HTTP 502/],
    [
      'no connection',
      async () => Promise.reject(new TypeError('fetch failed', { cause: new Error('refused') })),
      /cloud\.example does not answer: refused/,
    ],
  ])('says so at %s', async (_, fetch, message) => {
    await expect(probeCloud(url, { fetch })).rejects.toMatchObject({
      code: 'CLOUD_UNREACHABLE',
      message: expect.stringMatching(message),
    })
  })
})
