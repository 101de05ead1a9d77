import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { cpus, release } from 'node:os'
import { ReprefixError } from '../../shared/errors.ts'
import { tryRun } from '../lab/command.ts'
import { withNeighbourRoom } from '../lab/neighbour-room.ts'
import { ADVERTISEMENT_INTERVAL_S, usable } from '../lab/router.ts'
import { type AgentMeasurement, type DnsSeries, presentAgent, type Series } from './agent-result.ts'
import type { Bench, BenchFile, BenchOptions } from './bench.ts'
import { renderChart } from './chart.ts'
import { measureCron, measureDdclient } from './cron-way.ts'
import { DDCLIENT_INTERVAL_S } from './ddclient.ts'
import { type IdleResult, measureIdle } from './idle.ts'
import { measureReprefix } from './reprefix-way.ts'
import { median } from './statistics.ts'

/** How much to measure. */
export interface AgentPlan {
  readonly containers: readonly number[]
  readonly ways: readonly string[]
  readonly reprefixRuns: number
  readonly cronRuns: number
  readonly ddclientRuns: { readonly byHand: number; readonly byItself: number }
  readonly idleSeconds: number
  /** The size whose agent is watched while idle, and whose names ddclient keeps. */
  readonly usualSize: number
}

const WAYS = ['reprefix', 'cron', 'ddclient', 'idle'] as const
const USUAL_SIZE = 20
const PROGRAM_STARTS = 50
/** Home routers advertise every 10 to 600 s; the 6 to 8 s of the renumberings would be no idle time. */
const IDLE_INTERVAL_S = { min: 20, max: 30 } as const

/** What the options come to: by default everything, for `--quick` a first impression. */
export function planAgent(options: Omit<BenchOptions, 'onProgress' | 'onPart'>): AgentPlan {
  const { isQuick, runs } = options
  const containers = options.containers ?? (isQuick ? [1, 5] : [1, 5, 20, 50])
  return {
    containers,
    ways: options.ways ?? WAYS,
    reprefixRuns: runs ?? (isQuick ? 3 : 12),
    cronRuns: Math.min(runs ?? 3, isQuick ? 1 : 3),
    ddclientRuns: isQuick ? { byHand: 1, byItself: 0 } : { byHand: 3, byItself: 2 },
    // Long enough for a whole pass, which comes every five minutes.
    idleSeconds: isQuick ? 10 : 360,
    usualSize: containers.includes(USUAL_SIZE) ? USUAL_SIZE : Math.max(...containers),
  }
}

async function firstLine(argv: readonly string[]): Promise<string> {
  const { stdout, stderr } = await tryRun(argv)
  return (stdout || stderr).trim().split('\n')[0] ?? ''
}

function startOfProgramMs(): number {
  const times = Array.from({ length: PROGRAM_STARTS }, () => {
    const startedAt = performance.now()
    execFileSync('true')
    return performance.now() - startedAt
  })
  return median(times)
}

async function describeMachine(): Promise<Record<string, string>> {
  const release_ = await readFile('/etc/os-release', 'utf8')
  return {
    system: /^PRETTY_NAME="(.*)"$/m.exec(release_)?.[1] ?? 'Linux',
    kernel: release(),
    cpus: `${cpus().length}`,
    // Machines differ tenfold in this, and the ways in how many programs they start.
    program: `${startOfProgramMs().toFixed(1)} ms to start and end one, at the median`,
    node: process.version,
    docker: await firstLine(['dockerd', '--version']),
    bind: await firstLine(['named', '-v']),
  }
}

function describeConditions(plan: AgentPlan): Record<string, string> {
  const { min, max } = ADVERTISEMENT_INTERVAL_S
  return {
    change:
      'flash renumbering (RFC 8978): the router announces a new prefix and is silent of the old',
    clock: 'from the advertisement on the link to the page, by name, from the internet side',
    probes: 'every 20 ms; slower than 300 ms is lost',
    advertisements: `every ${min} to ${max} s`,
    cron: 'started as soon as the server has its own address; cron adds 0 to 300 s',
    cronContainers: 'end at once when asked, start all at once; ddclient is started by the script',
    ddclientByItself: `looks every ${DDCLIENT_INTERVAL_S} s, its smallest; the prefix changes half-way between two looks, the earlier one without a change (right after an update ddclient 3.10 waits for one look more)`,
    idle: `${plan.idleSeconds} s, after the renumberings, ${plan.usualSize} containers, an advertisement every ${IDLE_INTERVAL_S.min} to ${IDLE_INTERVAL_S.max} s`,
  }
}

/** What measures each way; replaceable in tests. */
export const MEASURES = { measureReprefix, measureCron, measureDdclient, describeMachine }

/** Measures what the plan says, one lab after the other; `onPart` is given what there is after each size. */
export async function measureAgent(
  plan: AgentPlan,
  onProgress: (line: string) => void,
  onPart: (soFar: AgentMeasurement) => Promise<void> = async () => {},
  measures: typeof MEASURES = MEASURES,
): Promise<AgentMeasurement> {
  const run = {
    v: 1,
    at: new Date().toISOString(),
    machine: await measures.describeMachine(),
    conditions: describeConditions(plan),
  } as const
  const series: Series[] = []
  const dns: DnsSeries[] = []
  let idle: IdleResult | undefined
  const wants = (way: (typeof WAYS)[number]): boolean => plan.ways.includes(way)
  for (const containers of plan.containers) {
    const isUsual = containers === plan.usualSize
    if (wants('reprefix') || (wants('idle') && isUsual)) {
      const measured = await measures.measureReprefix({
        containers,
        runs: wants('reprefix') ? plan.reprefixRuns : 1,
        onProgress,
        afterwards: async ({ agent, lab }, prefix) => {
          if (!wants('idle') || !isUsual) return undefined
          await lab.router.announce([usable(prefix)], { interval: IDLE_INTERVAL_S })
          onProgress(`idle for ${plan.idleSeconds} s`)
          const pid = agent.pid()
          if (pid === undefined) throw new ReprefixError('LAB_FAILED', 'the agent does not run')
          return measureIdle(pid, plan.idleSeconds)
        },
      })
      idle ??= measured.afterwards
      const { samples } = measured
      if (wants('reprefix')) {
        series.push({ way: 'reprefix', containers, samples, failures: [] })
        if (isUsual) {
          const toNamedMs = samples.map((sample) => sample.toNamedMs)
          dns.push({ way: 'reprefix', containers, toNamedMs })
        }
      }
    }
    if (wants('cron')) {
      const measured = await measures.measureCron(containers, plan.cronRuns, onProgress)
      series.push({ way: 'cron', containers, ...measured })
    }
    if (wants('ddclient') && isUsual) {
      const measured = await measures.measureDdclient(containers, plan.ddclientRuns, onProgress)
      dns.push(
        { way: 'ddclient by hand', containers, toNamedMs: measured.byHandMs },
        { way: 'ddclient by itself', containers, toNamedMs: measured.byItselfMs },
      )
    }
    await onPart({ ...run, isComplete: false, series, dns, ...(idle ? { idle } : {}) })
  }
  return { ...run, isComplete: true, series, dns, ...(idle ? { idle } : {}) }
}

function fileOf(measurement: AgentMeasurement): BenchFile {
  return { name: 'agent.json', content: `${JSON.stringify(measurement, null, 2)}\n` }
}

/** `npm run bench -- agent`. */
export const agentBench: Bench = {
  name: 'agent',
  summary: 'reprefix beside a cron script and ddclient: time, losses, restarts, idle cost',
  needs: 'lab and others',
  ways: WAYS,
  run: async ({ onProgress, onPart, ...options }) => {
    const keepPart = async (soFar: AgentMeasurement) => onPart?.(fileOf(soFar))
    const measurement = await withNeighbourRoom(() =>
      measureAgent(planAgent(options), onProgress, keepPart),
    )
    return {
      ...presentAgent(measurement),
      files: [fileOf(measurement), { name: 'agent.svg', content: renderChart(measurement) }],
    }
  },
}
