import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Prefix } from '../../shared/ipv6.ts'
import { inNamespace, run } from './command.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { waitFor } from './deadline.ts'
import { HOME } from './lab-names.ts'
import type { Namespaces } from './namespaces.ts'
import type { RunDirectory } from './run-directory.ts'

/** One prefix in the router's advertisements; lifetimes in seconds. */
export interface AnnouncedPrefix {
  readonly prefix: Prefix
  readonly preferred: number
  readonly valid: number
}

/** A prefix with the lifetimes of a usual home router: four hours preferred, a day valid. */
export function usable(prefix: Prefix): AnnouncedPrefix {
  return { prefix, preferred: 14_400, valid: 86_400 }
}

/** A prefix on its way out (RFC 4192): still valid, no longer preferred. */
export function deprecated(prefix: Prefix): AnnouncedPrefix {
  return { prefix, preferred: 0, valid: 7200 }
}

/** A router with radvd and IPv6 forwarding: the provider's, or another one on the same LAN. */
export interface Router {
  /**
   * Announces exactly these prefixes from now on, the first time as soon as RFC 4861 lets it. A prefix
   * left out is not withdrawn, just missing. Every prefix ever announced keeps being forwarded, so that a
   * former address which stops answering was broken by the home server.
   * Returns when the kernel of the home server saw the first prefix, in ms since the epoch.
   */
  announce(prefixes: readonly AnnouncedPrefix[], options?: AnnounceOptions): Promise<number>
  /** Waits for a regular advertisement of what is announced. */
  regular(): Promise<void>
  /**
   * Ends it: with SIGTERM it says goodbye (a router lifetime of 0), with SIGKILL it falls silent. The
   * next announcement starts it again.
   */
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

/** How a router announces. */
export interface AnnounceOptions {
  /** Does not wait until it may: as if the router had been started anew rather than told. */
  readonly atOnce?: boolean
  /** Seconds between its regular advertisements from now on. */
  readonly interval?: Interval
  /** Returns without its having been seen: nobody is there, or nobody listens. */
  readonly isUnseen?: boolean
}

/** What tells a router from the lab's first one. */
export interface RouterOptions {
  readonly name?: string
  /** The interface of the home server on its link. */
  readonly uplink?: string
}

/** From the shortest to the longest time between two regular advertisements. */
export interface Interval {
  readonly min: number
  readonly max: number
}

function renderConfiguration(prefixes: readonly AnnouncedPrefix[], interval: Interval): string {
  const blocks = prefixes.map(
    ({ prefix, preferred, valid }) => `  prefix ${prefix} {
    AdvOnLink on; AdvAutonomous on;
    AdvPreferredLifetime ${preferred}; AdvValidLifetime ${valid};
  };\n`,
  )
  return `interface lan {
  AdvSendAdvert on; AdvDefaultLifetime 1800;
  MinRtrAdvInterval ${interval.min}; MaxRtrAdvInterval ${interval.max};
${blocks.join('')}};\n`
}

/**
 * One line of `ip -6 -tshort monitor prefix` on the uplink: which prefix was advertised, and when in
 * ms since the epoch. iproute2 prints no space before `dev`. `undefined` for anything else.
 */
export function parseSighting(
  line: string,
  uplink: string = HOME.uplink,
): { prefix: string; at: number } | undefined {
  const match = /^\[(\S+?)(\d{3})\] prefix (\S+?)\s?dev (\S+) /.exec(line)
  if (!match || match[4] !== uplink) return undefined
  // The clock is read in UTC, with microseconds: Date takes the milliseconds of them.
  const at = Date.parse(`${match[1]}Z`) + Number(match[2]) / 1000
  return { prefix: match[3] ?? '', at }
}

/** The time between the router's regular advertisements, in seconds. */
export const ADVERTISEMENT_INTERVAL_S = { min: 6, max: 8 } as const

/** The shortest that radvd takes: much is seen in little time, and RFC 4861 §6.2.6 is kept. */
export const OFTEN = { min: 3, max: 4 } as const

/** MIN_DELAY_BETWEEN_RAS (RFC 4861 §10). */
const MIN_DELAY_MS = 3000

/**
 * A router keeps three seconds between two advertisements (RFC 4861 §6.2.6), but radvd sends one at
 * once when it is reloaded: the lab reloads it where the last one is old enough and, as far as its
 * interval leaves room for that, the next regular one not yet due.
 */
function mayAdvertise(last: number | undefined, { min }: Interval): boolean {
  if (last === undefined) return true
  const age = Date.now() - last
  const isDue = age > min * 1000 - 200
  return age > MIN_DELAY_MS && (!isDue || min * 1000 <= MIN_DELAY_MS)
}

/** Starts the watch that tells when an advertisement arrived, and waits until it listens. */
async function watchAdvertisements(
  directory: RunDirectory,
  namespaces: Pick<Namespaces, 'home'>,
  uplink: string,
  onSighting: (prefix: string, at: number) => void,
): Promise<Daemon> {
  return startDaemon({
    name: 'ip monitor prefix',
    argv: inNamespace(namespaces.home, ['ip', '-6', '-tshort', 'monitor', 'prefix']),
    logFile: join(directory.path, 'advertisements.log'),
    onLine: (line) => {
      const sighting = parseSighting(line, uplink)
      if (sighting) onSighting(sighting.prefix, sighting.at)
    },
  })
}

/**
 * Starts a router in `namespaces.router`, on the link `lan` there; it announces nothing until told to.
 * Routers of one LAN have prefixes and names of their own.
 */
export async function startRouter(
  directory: RunDirectory,
  namespaces: Pick<Namespaces, 'router' | 'home'>,
  { name = 'radvd', uplink = HOME.uplink }: RouterOptions = {},
): Promise<Router> {
  const sightings: { prefix: string; at: number }[] = []
  const own = new Set<string>()
  let lastInterval: Interval = ADVERTISEMENT_INTERVAL_S
  const watch = await watchAdvertisements(directory, namespaces, uplink, (prefix, at) => {
    if (own.has(prefix)) sightings.push({ prefix, at })
  })
  const configuration = join(directory.path, `${name}.conf`)
  const logFile = join(directory.path, `${name}.log`)
  const pidFile = join(directory.path, `${name}.pid`)
  const argv = inNamespace(namespaces.router, [
    ...['radvd', '--nodaemon', '--logmethod', 'stderr', '--pidfile', pidFile],
    ...['--config', configuration],
  ])
  let radvd: Daemon | undefined

  const route = async (prefixes: readonly AnnouncedPrefix[]): Promise<void> => {
    const lines = prefixes.map(({ prefix }) => `route replace ${prefix} dev lan\n`)
    await run(['ip', '-n', namespaces.router, '-batch', '-'], { input: lines.join('') })
  }

  const announce: Router['announce'] = async (prefixes, options = {}) => {
    const { atOnce = false, isUnseen = false, interval = ADVERTISEMENT_INTERVAL_S } = options
    for (const { prefix } of prefixes) own.add(prefix)
    await route(prefixes)
    await writeFile(configuration, renderConfiguration(prefixes, interval))
    await waitFor(
      'the time for another advertisement',
      () => (atOnce || mayAdvertise(sightings.at(-1)?.at, lastInterval) ? true : undefined),
      { hopeless: () => radvd?.failure() ?? watch.failure() },
    )
    lastInterval = interval
    const before = sightings.length
    // radvd 2.19 advertises within 3 ms of a SIGHUP and says nothing of prefixes no longer listed.
    if (radvd === undefined) radvd = await startDaemon({ name: 'radvd', argv, logFile })
    else radvd.signal('SIGHUP')
    if (isUnseen) return Date.now()
    const wanted = prefixes[0]?.prefix
    const { at } = await waitFor(
      `advertisement of ${wanted}`,
      () => sightings.slice(before).find(({ prefix }) => prefix === wanted),
      { hopeless: () => radvd?.failure() ?? watch.failure(), intervalMs: 1 },
    )
    return at
  }
  const regular = async (): Promise<void> => {
    const before = sightings.length
    await waitFor('a regular advertisement', () => (sightings.length > before ? true : undefined), {
      hopeless: () => radvd?.failure() ?? watch.failure(),
    })
  }
  const stop = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    await radvd?.stop(signal)
    radvd = undefined
  }
  return { announce, regular, stop }
}
