import { readFileSync } from 'node:fs'
import type { RunCommand } from '../../../../agent/adapters/command.ts'
import { createIp6tables } from '../../../../agent/adapters/ip6tables.ts'
import { createOtherVariant } from '../../../../agent/adapters/ip6tables-variant.ts'
import { type FirewalledNetwork, renderRules } from '../../../../agent/domain/firewall-rules.ts'
import type { ExposedPort, FirewallState, Intent } from '../../../../agent/domain/model.ts'
import { parseAddress, parsePrefix, parseSuffix } from '../../../../shared/ipv6.ts'
import { network } from './host-simulator.ts'

/** One way to set the options of the firewall. */
export interface Combination {
  readonly name: string
  readonly length: 48 | 56 | 64
  readonly networks: readonly FirewalledNetwork[]
  readonly intent: Pick<Intent, 'firewall'>
}

const DEFAULTS = ['drop', 'accept'] as const
const LENGTHS = [48, 56, 64] as const
const RANGES = {
  'one range': [parsePrefix('2000::/3')],
  'two ranges': [parsePrefix('2001:db8::/32'), parsePrefix('fd00::/8')],
} as const

const tcp = (port: number): ExposedPort => ({ port, protocol: 'tcp' })
const udp = (port: number): ExposedPort => ({ port, protocol: 'udp' })
const EXPOSED: Readonly<Record<string, readonly (readonly ExposedPort[])[]>> = {
  none: [[], []],
  tcp: [[tcp(80)], []],
  udp: [[udp(53)], []],
  many: [[tcp(443), tcp(80), udp(443), tcp(80)], [tcp(65_535)]],
}

/** Subnets below each length, the second on bits that only the shorter prefixes leave. */
const SUBNETS = {
  48: ['::1:0:0:0/80', '::a5:0:0:0:0/64'],
  56: ['::1:0:0:0/80', '::7:0:0:0:0/64'],
  64: ['::1:0:0:0/80', '::/80'],
} as const
/** Two hosts of each network; the low ones are printed in dotted decimal by ip6tables. */
const HOSTS = {
  48: [
    ['::1:0:0:101', '::1:0:0:102'],
    ['::a5:0:0:0:2', '::a5:0:0:1:2'],
  ],
  56: [
    ['::1:0:0:101', '::1:0:0:102'],
    ['::7:0:0:0:2', '::7:0:0:1:2'],
  ],
  64: [
    ['::1:0:0:101', '::1:0:0:102'],
    ['::2', '::1:2'],
  ],
} as const

function networksOf(
  length: (typeof LENGTHS)[number],
  count: 1 | 2,
  exposed: readonly (readonly ExposedPort[])[],
  more: { within: FirewalledNetwork['within']; allowsInterContainer: boolean },
): readonly FirewalledNetwork[] {
  return SUBNETS[length].slice(0, count).map((suffix, index) => ({
    network: network(index === 0 ? 'web' : 'iot', {
      allowsInterContainer: more.allowsInterContainer,
    }),
    suffix: parseSuffix(suffix),
    uplink: index === 0 ? 'eth0' : 'wan1',
    prefixLength: length,
    within: more.within,
    exposed: exposed.flatMap((ports, host) => {
      const text = HOSTS[length][index]?.[host]
      return text === undefined ? [] : [{ host: parseAddress(text), ports }]
    }),
  }))
}

/** All ways: default × inter-container × exposed ports × networks × prefix length × ranges. */
export const COMBINATIONS: readonly Combination[] = LENGTHS.flatMap((length) =>
  Object.entries(RANGES).flatMap(([ranges, within]) =>
    ([1, 2] as const).flatMap((count) =>
      DEFAULTS.flatMap((rest) =>
        [true, false].flatMap((allowsInterContainer) =>
          Object.entries(EXPOSED).map(([exposes, exposed]) => ({
            name: [
              `length ${length}`,
              ranges,
              `${count} network${count === 1 ? '' : 's'}`,
              `default ${rest}`,
              `icc ${allowsInterContainer ? 'on' : 'off'}`,
              `expose ${exposes}`,
            ].join(', '),
            length,
            networks: networksOf(length, count, exposed, { within, allowsInterContainer }),
            intent: { firewall: { backend: 'ip6tables' as const, default: rest } },
          })),
        ),
      ),
    ),
  ),
)

/** Where the golden text of all combinations of one prefix length is. */
export function goldenPath(length: Combination['length']): string {
  const name = `ip6tables-1.8.9-combinations-${length}.txt`
  return new URL(`../../../fixtures/ip6tables/${name}`, import.meta.url).pathname
}

/** The golden text: a heading for each combination, then its rules. */
export function renderGolden(
  combinations: readonly { readonly name: string; readonly rules: readonly string[] }[],
): string {
  return combinations.map(({ name, rules }) => `# ${name}\n${rules.join('\n')}\n`).join('\n')
}

/** What `ip6tables -S REPREFIX` printed for a combination. */
export function readGolden({ name, length }: Combination): readonly string[] {
  const section = readFileSync(goldenPath(length), 'utf8')
    .split(/^# /m)
    .find((text) => text.startsWith(`${name}\n`))
  return (section ?? '').split('\n').filter((line) => line.startsWith('-A '))
}

/** Runs a command where a firewall is. */
export type Exec = RunCommand

/** The agent's own firewall code on some host. */
export function firewallOn(run: Exec, legacyTables?: () => Promise<string>) {
  const ip6tables = createIp6tables(run, legacyTables && createOtherVariant(run, legacyTables))
  return {
    read: ip6tables.read,
    load: (one: Combination, hook: FirewallState['hook']) =>
      ip6tables.apply(renderRules(one.networks, one.intent), hook),
  }
}
