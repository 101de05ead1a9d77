import { setTimeout as elapse } from 'node:timers/promises'
import { ReprefixError } from '../../shared/errors.ts'
import { inNamespace, run } from '../lab/command.ts'
import { waitFor } from '../lab/deadline.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { HOME, type LabContainer } from '../lab/lab-names.ts'
import { type Prober, startProber } from '../lab/prober.ts'
import { measureRenumbering } from '../lab/renumbering.ts'
import { usable } from '../lab/router.ts'
import { type CronHost, groupsOf, prepareCronHost } from './cron-host.ts'
import { DDCLIENT_INTERVAL_S, type Ddclient, prepareDdclient } from './ddclient.ts'
import { prefixAfter, type Sample, toSample } from './reprefix-way.ts'

/** What the script does to one size of home; a run in which nobody got through is a failure. */
export interface CronResult {
  readonly samples: readonly Sample[]
  readonly failures: readonly string[]
}

/** From an advertisement until a name has its address in the new prefix, by ddclient alone. */
export interface DdclientResult {
  /** Started by hand as soon as the server has its address. */
  readonly byHandMs: readonly number[]
  /** As a daemon with its smallest interval, half an interval after it last looked and found no change. */
  readonly byItselfMs: readonly number[]
}

const REACH_TIMEOUT_MS = 120_000

/** Waits until the server has finished duplicate address detection for its own new address. */
async function ownAddress(lab: Lab, run_: number): Promise<void> {
  const wanted = groupsOf(prefixAfter(run_))
  const argv = inNamespace(lab.namespaces.home, [
    ...['ip', '-6', 'address', 'show', 'dev', HOME.uplink, 'scope', 'global', '-tentative'],
  ])
  await waitFor(`the server's own address in ${wanted}`, async () =>
    (await run(argv)).includes(` ${wanted}:`) ? true : undefined,
  )
}

interface CronHome {
  readonly lab: Lab
  readonly cron: CronHost
  readonly ddclient: Ddclient
  readonly prober: Prober
  readonly watched: LabContainer
}

/** A home whose containers the script has made, in `prefixAfter(0)`. */
async function startCronHome(lab: Lab): Promise<CronHome> {
  const [watched] = lab.containers
  if (watched === undefined) throw new ReprefixError('LAB_FAILED', 'the lab has no container')
  const ddclient = await prepareDdclient(lab)
  const cron = await prepareCronHost(lab, ddclient.command, prefixAfter(0xffe))
  await lab.router.announce([usable(prefixAfter(0))])
  await ownAddress(lab, 0)
  await cron.renumber()
  return { lab, cron, ddclient, prober: await startProber(lab, watched), watched }
}

/** One renumbering by the script; `undefined` when the page was never reached. */
async function renumberOnce(home: CronHome, change: number): Promise<Sample | undefined> {
  const { lab, cron, prober, watched } = home
  try {
    const measured = await measureRenumbering(lab, prober, watched, {
      cause: 'flash',
      from: prefixAfter(change - 1),
      to: prefixAfter(change),
      timeoutMs: REACH_TIMEOUT_MS,
      respond: async () => {
        await ownAddress(lab, change)
        await cron.renumber()
      },
    })
    return await toSample(lab, measured)
  } catch (error) {
    if (error instanceof ReprefixError && error.code === 'LAB_TIMEOUT') return undefined
    throw error
  }
}

async function withCronHome<T>(containers: number, work: (home: CronHome) => Promise<T>) {
  const lab = await createLab({ containers, isUnfurnished: true })
  try {
    return await work(await startCronHome(lab))
  } finally {
    lab.close()
  }
}

/** Flash renumberings by the script, started as soon as the server has its address. */
export function measureCron(
  containers: number,
  runs: number,
  onProgress: (line: string) => void,
): Promise<CronResult> {
  return withCronHome(containers, async (home) => {
    const samples: Sample[] = []
    const failures: string[] = []
    for (let change = 1; change <= runs; change++) {
      const sample = await renumberOnce(home, change)
      if (sample) samples.push(sample)
      else failures.push(`run ${change}: no page within ${REACH_TIMEOUT_MS / 1000} s`)
      const said = sample ? `${sample.toReachableMs} ms, ${sample.lostIpv4} IPv4 requests lost` : ''
      onProgress(`cron, ${containers} containers, run ${change}: ${said || failures.at(-1)}`)
    }
    return { samples, failures }
  })
}

/** Lets the router change its prefix and waits until the name follows, `respond` helping. */
async function toNamed(
  { lab, prober }: CronHome,
  change: number,
  respond: () => Promise<void>,
): Promise<number> {
  prober.begin(prefixAfter(change))
  const announcedAt = await lab.router.announce([usable(prefixAfter(change))])
  const timeoutMs = (DDCLIENT_INTERVAL_S + 30) * 1000
  const [{ at }] = await Promise.all([prober.named(timeoutMs), respond()])
  await prober.end()
  return Math.round((at - announcedAt) * 10) / 10
}

/** DNS alone, by ddclient on a home that nobody renumbers. */
export function measureDdclient(
  containers: number,
  runs: { readonly byHand: number; readonly byItself: number },
  onProgress: (line: string) => void,
): Promise<DdclientResult> {
  return withCronHome(containers, async (home) => {
    const byHandMs: number[] = []
    const byItselfMs: number[] = []
    let change = 0
    for (let run_ = 1; run_ <= runs.byHand; run_++) {
      const mine = ++change
      const ms = await toNamed(home, mine, async () => {
        await ownAddress(home.lab, mine)
        await home.ddclient.updateNow()
      })
      byHandMs.push(ms)
      onProgress(`ddclient by hand, ${containers} containers, run ${run_}: ${ms} ms`)
    }
    for (let run_ = 1; run_ <= runs.byItself; run_++) {
      const daemon = await home.ddclient.start()
      // A prefix changes at any time between two looks: in the middle on average.
      await elapse((DDCLIENT_INTERVAL_S * 1000) / 2)
      const ms = await toNamed(home, ++change, async () => {})
      await daemon.stop('SIGKILL')
      byItselfMs.push(ms)
      onProgress(`ddclient by itself, ${containers} containers, run ${run_}: ${ms} ms`)
    }
    return { byHandMs, byItselfMs }
  })
}
