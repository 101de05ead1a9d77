import { Resolver } from 'node:dns/promises'
import { describe } from 'vitest'
import type { DnsDialer } from '../../cloud/dns/dns-transport.ts'
import { createRfc2136Provider } from '../../cloud/dns/rfc2136.ts'
import { createTcpDialer } from '../../cloud/dns/tcp-dialer.ts'
import { ProviderError } from '../../cloud/domain/dns-provider.ts'
import { decodeBase64 } from '../../shared/base64.ts'
import { canonicalValues, parseName, type RRKey, type RRset } from '../../shared/rrset.ts'
import type { ProviderRig } from '../contract/dns-provider.ts'
import { run } from '../lab/command.ts'
import { programPath } from '../lab/packages.ts'
import type { LabKey, UpdateServer } from './update-server.ts'

/** The adapter's settings for a server and one of its keys. */
export function settingsFor(server: UpdateServer, key: LabKey) {
  return {
    type: 'rfc2136' as const,
    server: { host: '127.0.0.1', port: server.port },
    tsig: { name: key.name, algorithm: key.algorithm, secret: decodeBase64(key.secret) },
  }
}

/** Sends one update with nsupdate: an implementation that is not ours. */
export async function nsupdate(server: UpdateServer, lines: readonly string[]): Promise<void> {
  const { algorithm, name, secret } = server.admin
  const input = [
    `server 127.0.0.1 ${server.port}`,
    `zone ${server.zone}`,
    ...lines,
    'send',
    '',
  ].join('\n')
  await run([programPath('nsupdate'), '-v', '-y', `${algorithm}:${name}:${secret}`], { input })
}

/** A group of tests on a real server; skipped loudly where a package is missing. */
export function describeServer(title: string, packages: Record<string, string>, tests: () => void) {
  const missing = Object.entries(packages).filter(([program]) => !isInstalled(program))
  if (missing.length === 0) {
    describe(title, tests)
    return
  }
  const names = missing.map(([, name]) => name).join(' ')
  process.stderr.write(
    `\nSKIPPED: ${title}: Debian packages are missing: apt-get install ${names}\n`,
  )
  describe.skip(`${title} (skipped: install ${names})`, tests)
}

/** The rig of the provider contract over a real server. */
export async function openUpdateRig(start: () => Promise<UpdateServer>): Promise<ProviderRig> {
  const server = await start()
  const resolver = new Resolver()
  resolver.setServers([`127.0.0.1:${server.port}`])
  const wire = createTroubledDialer()
  const settings = settingsFor(server, server.addresses)
  return {
    provider: createRfc2136Provider('lan', settings, { now: () => new Date(), dial: wire.dial }),
    zone: parseName(server.zone),
    writes: wire.writes,
    breakWrites: wire.breakWrites,
    beforeNextWrite: wire.beforeNextWrite,
    seed: ({ name, type, ttl, values }: RRset) =>
      nsupdate(server, [
        `update delete ${name} ${type}`,
        ...values.map(
          (value) => `update add ${name} ${ttl} ${type} ${type === 'TXT' ? `"${value}"` : value}`,
        ),
      ]),
    look: (key) => look(resolver, key),
    close: () => server.stop(),
  }
}

/** What a server answers to a question, through a resolver that asks nobody else. */
export async function look(resolver: Resolver, { name, type }: RRKey) {
  try {
    if (type === 'TXT') {
      const texts = await resolver.resolveTxt(name)
      // The resolver hands out bytes as Latin-1.
      const decoded = texts.map((parts) => Buffer.from(parts.join(''), 'latin1').toString('utf8'))
      return { values: canonicalValues('TXT', decoded) }
    }
    const found =
      type === 'A'
        ? await resolver.resolve4(name, { ttl: true })
        : await resolver.resolve6(name, { ttl: true })
    return {
      ttl: found[0]?.ttl ?? 0,
      values: canonicalValues(
        type,
        found.map(({ address }) => address),
      ),
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENODATA' || code === 'ENOTFOUND') return null
    throw error
  }
}

/** TCP that counts updates and loses them, or their answers, when told to. */
function createTroubledDialer() {
  const dialTcp = createTcpDialer()
  let writes = 0
  let trouble: { when: 'before' | 'after'; times: number } = { when: 'before', times: 0 }
  let interloper: (() => Promise<void>) | undefined
  const dial: DnsDialer = async (server) => {
    const connection = await dialTcp(server)
    return {
      close: () => connection.close(),
      exchange: async (messages) => {
        if (!messages.some(isWrite)) return connection.exchange(messages)
        writes += 1
        const act = interloper
        interloper = undefined
        await act?.()
        const isBroken = trouble.times > 0
        trouble = { ...trouble, times: trouble.times - 1 }
        if (isBroken && trouble.when === 'before') throw lost()
        const answers = await connection.exchange(messages)
        if (isBroken) throw lost()
        return answers
      },
    }
  }
  return {
    dial,
    writes: () => writes,
    breakWrites: (when: 'before' | 'after', times: number) => {
      trouble = { when, times }
    },
    beforeNextWrite: (act: () => Promise<void>) => {
      interloper = act
    },
  }
}

/** An UPDATE that has more than conditions: opcode 5 and a filled update section. */
function isWrite(message: Uint8Array): boolean {
  const updates = (message[8] ?? 0) * 256 + (message[9] ?? 0)
  return (((message[2] ?? 0) >> 3) & 15) === 5 && updates > 0
}

function lost(): ProviderError {
  return new ProviderError('transient', 'the connection was cut')
}

function isInstalled(program: string): boolean {
  try {
    return programPath(program) !== ''
  } catch {
    return false
  }
}
