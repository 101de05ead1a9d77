import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { DnsProvider } from '../../../cloud/domain/dns-provider.ts'
import { openLibsql } from '../../../cloud/store/libsql.ts'
import { parseName } from '../../../shared/rrset.ts'
import { startTestCloud } from '../../fakes/test-cloud.ts'
import { aaaa, expectIntact, type TestCloud } from './app-checks.ts'

/** An enrolled host of a test cloud. */
export type Agent = Awaited<ReturnType<TestCloud['addAgent']>>

const CALL_MS = 100
/** Longer than a busy machine takes for anything here. */
const PATIENCE_MS = 30_000

/** Waits for what another process does. */
export function eventually<T>(read: () => T | Promise<T>) {
  return expect.poll(read, { timeout: PATIENCE_MS })
}

/** Two clouds as two processes are: one store, one log key, the same providers, one time. */
export async function startTwo(store?: readonly [string, string], dnsBudgetMs = PATIENCE_MS) {
  const [port, secondPort] = store ? await Promise.all(store.map(openLibsql)) : []
  const patient = { dnsBudgetMs: PATIENCE_MS }
  const a = await startTestCloud(patient, { holder: 'a', ...(port && { store: port }) })
  const { signer, dns, second, clock } = a
  const world = { signer, dns, second, clock, holder: 'b' }
  const b = await startTestCloud({ dnsBudgetMs }, { ...world, store: secondPort ?? a.store })
  return { a, b }
}

/** The same host at the other cloud, with a sequence above what it has used. */
export function atOther(cloud: TestCloud, agent: Agent): Agent {
  cloud.clock.ms += 1000
  return cloud.createAgent(agent.host, agent.key, agent.witness())
}

/**
 * Has hosts report at the same moment, each second one to the other process if there is one, until all have their
 * receipts; providers take as long as real ones. Gives how often the first one was asked to write.
 */
export async function reportAtOnce(
  kind: 'memory' | 'file' | 'alone',
  hosts: number,
): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'reprefix-two-'))
  const url = `file:${join(directory, 'cloud.db')}`
  try {
    const { a, b } = await startTwo(kind === 'file' ? [url, url] : undefined)
    const agents: Agent[] = []
    for (let i = 0; i < hosts; i++) agents.push(await a.addAgent(`host-${i}`))
    slowDown(a.dns.provider)
    const statuses = await Promise.all(
      agents.map(async (agent, i) => {
        const name = parseName(`h${i}.home.example.org`)
        const isOther = kind !== 'alone' && i % 2 === 1
        const reporter = !isOther ? agent : b.createAgent(agent.host, agent.key, agent.witness())
        const records = [aaaa(name, `2001:db8:1::${(i + 1).toString(16)}`)]
        let { response, jws } = await reporter.report({ records })
        for (let tries = 0; response.status !== 200 && tries < 10; tries++) {
          expect([202, 503]).toContain(response.status)
          await new Promise((resolve) => setTimeout(resolve, 1000))
          ;({ response } = await reporter.post(jws))
        }
        return response.status
      }),
    )
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(a.dns.sets()).toHaveLength(hosts)
    expect(a.second.sets()).toHaveLength(hosts)
    await expectIntact(a)
    a.store.close()
    if (kind === 'file') b.store.close()
    return a.dns.applied()
  } finally {
    await rm(directory, { recursive: true })
  }
}

function slowDown(provider: DnsProvider): void {
  const { apply } = provider
  provider.apply = async (zone, changes) => {
    await new Promise((resolve) => setTimeout(resolve, CALL_MS))
    return apply(zone, changes)
  }
}
