import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuditLog } from '../../../cloud/log/audit-log.ts'
import { startLog } from '../../../cloud/log/start-log.ts'
import { openLibsql } from '../../../cloud/store/libsql.ts'
import { migrate } from '../../../cloud/store/migrate.ts'
import { createSqlRepository } from '../../../cloud/store/sql-repository.ts'
import { generateNoteSigner } from '../../../shared/checkpoint.ts'
import { tryRun } from '../../lab/command.ts'
import type { Bench, BenchFile, BenchOptions } from '../bench.ts'
import { measureAudit, measureSignedAudit, writeExport } from './audit-speed.ts'
import { type BenchCloud, startBenchCloud } from './bench-cloud.ts'
import { type CloudMeasurement, presentCloud } from './cloud-result.ts'
import { measureGrowth } from './growth.ts'
import { ladderOf } from './ladder.ts'
import { measureLoad } from './load.ts'
import { timeInTurns } from './turns.ts'

/** How much to measure. */
export interface CloudPlan {
  readonly ways: readonly string[]
  readonly turns: number
  /** Of what is timed one at a time. */
  readonly path: { readonly turns: number; readonly warmUp: number }
  readonly hosts: number
  /** Reports of a host, a turn. */
  readonly reports: number
  readonly sizes: readonly number[]
  /** Appends and proofs measured at each size. */
  readonly samples: number
}

const WAYS = ['path', 'load', 'growth', 'audit'] as const

/** What the options come to: by default everything, for `--quick` logs of at most 10,000 entries. */
export function planCloud(options: Omit<BenchOptions, 'onProgress' | 'onPart'>): CloudPlan {
  const { isQuick, runs } = options
  const turns = runs ?? (isQuick ? 5 : 15)
  return {
    ways: options.ways ?? WAYS,
    turns,
    path: { turns: 20 * turns, warmUp: isQuick ? 500 : 3000 },
    hosts: 32,
    reports: 4,
    sizes: isQuick ? [100, 1000, 10_000] : [100, 1000, 10_000, 100_000, 1_000_000],
    samples: isQuick ? 50 : 200,
  }
}

type Report = (part: Partial<CloudMeasurement>) => Promise<void>

async function measurePath(
  cloud: BenchCloud,
  plan: CloudPlan,
  directory: string,
  report: Report,
): Promise<void> {
  if (!plan.ways.includes('path')) return
  const { cases, close } = await ladderOf(cloud, directory)
  const times = await timeInTurns(cases, plan.path)
  close()
  await report({ ladder: Object.fromEntries(times) })
}

async function measureReports(plan: CloudPlan, root: string, report: Report): Promise<void> {
  const directory = join(root, 'reports')
  await mkdir(directory)
  const cloud = await startBenchCloud(directory, plan.hosts)
  try {
    await measurePath(cloud, plan, directory, report)
    if (plan.ways.includes('load')) {
      await report({ load: await measureLoad(cloud, plan.turns, plan.reports) })
    }
    if (plan.ways.includes('audit')) {
      const path = join(directory, 'export.ndjson')
      if (!plan.ways.includes('load')) await measureLoad(cloud, 5, plan.reports)
      await writeExport(cloud.repository, await cloud.log.checkpoint(), path)
      const keys = new Map(cloud.hosts.map(({ key }) => [key.kid, key.key]))
      await report({ signed: await measureSignedAudit(path, cloud.signer.vkey, keys) })
    }
  } finally {
    cloud.close()
  }
}

async function measureLargeLog(
  plan: CloudPlan,
  root: string,
  onProgress: (line: string) => void,
  report: Report,
): Promise<void> {
  const directory = join(root, 'log')
  await mkdir(directory)
  const port = await openLibsql(`file:${join(directory, 'cloud.db')}`)
  try {
    await migrate(port)
    const repository = createSqlRepository(port)
    const { signer } = await generateNoteSigner('cloud.example.org')
    const deps = { repository, signer, sleep: async () => undefined, random: Math.random }
    const log = createAuditLog(deps)
    const identity = { origin: signer.name, vkey: signer.vkey }
    await startLog(log, repository, identity, () => new Date())
    const growth = await measureGrowth(port, signer, plan.sizes, plan.samples, onProgress)
    if (plan.ways.includes('growth')) await report({ growth })
    if (!plan.ways.includes('audit')) return
    onProgress('audit verify')
    const path = join(directory, 'export.ndjson')
    await writeExport(repository, await log.checkpoint(), path)
    await report({ tree: await measureAudit(path, signer.vkey) })
  } finally {
    port.close()
  }
}

/** Measures what the plan says; `onPart` is given what there is after each part. */
export async function measureCloud(
  plan: CloudPlan,
  onProgress: (line: string) => void,
  onPart: (soFar: CloudMeasurement) => Promise<void> = async () => {},
): Promise<CloudMeasurement> {
  const root = await mkdtemp(join(tmpdir(), 'reprefix-bench-'))
  let soFar: CloudMeasurement = {
    v: 1,
    at: new Date().toISOString(),
    isComplete: false,
    machine: await describeMachine(),
    conditions: describeConditions(plan, await stayOnOneCore()),
  }
  const report: Report = async (part) => {
    soFar = { ...soFar, ...part }
    await onPart(soFar)
  }
  const wants = (...ways: readonly string[]) => ways.some((way) => plan.ways.includes(way))
  try {
    if (wants('path', 'load', 'audit')) {
      onProgress(`reports of ${plan.hosts} hosts`)
      await measureReports(plan, root, report)
    }
    if (wants('growth', 'audit')) await measureLargeLog(plan, root, onProgress, report)
  } finally {
    await rm(root, { recursive: true, force: true })
  }
  return { ...soFar, isComplete: true }
}

/** Keeps all threads of this process on one core, where the machine has the tool for it. */
async function stayOnOneCore(): Promise<boolean> {
  try {
    const { code } = await tryRun(['taskset', '-a', '-c', '-p', '0', `${process.pid}`])
    return code === 0
  } catch {
    return false
  }
}

async function describeMachine(): Promise<Record<string, string>> {
  const system = await readFile('/etc/os-release', 'utf8').catch(() => '')
  return {
    system: /^PRETTY_NAME="(.*)"$/m.exec(system)?.[1] ?? process.platform,
    kernel: release(),
    cpus: `${cpus().length}`,
    node: process.version,
  }
}

function describeConditions(plan: CloudPlan, isOnOneCore: boolean): Record<string, string> {
  return {
    core: isOnOneCore ? 'all threads on one' : 'not bound: there is no taskset here',
    store: 'libsql file, WAL, synchronous=FULL',
    dns: 'one provider, in memory',
    requests: 'through the application without a socket; made and signed before the clock starts',
    path: `${plan.path.turns} runs of each case, one of each a turn, after ${plan.path.warmUp} to get warm`,
    load: `${plan.hosts} hosts, ${plan.reports} reports each a turn, each waits for its receipt`,
  }
}

function fileOf(measurement: CloudMeasurement): BenchFile {
  return { name: 'cloud.json', content: `${JSON.stringify(measurement, null, 2)}\n` }
}

/** `npm run bench -- cloud`. */
export const cloudBench: Bench = {
  name: 'cloud',
  summary: 'one report beside its unavoidable parts, many at once, a log of a million entries',
  ways: WAYS,
  run: async ({ onProgress, onPart, ...options }) => {
    const measurement = await measureCloud(planCloud(options), onProgress, async (soFar) => {
      await onPart?.(fileOf(soFar))
    })
    return { ...presentCloud(measurement), files: [fileOf(measurement)] }
  },
}
