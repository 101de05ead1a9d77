import fc from 'fast-check'
import type { AddressState, AttachmentState, Observed } from '../../../../agent/domain/model.ts'
import { parseAddress, parsePrefix, splice } from '../../../../shared/ipv6.ts'
import {
  address,
  attachment,
  container,
  network,
  observed,
  P1,
  P2,
  P3,
  stateAt,
  uplink as uplinkWith,
} from './host-simulator.ts'

export const PREFIXES = [P1, P2, P3]
const SUFFIXES = [
  '::1:0:0:0/80',
  '::2:0:0:0/80',
  '::2:8000:0:0/81',
  '::/80',
  '::3:4:0:0/96',
  'x',
  '::/48',
]
const NAMES = ['web', 'db', 'app', 'old']
/** Bridges, and networks on the LAN that can and cannot be numbered. */
const KINDS = [
  {},
  {},
  {},
  { driver: 'macvlan', bridge: 'eth0' },
  { driver: 'ipvlan', bridge: 'eth0' },
  { driver: 'ipvlan', bridge: 'eth0', mode: 'l3' },
  { driver: 'macvlan', bridge: 'eth7' },
  { driver: 'overlay' },
]

const networks = fc.tuple(
  ...NAMES.map((name, index) =>
    fc
      .record({
        label: fc.option(fc.constantFrom(...SUFFIXES), { nil: undefined }),
        kind: fc.constantFrom(...KINDS),
        isInternal: fc.constantFrom(false, false, false, true),
        bridgeIndex: fc.constantFrom<(number | null)[]>(10 + index, 20 + index, null),
        subnets: fc.constantFrom(
          [parsePrefix(`fd00:0:0:1:${index}::/80`)],
          [parsePrefix(`2001:db8:1:1:${index}::/80`)],
          [],
        ),
      })
      .map(({ label, kind, ...rest }) =>
        network(name, {
          ...rest,
          ...kind,
          labels: label === undefined ? {} : { 'reprefix.subnet': label },
        }),
      ),
  ),
)

const lifetimes = fc.constantFrom<Partial<AddressState>[]>(
  {},
  { preferredSeconds: 0, isDeprecated: true, validSeconds: 500 },
  { preferredSeconds: 0, isDeprecated: true, validSeconds: null },
  { preferredSeconds: 100, validSeconds: 4000 },
  { preferredSeconds: 100, validSeconds: 4000, isDynamic: true, isLearnt: true },
  { preferredSeconds: 0, isDeprecated: true, validSeconds: 4000, isDynamic: true, isLearnt: true },
)

/** Addresses that may lie around: ours of any prefix, leftovers, and others' in and out of range. */
const stray = fc
  .tuple(
    fc.constantFrom(...PREFIXES, parsePrefix('2001:db8:9:9::/64'), parsePrefix('fd00::/64')),
    fc.constantFrom('::1:0:0:101', '::1:0:0:999', '::2:0:0:102', '::7:0:0:1', '::3:4:0:5', '::5'),
    lifetimes,
  )
  .map(([prefix, host, lifetime]) => address(splice(prefix, parseAddress(host)), lifetime))

const attachments = fc
  .uniqueArray(
    fc.record({
      name: fc.constantFrom(...NAMES),
      host: fc.integer({ min: 0x101, max: 0x108 }),
      docker: fc.constantFrom('fd00:0:0:1:0:', '2001:db8:1:1:1:', null),
      strays: fc.uniqueArray(stray, { maxLength: 5, selector: (state) => state.address }),
      hasInterface: fc.constantFrom(true, true, true, true, false),
    }),
    { maxLength: 3, selector: ({ name }) => name },
  )
  .map((list) =>
    list.map(({ name, host, docker, strays, hasInterface }, index): AttachmentState => {
      const own = docker === null ? null : `${docker}:${host.toString(16)}`
      const at = attachment(name, own, { interface: hasInterface ? `eth${index}` : null })
      const others = strays.filter((state) => state.address !== at.dockerAddress)
      return { ...at, addresses: hasInterface ? [...at.addresses, ...others] : [] }
    }),
  )

const containers = fc
  .array(
    fc.record({
      attachments,
      label: fc.constantFrom(
        undefined,
        undefined,
        '::1:0:0:101',
        '::2:0:0:5',
        '::1:0:0:0',
        'nonsense',
        '2001:db8::1',
      ),
      expose: fc.constantFrom(undefined, '80/tcp', '53/udp,80/tcp', 'http'),
    }),
    { maxLength: 5 },
  )
  .map((list) =>
    list.map(({ attachments: at, label, expose }, index) =>
      container(`c${index}`, at, {
        ...(label === undefined ? {} : { 'reprefix.address': label }),
        ...(expose === undefined ? {} : { 'reprefix.expose': expose }),
      }),
    ),
  )

const routes = fc.uniqueArray(
  fc.record({
    subnet: fc
      .constantFrom(
        ...PREFIXES.map((prefix) => splice(prefix, parseAddress('::1:0:0:0'))),
        ...PREFIXES.map((prefix) => splice(prefix, parseAddress('::7:0:0:0'))),
      )
      .map((text) => parsePrefix(`${text}/80`)),
    interface: fc.constantFrom('br-web', 'br-db', 'br-old', 'virbr0'),
  }),
  { maxLength: 5, selector: ({ subnet }) => subnet },
)

/** Hosts in any condition: numbered, half numbered, mislabelled, with things of others lying around. */
export const hosts: fc.Arbitrary<Observed> = fc
  .record({
    networks,
    containers,
    routes,
    strayOnUplink: fc.uniqueArray(stray, { maxLength: 4, selector: (state) => state.address }),
    firewall: fc.constantFrom(null, ['-A REPREFIX -j ACCEPT'], []),
    hook: fc.constantFrom('DOCKER-USER' as const, 'FORWARD' as const),
    bound: fc.constantFrom(null, {}, { 'br-web': 10, 'br-db': 11 }, { 'br-old': 5 }),
    config: fc.constantFrom('', 'route-ttl 30000\n', 'proxy eth0 {\n  router yes\n}\n'),
  })
  .map(({ strayOnUplink, firewall, hook, bound, config, ...rest }) =>
    observed({
      ...rest,
      uplinks: [
        uplinkWith(strayOnUplink.map((state) => ({ ...state, length: 64, isDynamic: true }))),
      ],
      firewall: { rules: firewall, hookedIn: null, hook },
      proxy: { configText: config, isRunning: bound !== null, boundIndexes: bound ?? {} },
    }),
  )

/** Any memory of former prefixes. */
export const states = fc
  .record({
    order: fc.constantFrom([0, 1, 2], [1, 0, 2], [2, 1, 0]),
    formers: fc.array(
      fc.record({
        cause: fc.constantFrom('flash' as const, 'planned' as const),
        secondsLeft: fc.constantFrom(-5, 600, 80_000),
      }),
      { maxLength: 2 },
    ),
    hasCurrent: fc.constantFrom(true, true, true, false),
  })
  .map(({ order, formers, hasCurrent }) => {
    const [first = P1, ...rest] = order.map((index) => PREFIXES[index] ?? P1)
    return stateAt(
      hasCurrent ? first : null,
      // There is no former prefix without a current one.
      (hasCurrent ? formers : []).map(({ cause, secondsLeft }, index) => [
        rest[index] ?? P3,
        cause,
        secondsLeft,
      ]),
    )
  })
