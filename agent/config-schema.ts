import * as v from 'valibot'
import { messageOf } from '../shared/errors.ts'
import { parseAddress, parsePrefix, parseSuffix, type Suffix } from '../shared/ipv6.ts'
import { parseCloudUrl } from '../shared/join.ts'
import { parseName } from '../shared/rrset.ts'
import { parsedBy } from '../shared/schema.ts'
import type { ExposedPort } from './domain/model.ts'
import { parseSettlePolicy } from './domain/settle-policy.ts'

const DURATION_UNITS = { ms: 1, s: 1000, min: 60_000 } as const

/** A duration such as `100ms`, `1s` or `2min`, as milliseconds. */
const duration = v.pipe(
  v.string(),
  v.regex(/^\d{1,6}(?:ms|s|min)$/, 'is not a duration: write it like 100ms, 1s or 2min'),
  v.transform((text) => {
    const [, digits, unit] = /^(\d+)(ms|s|min)$/.exec(text) ?? []
    return Number(digits) * DURATION_UNITS[unit === 'ms' || unit === 's' ? unit : 'min']
  }),
)

/** `80/tcp` as a port; the same text as in a `reprefix.expose` label. */
const exposedPort = v.pipe(
  v.string(),
  v.regex(/^\d{1,5}\/(?:tcp|udp)$/, 'is not a port: write it like 80/tcp or 53/udp'),
  v.transform((text): ExposedPort => {
    const [port, protocol] = text.split('/')
    return { port: Number(port), protocol: protocol === 'udp' ? 'udp' : 'tcp' }
  }),
  v.check(({ port }) => port >= 1 && port <= 65_535, 'is not a port: use 1 to 65535'),
)

/** Linux interface names: at most 15 bytes, no slash or white space. */
const interfaceName = v.pipe(
  v.string(),
  v.regex(/^[^\s/:]{1,15}$/, 'is not the name of a network interface'),
)

const absolutePath = v.pipe(
  v.string(),
  v.regex(/^\//, 'must be an absolute path, so that it means the same for every caller'),
)

/** Where an uplink's prefixes are read. */
const prefixSource = v.union(
  [
    v.picklist(['slaac', 'route']),
    v.strictObject({ file: absolutePath }),
    v.strictObject({
      command: v.tupleWithRest(
        [v.pipe(v.string(), v.minLength(1, 'must name a program'))],
        v.string(),
      ),
    }),
  ],
  'must be slaac, route, { file: /absolute/path } or { command: [program, argument] }',
)

/** Which prefixes count on an uplink. */
export const prefixSettings = v.strictObject({
  length: v.exactOptional(
    v.pipe(
      v.number(),
      v.integer('must be a whole number'),
      v.minValue(48, 'must be from 48 to 64'),
      v.maxValue(64, 'must be from 48 to 64'),
    ),
    64,
  ),
  within: v.exactOptional(
    v.pipe(v.array(parsedBy(parsePrefix)), v.minLength(1, 'must name at least one prefix')),
    ['2000::/3'],
  ),
  settle: v.exactOptional(duration, '20ms'),
  source: v.exactOptional(prefixSource, 'slaac'),
})

/** A network's subnet, by itself where the network belongs to the main uplink. */
const networkSettings = v.pipe(
  v.union(
    [v.string(), v.strictObject({ subnet: v.string(), uplink: v.exactOptional(interfaceName) })],
    'must be a subnet like "::1:0:0:0/80", or { subnet: "::1:0:0:0/80", uplink: eth1 }',
  ),
  v.rawTransform(({ dataset, addIssue, NEVER }): NetworkSettings => {
    const { value } = dataset
    const { subnet, uplink } = typeof value === 'string' ? { subnet: value } : value
    try {
      return { subnet: parseSuffix(subnet), ...(uplink === undefined ? {} : { uplink }) }
    } catch (error) {
      addIssue({ message: messageOf(error) })
      return NEVER
    }
  }),
)

interface NetworkSettings {
  readonly subnet: Suffix
  readonly uplink?: string
}

const endpoint = v.pipe(
  v.strictObject({
    container: v.exactOptional(v.pipe(v.string(), v.minLength(1, 'must not be empty'))),
    address: v.exactOptional(parsedBy(parseAddress)),
    uplink: v.exactOptional(interfaceName),
    dns: v.exactOptional(v.array(parsedBy(parseName)), []),
    expose: v.exactOptional(v.array(exposedPort), []),
  }),
  v.check(
    ({ container, address }) => (container === undefined) !== (address === undefined),
    'needs exactly one of container (its name) and address (an interface identifier)',
  ),
  v.check(
    ({ container, uplink }) => container === undefined || uplink === undefined,
    'has an uplink beside container: a container belongs to the uplinks of its networks',
  ),
)

/** The settings file of an agent as it is written; `config.ts` checks what spans several values. */
export const configSchema = v.strictObject({
  cloud: v.exactOptional(parsedBy(parseCloudUrl)),
  interface: v.exactOptional(interfaceName),
  prefix: v.exactOptional(prefixSettings),
  /** Instead of `interface` and `prefix`; the first is the main one. */
  uplinks: v.exactOptional(
    v.pipe(
      v.array(
        v.strictObject({ interface: interfaceName, prefix: v.exactOptional(prefixSettings) }),
      ),
      v.minLength(1, 'must name at least one uplink'),
      // As many prefixes as one report holds.
      v.maxLength(8, 'must be at most 8'),
    ),
  ),
  stateDirectory: v.exactOptional(absolutePath, '/var/lib/reprefix'),
  docker: v.exactOptional(
    v.strictObject({
      socket: v.exactOptional(absolutePath, '/var/run/docker.sock'),
      networks: v.exactOptional(v.record(v.string(), networkSettings), {}),
      settle: v.exactOptional(parsedBy(parseSettlePolicy), 'never'),
      /** The subnet of the network called "bridge", like one of `networks`. */
      defaultBridge: v.exactOptional(parsedBy(parseSuffix)),
      config: v.exactOptional(absolutePath, '/etc/docker/daemon.json'),
      restart: v.exactOptional(
        v.tupleWithRest([v.pipe(v.string(), v.minLength(1, 'must name a program'))], v.string()),
        ['systemctl', 'restart', 'docker'],
      ),
    }),
    {},
  ),
  ndp: v.exactOptional(
    v.strictObject({
      /** Who answers for containers on the uplink; `none` where the prefix is routed to this host. */
      backend: v.picklist(['ndppd', 'kernel', 'none']),
      config: v.exactOptional(absolutePath, '/etc/ndppd.conf'),
      restart: v.exactOptional(
        v.tupleWithRest([v.pipe(v.string(), v.minLength(1, 'must name a program'))], v.string()),
        ['systemctl', 'restart', 'ndppd'],
      ),
    }),
    { backend: 'ndppd' },
  ),
  firewall: v.exactOptional(
    v.strictObject({
      backend: v.picklist(['ip6tables', 'none']),
      default: v.exactOptional(v.picklist(['drop', 'accept']), 'drop'),
    }),
    { backend: 'ip6tables' },
  ),
  endpoints: v.exactOptional(v.array(endpoint), []),
})

/** A settings file that is well formed in itself. */
export type ConfigFile = v.InferOutput<typeof configSchema>
