import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Prefix, parsePrefix } from '../../shared/ipv6.ts'
import type { DemoEvent, DemoSummary, Stage } from './demo-events.ts'
import { proveNames, proveRenumbering, summarise } from './demo-proofs.ts'
import { type Home, startHome } from './home.ts'
import { createLab, type Lab } from './lab.ts'
import { measureRenumbering, type Renumbering, type RenumberingCause } from './renumbering.ts'

type Emit = (event: DemoEvent) => void

/** The prefixes that the provider hands out, one after the other. */
const PREFIXES = {
  first: parsePrefix('2001:db8:1:1::/64'),
  flash: parsePrefix('2001:db8:2:2::/64'),
  planned: parsePrefix('2001:db8:3:3::/64'),
} as const

/** How much of a log is told when the demo fails. */
const LOG_LINES = 12

async function stage<T>(
  emit: Emit,
  name: Stage,
  work: () => Promise<T>,
  describe: (result: T) => string,
): Promise<T> {
  emit({ kind: 'stage', stage: name, at: Date.now() })
  const result = await work()
  emit({ kind: 'stage-done', stage: name, at: Date.now(), seen: describe(result) })
  return result
}

/** The last words of the programs, which end with the lab. */
async function tellLogs(lab: Lab, emit: Emit): Promise<void> {
  for (const program of ['agent', 'cloud'] as const) {
    const text = await readFile(join(lab.directory.path, `${program}.log`), 'utf8').catch(() => '')
    const lines = text.trimEnd().split('\n').slice(-LOG_LINES)
    if (text !== '') emit({ kind: 'log', program, lines })
  }
}

async function changePrefix(
  home: Home,
  emit: Emit,
  change: { cause: RenumberingCause; from: Prefix; to: Prefix },
): Promise<Renumbering> {
  emit({ kind: 'change', ...change })
  const { lab, agent, prober, watched } = home
  const seen = agent.events.length
  const renumbering = await measureRenumbering(lab, prober, watched, {
    ...change,
    onAnnounced: (at) => emit({ kind: 'announced', at, prefix: change.to }),
  })
  await agent.event('receipt', ({ event }) => event === 'receipt', seen)
  emit({ kind: 'renumbered', renumbering })
  return renumbering
}

async function runJob(lab: Lab, emit: Emit): Promise<DemoSummary> {
  const home = await startHome(lab, {
    prefix: PREFIXES.first,
    onAnnounced: (at) => emit({ kind: 'announced', at, prefix: PREFIXES.first }),
    stage: (name, work, describe) => stage(emit, name, work, describe),
    onEvent: (program, event) => emit({ kind: 'program', program, event }),
    onProbe: (event) => {
      if (event.kind === 'counters') emit({ kind: 'probes', counters: event })
      if (event.kind === 'lost') emit(event)
      if (event.kind === 'reachable')
        emit({ kind: 'reached', at: event.at, address: event.address })
    },
  })
  const { cloud, agent, prober } = home
  const { first, flash, planned } = PREFIXES
  const renumberings = [
    await changePrefix(home, emit, { cause: 'flash', from: first, to: flash }),
    await changePrefix(home, emit, { cause: 'planned', from: flash, to: planned }),
  ]
  const audit = await cloud.verifyAudit()
  const proofs = [
    ...renumberings.flatMap(proveRenumbering),
    ...(await proveNames(lab, planned)),
    { name: 'the audit log verifies', ok: audit.ok, seen: `${audit.entries} entries` },
  ]
  for (const proof of proofs) emit({ kind: 'proof', proof })
  await Promise.all([prober.stop(), agent.stop(), cloud.stop()])
  const summary = summarise(renumberings, proofs, audit)
  emit(summary)
  return summary
}

/**
 * The whole job once: builds the network, changes its prefix in a flash and then as planned, and
 * gathers the proofs. Tells everything through `emit`; throws only what stopped the demo itself, after
 * telling the last lines of the programs' logs.
 */
export async function runDemoJob(emit: Emit): Promise<DemoSummary> {
  const lab = await stage(
    emit,
    'network',
    () => createLab({ containers: 3 }),
    ({ containers }) => `router, DNS, Docker with ${containers.map(({ name }) => name).join(', ')}`,
  )
  try {
    return await runJob(lab, emit)
  } catch (cause) {
    await tellLogs(lab, emit)
    throw cause
  } finally {
    lab.close()
  }
}
