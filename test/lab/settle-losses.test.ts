import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { subnetOf } from '../../shared/ipv6.ts'
import { type AgentProcess, prepareAgent } from './agent-process.ts'
import { describeLab, PREFIXES } from './harness.ts'
import { pageOf } from './image.ts'
import { createLab, type Lab } from './lab.ts'
import { HOME, INTERNET, type LabContainer } from './lab-names.ts'
import type { Counters, Tally } from './probe-protocol.ts'
import { type Prober, startProber, startProberAt } from './prober.ts'
import { LOST_PACKET_MS } from './probes.ts'
import { addressBelow, restartsBetween } from './renumbering.ts'
import { usable } from './router.ts'

const { p1, p2 } = PREFIXES
const TIMEOUT_MS = 240_000
/** Longer than any outage: what comes late is then not lost, and what is lost was broken. */
const PATIENT_MS = 30_000
/** Slow enough for a small machine that at the same time takes networks apart. */
const EVERY_MS = 50
const BEFORE = 40
/** Six seconds: the gateway's address is in duplicate address detection for two. */
const AFTER = 120

describeLab('what a settle costs', () => {
  let lab: Lab | undefined
  let agent: AgentProcess | undefined
  const probers: Prober[] = []
  afterEach(async () => {
    for (const prober of probers.splice(0)) await prober.stop()
    await agent?.stop()
    lab?.close()
  })

  it.each([2, 5])('%d containers', { timeout: TIMEOUT_MS }, async (containers) => {
    lab = await createLab({ containers, server: { subnet: subnetOf(p1, HOME.suffix) } })
    agent = await prepareAgent(lab, { cloud: 'https://cloud.invalid', docker: { settle: 'never' } })
    await lab.router.announce([usable(p1)])
    await agent.start()
    await agent.event('made', ({ event }) => event === 'made')
    const seen = agent.events.length
    await lab.router.announce([usable(p2)])
    await agent.event('made', ({ event }) => event === 'made', seen)
    await agent.stop()

    const [web, api] = lab.containers
    if (web === undefined || api === undefined) throw new TypeError('two containers are needed')
    const outside = await startProber(lab, api, () => {}, {
      ...{ lostAfterMs: LOST_PACKET_MS, everyMs: EVERY_MS },
    })
    probers.push(outside)
    const inside = await startInside(lab, web, api)
    probers.push(inside)
    const before = await lab.home.lives(lab.containers)
    const begunAt = performance.now()
    for (const prober of probers) prober.begin(p2, addressBelow(p2, api))
    for (const prober of probers) await prober.sent(BEFORE)

    const text = await readFile(agent.configuration, 'utf8')
    await writeFile(agent.configuration, text.replace('settle: never', 'settle: now'))
    await agent.start()
    const { fields } = await agent.event('settled', ({ event }) => event === 'settled', 0, {
      timeoutMs: 60_000,
    })
    const elapsed = Math.ceil((performance.now() - begunAt) / EVERY_MS)
    for (const prober of probers) await prober.sent(elapsed + AFTER)
    const [fromOutside, fromInside] = [await outside.end(), await inside.end()]
    tell(containers, Number(fields.ms), fromOutside, fromInside)
    // No process is touched, and a connection between containers outlives the time without network.
    expect(restartsBetween(before, await lab.home.lives(lab.containers))).toBe(0)
    expect(fromInside).toMatchObject({ brokenTcp: 0, tcp: { lost: 0 } })
    for (const prober of probers) {
      prober.begin(p2, addressBelow(p2, api))
      await prober.sent(BEFORE)
      expect(await prober.end()).toMatchObject({ ipv4: { lost: 0 }, oldIpv6: { lost: 0 } })
    }
  })
})

/** A prober in one container that watches another. */
async function startInside(lab: Lab, from: LabContainer, to: LabContainer): Promise<Prober> {
  const [life] = await lab.home.lives([from])
  return startProberAt(
    {
      place: (argv) => ['nsenter', '-t', String(life?.pid), '-n', ...argv],
      logFile: join(lab.directory.path, 'prober-inside.log'),
    },
    {
      ...{ homeIPv4: to.ipv4, httpPort: 80, echoPort: 7, page: pageOf(to.name), name: to.domain },
      ...{ dnsServer: INTERNET.dnsIPv4, lostAfterMs: PATIENT_MS, everyMs: EVERY_MS },
    },
  )
}

function tell(containers: number, ms: number, outside: Counters, inside: Counters): void {
  const row = (name: string, { sent, lost, longestGapMs }: Tally, more = '') =>
    `  ${name}: ${lost} of ${sent} lost, longest gap ${Math.round(longestGapMs)} ms${more}`
  process.stdout.write(
    [
      `settled ${containers} containers in ${ms} ms`,
      row('IPv4, published port', outside.ipv4),
      row('IPv6 from the internet', outside.oldIpv6),
      row('TCP, published port', outside.tcp, `, broken ${outside.brokenTcp} times`),
      row('IPv4 between containers', inside.ipv4),
      row('IPv6 between containers', inside.oldIpv6),
      row('TCP between containers', inside.tcp, `, broken ${inside.brokenTcp} times`),
      '',
    ].join('\n'),
  )
}
