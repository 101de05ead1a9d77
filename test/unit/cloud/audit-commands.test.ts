import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { reportFault, runProgram } from '../../../cloud/commands/program.ts'
import { generateNoteSigner, openCheckpoint, parseVkey } from '../../../shared/checkpoint.ts'
import { parsePrefix } from '../../../shared/ipv6.ts'
import { leafHash, verifyInclusion } from '../../../shared/merkle.ts'
import { parseTlogProof } from '../../../shared/tlog-proof.ts'
import { ADMIN_TOKEN, startTestCloud } from '../../fakes/test-cloud.ts'
import { aaaa, api, type TestCloud, www } from './app-checks.ts'

let cloud: TestCloud
let url: string
let directory: string
let stop: () => unknown

/** genesis, policy, enroll, then reports at 3, 5 (denied), 6, 8 with their outcomes after them. */
beforeAll(async () => {
  cloud = await startTestCloud()
  const agent = await cloud.addAgent('home')
  await agent.report()
  await agent.report({ records: [aaaa(www, '2001:db8:bad::1')] })
  cloud.clock.ms += 3_600_000
  const prefix = {
    current: parsePrefix('2001:db8:2::/64'),
    previous: parsePrefix('2001:db8:1::/64'),
    cause: 'flash',
  } as const
  const records = [aaaa(www, '2001:db8:2::1'), aaaa(api, '2001:db8:2::2')]
  await agent.report({ prefix, records })
  await agent.report({
    prefix: { ...prefix, cause: 'claims' },
    records: [aaaa(api, '2001:db8:2::2')],
  })
  await cloud.addHost('office', { names: ['office.example.org'] })
  directory = await mkdtemp(join(tmpdir(), 'reprefix-audit-'))
  await new Promise<void>((resolve) => {
    const server = serve({ fetch: cloud.app.fetch, hostname: '::1', port: 0 }, ({ port }) => {
      url = `http://[::1]:${port}`
      resolve()
    })
    stop = () => server.close()
  })
})
afterAll(async () => {
  stop()
  await rm(directory, { recursive: true })
})

async function audit(...args: string[]) {
  const [out, err]: [string[], string[]] = [[], []]
  const terminal = {
    out: (text: string) => out.push(text),
    err: (text: string) => err.push(text),
    isTty: false,
  }
  let code = 0
  try {
    const where = args.includes('--file') ? [] : ['--url', url, '--token', ADMIN_TOKEN]
    await runProgram(['audit', ...args, ...where], terminal)
  } catch (error) {
    code = reportFault(error, terminal, false)
  }
  return { code, out: out.join('\n'), err: err.join('\n') }
}

async function indices(...args: string[]): Promise<number[]> {
  const { out } = await audit('log', '--json', ...args)
  return out === '' ? [] : out.split('\n').map((line) => JSON.parse(line).index)
}

describe('reprefix audit log', () => {
  const filters: readonly [string, readonly string[], readonly number[]][] = [
    ['nothing', [], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    ['a host', ['--host', 'office'], [10]],
    ['a kind', ['--kind', 'denied'], [5]],
    ['several kinds', ['--kind', 'genesis', '--kind', 'applied'], [0, 4, 7, 9]],
    ['a name', ['--name', 'API.example.org.'], [1, 6, 7, 8, 9]],
    ['a time from', ['--since', '2026-03-01T12:30Z'], [6, 7, 8, 9, 10]],
    ['a time to', ['--until', '2026-03-01T12:30Z'], [0, 1, 2, 3, 4, 5]],
    ['a span without any', ['--since', '2026-03-01T12:30Z', '--until', '2026-03-01T12:40Z'], []],
    ['a limit', ['--limit', '2'], [9, 10]],
    ['a limit of what matches', ['--kind', 'report', '--limit', '2'], [6, 8]],
    [
      'all of them',
      ['--host', 'home', '--kind', 'applied', '--since', '2026-03-01T13:00Z'],
      [7, 9],
    ],
  ]
  it.each(filters)('shows what matches: %s', async (_, args, expected) => {
    expect(await indices(...args)).toEqual(expected)
  })

  it('says which report set a record, also where the report itself is not shown', async () => {
    const { out } = await audit('log', '--name', 'www.example.org', '--kind', 'applied', '--json')
    const records = out.split('\n').flatMap((line) => JSON.parse(line).records)
    const from = { host: 'home', prefix: '2001:db8:2::/64' }
    const summary = records
      .filter(({ provider }) => provider === 'first')
      .map(({ outcome, values, report }) => ({ outcome, values, report }))
    expect(summary).toEqual([
      {
        outcome: 'created',
        values: ['2001:db8:1::1'],
        report: { index: 3, host: 'home', prefix: '2001:db8:1::/64', cause: 'flash' },
      },
      {
        outcome: 'updated',
        values: ['2001:db8:2::1'],
        report: { index: 6, ...from, cause: 'flash' },
      },
      { outcome: 'deleted', values: [], report: { index: 8, ...from, cause: 'claims' } },
    ])
  })

  it('is a table for people, with one more for the records of a name', async () => {
    const { out } = await audit('log', '--name', 'www.example.org')
    expect(out).toMatch(/^ENTRY +TIME +KIND +HOST +WHAT\n1 /)
    expect(out).toMatch(/\nWhich report set www\.example\.org:\nENTRY +TYPE +OUTCOME/)
    expect(out).toMatch(
      /\n7 +AAAA +updated +2001:db8:2::1 +first +6 +home +2001:db8:2::\/64 +flash\n/,
    )
    expect(out).toMatch(/\n9 +AAAA +deleted +- +second +8 +home +2001:db8:2::\/64 +claims/)
    expect((await audit('log', '--host', 'nobody')).out).toBe('No entry matches.')
  })

  it('reads an export as well as a cloud', async () => {
    const file = join(directory, 'export.ndjson')
    await writeFile(file, (await audit('export')).out)
    expect(await indices('--kind', 'report', '--file', file)).toEqual([3, 6, 8])
  })

  it.each([
    ['--kind', 'reports', /--kind takes one of genesis, policy, .*, not reports/],
    ['--limit', '0', /--limit takes a whole number from 1, not 0/],
    ['--until', 'x', /--until takes a time like/],
  ] as const)('says what is wrong with %s %s', async (option, value, message) => {
    const { code, err } = await audit('log', option, value)
    expect(code).toBe(2)
    expect(err).toMatch(message)
  })
})

describe('reprefix audit prove', () => {
  it('prints a proof of each entry that others can verify', async () => {
    const verifiers = [await parseVkey(cloud.signer.vkey)]
    for (const row of await cloud.repository.range(0, 100)) {
      const { out, err } = await audit('prove', `${row.index}`, '--key', cloud.signer.vkey)
      const { index, hashes, checkpoint } = parseTlogProof(`${out}\n`)
      const { size, root } = await openCheckpoint(checkpoint, verifiers)
      const leaf = await leafHash(new TextEncoder().encode(row.entry))
      expect(size).toBe(11)
      expect(index).toBe(row.index)
      expect(await verifyInclusion({ leaf, index, size, root, proof: hashes })).toBe(true)
      expect(err).toMatch(new RegExp(`^entry ${index} \\(.*\\) is in the log of 11 entries$`))
    }
  })

  it('prints the entry with it as JSON, and says where the key is from', async () => {
    const { out, err } = await audit('prove', '4', '--json')
    const [row] = await cloud.repository.rows([4])
    expect(JSON.parse(out)).toMatchObject({
      kind: 'proof',
      index: 4,
      size: 11,
      entry: row?.entry,
      proof: expect.stringMatching(/^c2sp\.org\/tlog-proof@v1\nindex 4\n/),
      vkey: cloud.signer.vkey,
      isKeyFromLog: true,
    })
    expect(err).toBe('')
    expect((await audit('prove', '4')).err).toMatch(/The key was taken from the log itself/)
  })

  it('makes the same proof from an export, offline', async () => {
    const file = join(directory, 'whole.ndjson')
    await writeFile(file, (await audit('export')).out)
    for (let index = 0; index < 11; index++) {
      const proved = await audit('prove', `${index}`, '--file', file, '--key', cloud.signer.vkey)
      expect(proved).toEqual(await audit('prove', `${index}`, '--key', cloud.signer.vkey))
      expect(proved.code).toBe(0)
    }
    expect((await audit('prove', '11', '--file', file)).err).toMatch(/it has no entry 11/)
    expect((await audit('prove', '4', '--file', file)).err).toMatch(/taken from the log itself/)
  })

  it('does not prove from an export that was altered', async () => {
    const file = join(directory, 'altered.ndjson')
    const { out } = await audit('export')
    for (const altered of [out.replace('www', 'api'), out.split('\n').toSpliced(3, 1).join('\n')]) {
      await writeFile(file, altered)
      const { code, err } = await audit('prove', '4', '--file', file)
      expect([code, err]).toEqual([
        1,
        expect.stringMatching(/PROOF_INVALID: entry 4 is not proved/),
      ])
    }
    await writeFile(file, out.split('\n').slice(0, -1).join('\n'))
    expect((await audit('prove', '4', '--file', file)).err).toMatch(/no checkpoint at its end/)
  })

  it('writes it to a file', async () => {
    const path = join(directory, '4.tlog-proof')
    const { out } = await audit('prove', '4', '--out', path)
    expect(out).toBe('')
    expect(parseTlogProof(await readFile(path, 'utf8')).index).toBe(4)
  })

  const faults: readonly [string, readonly string[], number, RegExp][] = [
    ['no number', ['first'], 2, /USAGE: an entry has a number from 0, not first/],
    [
      'no such entry',
      ['11'],
      1,
      /CLOUD_REFUSED: the log has no entry 11; see "reprefix audit log"/,
    ],
    ['no key', ['1', '--key', 'x'], 2, /USAGE: --key/],
  ]
  it.each(faults)('says what is wrong: %s', async (_, args, code, message) => {
    const result = await audit('prove', ...args)
    expect(result).toMatchObject({ code, out: '', err: expect.stringMatching(message) })
  })

  it('neither prints nor writes what does not hold', async () => {
    const other = (await generateNoteSigner('cloud.example.org')).signer.vkey
    const path = join(directory, 'not.tlog-proof')
    const result = await audit('prove', '4', '--key', other, '--out', path)
    expect(result).toMatchObject({ code: 1, out: '' })
    expect(result.err).toMatch(/PROOF_INVALID: entry 4 is not proved: .*not signed by a key/)
    await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('GET /v1/log/proof', () => {
  const get = (query: string, headers: Record<string, string> = cloud.adminHeaders) =>
    cloud.app.request(`/v1/log/proof?${query}`, { headers })

  it('proves in a log of the past too', async () => {
    const proof = parseTlogProof(await (await get('index=2&size=5')).text())
    const verifiers = [await parseVkey(cloud.signer.vkey)]
    expect(await openCheckpoint(proof.checkpoint, verifiers)).toMatchObject({ size: 5 })
  })

  it.each([
    ['index=11', 404],
    ['index=2&size=2', 404],
    ['index=2&size=12', 404],
    ['index=-1', 400],
    ['index=1&size=x', 400],
    ['', 400],
  ])('refuses %s with %i', async (query, status) => {
    expect((await get(query)).status).toBe(status)
  })

  it('is for the operator', async () => {
    expect((await get('index=1', {})).status).toBe(401)
  })
})
