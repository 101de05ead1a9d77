// The stranger on the internet: runs in the client's namespace, asks every 20 ms, counts.
//   lab-prober TARGETS   reads commands from standard input, writes events to standard output
//   lab-prober ask SERVER NAME   resolves and fetches once, prints what it saw
//   lab-prober census SERVER PREFIX NAME...   does so for every name, inside PREFIX, all at once
import { Resolver } from 'node:dns/promises'
import { createInterface } from 'node:readline'
import {
  type Address,
  contains,
  type Prefix,
  parseAddress,
  parsePrefix,
} from '../../shared/ipv6.ts'
import type { Census, ProbeCommand, ProbeEvent, ProbeTargets, Sight } from './probe-protocol.ts'
import { fetchPage, now, openEcho } from './probes.ts'
import { openTally, type RunningTally } from './tally.ts'

const INTERVAL_MS = 20
/** Once reached, the name is asked for only every so many ticks: it has been proven. */
const CALM_TICKS = 5
const COUNTERS_EVERY_TICKS = 5

interface Window {
  readonly command: Extract<ProbeCommand, { kind: 'begin' }>
  readonly ipv4: RunningTally
  readonly tcp: RunningTally
  readonly oldIpv6: RunningTally
  brokenTcp: number
  isNamed: boolean
  isReached: boolean
}

function write(event: ProbeEvent | Sight | Census): void {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}

function resolverOf(server: string): Resolver {
  const resolver = new Resolver({ timeout: 300, tries: 1 })
  resolver.setServers([server])
  return resolver
}

function writeCounters(window: Window, isFinal: boolean): void {
  write({
    kind: 'counters',
    window: window.command.window,
    isFinal,
    ipv4: window.ipv4.read(),
    tcp: window.tcp.read(),
    brokenTcp: window.brokenTcp,
    oldIpv6: window.oldIpv6.read(),
  })
}

async function count(
  probe: 'ipv4' | 'tcp' | 'oldIpv6',
  tally: RunningTally,
  request: Promise<unknown>,
): Promise<void> {
  tally.sent()
  try {
    await request
    tally.answered(now())
  } catch (error) {
    tally.lost()
    write({ kind: 'lost', probe, at: now(), reason: String(error) })
  }
}

async function resolveInside(
  prefix: Prefix,
  name: string,
  resolver: Resolver,
): Promise<Address | undefined> {
  const addresses = (await resolver.resolve6(name).catch(() => [])).map(parseAddress)
  return addresses.find((each) => contains(prefix, each))
}

async function seekByName(
  window: Window,
  targets: ProbeTargets,
  resolver: Resolver,
): Promise<void> {
  const address = await resolveInside(window.command.newPrefix, targets.name, resolver)
  if (address === undefined) return
  if (!window.isNamed) write({ kind: 'named', window: window.command.window, at: now() })
  window.isNamed = true
  try {
    await fetchPage(address, 80, targets.page, targets.lostAfterMs)
  } catch {
    return // not yet
  }
  if (window.isReached) return
  window.isReached = true
  write({ kind: 'reachable', window: window.command.window, at: now(), address })
}

function probe(targets: ProbeTargets): void {
  const resolver = resolverOf(targets.dnsServer)
  let window: Window | undefined
  let ticks = 0
  const pending = new Set<Promise<void>>()
  const track = (request: Promise<void>): void => {
    pending.add(request)
    void request.finally(() => pending.delete(request))
  }
  const onOpen = (): void => write({ kind: 'ready' })
  const { lostAfterMs } = targets
  const onBroken = (): void => {
    if (window) window.brokenTcp += 1
  }
  const echo = openEcho(targets.homeIPv4, targets.echoPort, onOpen, onBroken, lostAfterMs)

  setInterval(() => {
    if (window === undefined) return
    ticks += 1
    const { command, ipv4, tcp, oldIpv6, isReached } = window
    track(
      count('ipv4', ipv4, fetchPage(targets.homeIPv4, targets.httpPort, targets.page, lostAfterMs)),
    )
    track(count('tcp', tcp, echo.echo()))
    if (command.oldAddress !== undefined) {
      track(count('oldIpv6', oldIpv6, fetchPage(command.oldAddress, 80, targets.page, lostAfterMs)))
    }
    if (!isReached || ticks % CALM_TICKS === 0) track(seekByName(window, targets, resolver))
    if (ticks % COUNTERS_EVERY_TICKS === 0) writeCounters(window, false)
  }, targets.everyMs ?? INTERVAL_MS)

  const commands = createInterface({ input: process.stdin })
  commands.on('close', () => process.exit(0))
  commands.on('line', (line) => {
    const command = JSON.parse(line) as ProbeCommand
    const ended = window
    window = undefined
    if (ended) void Promise.all(pending).then(() => writeCounters(ended, true))
    if (command.kind === 'end') return
    const [ipv4, tcp, oldIpv6] = [openTally(), openTally(), openTally()]
    window = { command, ipv4, tcp, oldIpv6, brokenTcp: 0, isNamed: false, isReached: false }
  })
}

async function ask(server: string, name: string): Promise<Sight> {
  const resolver = resolverOf(server)
  try {
    const addresses = (await resolver.resolve6(name)).map((text) => String(parseAddress(text)))
    const [first = ''] = addresses
    try {
      return { addresses, page: await fetchPage(first, 80, '<p>') }
    } catch (error) {
      return { addresses, error: String(error) }
    }
  } catch (error) {
    return { addresses: [], error: String(error) }
  }
}

async function census(server: string, prefix: Prefix, names: readonly string[]): Promise<Census> {
  const resolver = resolverOf(server)
  const isReached = async (name: string): Promise<boolean> => {
    const address = await resolveInside(prefix, name, resolver)
    if (address === undefined) return false
    return fetchPage(address, 80, '<p>').then(
      () => true,
      () => false,
    )
  }
  const results = await Promise.all(names.map(isReached))
  return {
    reached: names.filter((_, i) => results[i]),
    unreached: names.filter((_, i) => !results[i]),
  }
}

const [, , first = '', server = '', name = '', ...others] = process.argv
if (first === 'ask') write(await ask(server, name))
else if (first === 'census') write(await census(server, parsePrefix(name), others))
else probe(JSON.parse(first) as ProbeTargets)
