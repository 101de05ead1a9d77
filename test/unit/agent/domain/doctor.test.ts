import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { type DoctorFacts, diagnose } from '../../../../agent/domain/doctor.ts'
import type { DockerHostFacts } from '../../../../agent/domain/doctor-planes.ts'
import { FINDING_IDS, type Finding, isHealthy } from '../../../../agent/domain/finding.ts'
import type { NetworkState } from '../../../../agent/domain/model.ts'
import { parseAddress, parsePrefix } from '../../../../shared/ipv6.ts'

const WITHIN = [parsePrefix('2000::/3')]
const INTENT = { within: WITHIN, firewall: { backend: 'ip6tables', default: 'drop' } } as const

const P1 = parsePrefix('2001:db8:1:1::/64')
const P2 = parsePrefix('2001:db8:2:2::/64')

const WEB: NetworkState = {
  id: 'web',
  name: 'web',
  driver: 'bridge',
  bridge: 'br-web',
  bridgeIndex: 3,
  isInternal: false,
  subnets: [parsePrefix('fd00:1::/80')],
  labels: {},
}

function uplink(name: string, prefix = P1): DoctorFacts['network']['uplinks'][number] {
  return {
    intent: { uplink: name, prefixLength: 64, within: WITHIN, settleMs: 0, source: 'slaac' },
    isPresent: true,
    isUp: true,
    settings: { forwarding: 1, acceptRa: 2, proxyNdp: 1, proxyDelay: 0, maxAddresses: 64 },
    prefixes: [prefix],
    addressCount: 1,
    isAdvertised: true,
    unknown: null,
  }
}

const DOCKER: DockerHostFacts = {
  facts: { version: '28.5.2', isLiveRestore: true, firewallBackend: 'iptables' },
  networks: [WEB],
  taking: ['web'],
  docker0: { addresses: [], routes: [] },
}

/** A host on which nothing is wrong. */
const HEALTHY: DoctorFacts = {
  host: {
    isRoot: true,
    settings: { path: '/etc/reprefix/agent.yaml', mode: 0o644, owner: 0 },
    stateDirectory: { path: '/var/lib/reprefix', mode: 0o700, owner: 0 },
    keyFile: { path: '/var/lib/reprefix/enrolment.json', mode: 0o600, owner: 0 },
    freeBytes: { value: 10e9 },
    programs: [{ program: 'ip', package: 'iproute2', isInstalled: true }],
    isAgentRunning: true,
    lastFault: null,
  },
  network: {
    forwardsIPv6: true,
    neighbours: { entries: 12, limit: 1024, timesFull: 0 },
    uplinks: [uplink('eth0')],
    rules: { value: [{ source: null, table: 'main' }] },
    proxy: 'ndppd',
  },
  planes: {
    ndppd: {
      version: '0.2.4',
      isRunning: true,
      configPath: '/etc/ndppd.conf',
      configText: { value: '' },
    },
    iptables: { value: { version: '1.8.9', variant: 'nft', conflict: null } },
    docker: { value: DOCKER },
    problems: { value: [] },
  },
  records: {
    enrolment: { value: { host: 'home', url: 'https://cloud.example' } },
    cloud: null,
    pending: { value: null },
    state: { value: {} },
    journal: { value: { cutLines: 0 } },
    outbox: { value: { waiting: 0, since: null, reason: null, damaged: [] } },
    receipts: { value: { seq: 1, verifiedAt: 'then' } },
    refused: null,
    answer: { value: { url: 'https://cloud.example', skewSeconds: 0.4 } },
  },
}

type Parts = { [K in keyof DoctorFacts]?: Partial<DoctorFacts[K]> }

function host(parts: Parts): DoctorFacts {
  return {
    host: { ...HEALTHY.host, ...parts.host },
    network: { ...HEALTHY.network, ...parts.network },
    planes: { ...HEALTHY.planes, ...parts.planes },
    records: { ...HEALTHY.records, ...parts.records },
  }
}
const onUplink = (
  parts: Partial<Omit<DoctorFacts['network']['uplinks'][number], 'settings'>> & {
    settings?: object
  },
  network: Partial<DoctorFacts['network']> = {},
): Parts => {
  const eth0 = uplink('eth0')
  const settings = { ...eth0.settings, ...parts.settings }
  return { network: { uplinks: [{ ...eth0, ...parts, settings }], ...network } }
}
const ndppd = (parts: Partial<NonNullable<DoctorFacts['planes']['ndppd']>>): Parts => ({
  planes: {
    ndppd: {
      version: '0.2.4',
      isRunning: true,
      configPath: '/etc/ndppd.conf',
      configText: { value: '' },
      ...parts,
    },
  },
})
const docker = (parts: Partial<DockerHostFacts>): Parts => ({
  planes: { docker: { value: { ...DOCKER, ...parts } } },
})
const fault = { fault: 'it is damaged' }

/** What is wrong, the only finding that tells, and what its remedy must say. */
const TABLE: readonly [string, Parts, Finding['id'], Finding['level'], RegExp][] = [
  ['root/user', { host: { isRoot: false } }, 'root', 'fail', /sudo/],
  [
    'settings/world-writable',
    { host: { settings: { path: '/a.yaml', mode: 0o666, owner: 0 } } },
    'settings-mode',
    'fail',
    /chmod go-w \/a\.yaml/,
  ],
  [
    'settings/of-a-user',
    { host: { settings: { path: '/a.yaml', mode: 0o600, owner: 1000 } } },
    'settings-mode',
    'fail',
    /chown root/,
  ],
  [
    'programs/package',
    { host: { programs: [{ program: 'ip', package: 'iproute2', isInstalled: false }] } },
    'programs',
    'fail',
    /apt-get install iproute2$/,
  ],
  [
    'programs/named-by-the-operator',
    { host: { programs: [{ program: '/opt/restart', package: null, isInstalled: false }] } },
    'programs',
    'fail',
    /correct \/opt\/restart in the settings/,
  ],
  [
    'state-directory/open',
    { host: { stateDirectory: { path: '/s', mode: 0o755, owner: 0 } } },
    'state-directory',
    'fail',
    /chmod 700 \/s/,
  ],
  [
    'key-file/readable-by-others',
    { host: { keyFile: { path: '/k', mode: 0o644, owner: 0 } } },
    'key-file',
    'fail',
    /chmod 600 \/k.*enroll --force/,
  ],
  ['disk/full', { host: { freeBytes: { value: 1e6 } } }, 'disk', 'fail', /free space/],
  ['disk/short', { host: { freeBytes: { value: 1e8 } } }, 'disk', 'warn', /free space/],
  ['disk/unreadable', { host: { freeBytes: fault } }, 'disk', 'warn', /df \/var\/lib/],
  ['agent/stopped', { host: { isAgentRunning: false } }, 'agent', 'warn', /systemctl enable/],
  [
    'agent/passes-fail',
    { host: { lastFault: { since: 'then', message: 'no journal' } } },
    'agent',
    'fail',
    /tries again/,
  ],
  ['uplink/missing', onUplink({ isPresent: false }), 'uplink', 'fail', /ip link show/],
  ['uplink/down', onUplink({ isUp: false }), 'uplink', 'fail', /ip link set eth0 up/],
  [
    'forwarding/off',
    { network: { forwardsIPv6: false } },
    'forwarding',
    'fail',
    /sysctl -w net\.ipv6\.conf\.all\.forwarding=1/,
  ],
  [
    'accept-ra/not-with-forwarding',
    onUplink({ settings: { acceptRa: 1 } }),
    'accept-ra',
    'fail',
    /net\.ipv6\.conf\.eth0\.accept_ra=2/,
  ],
  [
    'accept-ra/handled-by-another-program',
    onUplink({ settings: { acceptRa: 0 } }),
    'accept-ra',
    'warn',
    /let that program/,
  ],
  [
    'accept-ra/vlan',
    onUplink({
      intent: { ...uplink('eth0.7').intent },
      settings: { acceptRa: 1 },
    }),
    'accept-ra',
    'fail',
    /conf\.eth0\/7\.accept_ra=2/,
  ],
  [
    'max-addresses/default',
    onUplink({ settings: { maxAddresses: 16 } }),
    'max-addresses',
    'warn',
    /max_addresses=64/,
  ],
  [
    'max-addresses/reached',
    onUplink({ addressCount: 16, settings: { maxAddresses: 16 } }),
    'max-addresses',
    'fail',
    /max_addresses=64/,
  ],
  [
    'neighbours/half-full',
    { network: { neighbours: { entries: 600, limit: 1024, timesFull: 0 } } },
    'neighbours',
    'warn',
    /gc_thresh3=8192/,
  ],
  [
    'neighbours/were-too-many',
    { network: { neighbours: { entries: 300, limit: 1024, timesFull: 7 } } },
    'neighbours',
    'fail',
    /gc_thresh2 = 4096/,
  ],
  ['prefix/none', onUplink({ prefixes: [] }), 'prefix', 'fail', /prefix\.within/],
  [
    'prefix/source-says-nothing',
    onUplink({ prefixes: [], isAdvertised: false, unknown: '/run/prefix is not there' }),
    'prefix',
    'fail',
    /mend its source/,
  ],
  [
    'policy-routing/no-rule',
    { network: { uplinks: [uplink('eth0'), uplink('eth1', P2)] } },
    'policy-routing',
    'warn',
    /ip -6 rule add from 2001:db8:2:2::\/64/,
  ],
  [
    'policy-routing/unreadable',
    { network: { uplinks: [uplink('eth0'), uplink('eth1', P2)], rules: fault } },
    'policy-routing',
    'warn',
    /ip -6 rule show/,
  ],
  ['ndppd/missing', ndppd({ version: null }), 'ndppd', 'fail', /apt-get install ndppd/],
  ['ndppd/stopped', ndppd({ isRunning: false }), 'ndppd', 'fail', /systemctl enable --now ndppd/],
  ['ndppd/unknown-version', ndppd({ version: '1.0' }), 'ndppd', 'warn', /0\.2\.5/],
  ['ndppd/config-unreadable', ndppd({ configText: fault }), 'ndppd-config', 'fail', /permissions/],
  [
    'ndppd/config-broken',
    ndppd({ configText: { value: 'proxy eth0 {' } }),
    'ndppd-config',
    'fail',
    /neither changed nor restarted/,
  ],
  [
    'ndppd/auto',
    ndppd({ configText: { value: 'proxy eth0 {\n  rule 2000::/3 { auto }\n}\n' } }),
    'ndppd-config',
    'warn',
    /iface BRIDGE/,
  ],
  [
    'proxy-ndp/off',
    onUplink({ settings: { proxyNdp: 0 } }, { proxy: 'kernel' }),
    'proxy-ndp',
    'warn',
    /proxy_ndp=1/,
  ],
  [
    'proxy-delay/default',
    onUplink({ settings: { proxyDelay: 80 } }, { proxy: 'kernel' }),
    'proxy-delay',
    'warn',
    /proxy_delay=0/,
  ],
  ['iptables/unreadable', { planes: { iptables: fault } }, 'iptables', 'fail', /ip6tables -S/],
  [
    'iptables/mixed',
    { planes: { iptables: { value: { version: '1.8.9', variant: 'nft', conflict: 'both' } } } },
    'iptables',
    'fail',
    /ip6tables-legacy -F/,
  ],
  ['docker/stopped', { planes: { docker: fault } }, 'docker', 'fail', /systemctl start docker/],
  ['docker/no-network', docker({ taking: [] }), 'docker', 'warn', /reprefix\.subnet/],
  [
    'docker/gateway-mode',
    docker({ networks: [{ ...WEB, subnets: [P1] }] }),
    'docker-reach',
    'fail',
    /create it anew/,
  ],
  [
    'docker/gateway-unnamed',
    docker({
      networks: [{ ...WEB, driver: 'macvlan', hasGateway: false }],
    }),
    'docker-gateway',
    'warn',
    /--gateway/,
  ],
  [
    'docker0/leftovers',
    docker({
      docker0: {
        addresses: [parseAddress('2001:db8:9::1')],
        routes: [parsePrefix('2001:db8:9::/80')],
      },
    }),
    'docker0',
    'warn',
    /address del 2001:db8:9::1 dev docker0; ip -6 route del 2001:db8:9::\/80 dev docker0/,
  ],
  ['plan/fails', { planes: { problems: fault } }, 'plan', 'fail', /reprefix-agent plan/],
  [
    'plan/left-out',
    {
      planes: {
        problems: {
          value: [
            {
              code: 'NETWORK_MISSING',
              where: 'settings',
              what: 'no network db',
              remedy: 'make it',
            },
          ],
        },
      },
    },
    'plan',
    'warn',
    /make it/,
  ],
  ['enrolment/damaged', { records: { enrolment: fault } }, 'enrolment', 'fail', /enroll --force/],
  [
    'enrolment/other-cloud',
    { records: { cloud: 'https://other.example' } },
    'enrolment',
    'fail',
    /correct the settings/,
  ],
  ['pending/damaged', { records: { pending: fault } }, 'enrolment-pending', 'warn', /may be spent/],
  [
    'pending/left-over',
    { records: { pending: { value: { path: '/p' } } } },
    'enrolment-pending',
    'warn',
    /remove it/,
  ],
  ['cloud/unreachable', { records: { answer: fault } }, 'cloud', 'fail', /reprefix serve/],
  [
    'clock/ahead',
    { records: { answer: { value: { url: 'u', skewSeconds: 400 } } } },
    'clock',
    'warn',
    /set-ntp/,
  ],
  ['state/damaged', { records: { state: fault } }, 'state', 'fail', /restore it/],
  ['journal/unreadable', { records: { journal: fault } }, 'journal', 'fail', /permissions/],
  ['outbox/unreadable', { records: { outbox: fault } }, 'outbox', 'fail', /permissions/],
  [
    'outbox/waiting',
    {
      records: {
        outbox: { value: { waiting: 3, since: 'then', reason: 'connection reset', damaged: [] } },
      },
    },
    'outbox',
    'warn',
    /in order/,
  ],
  [
    'outbox/damaged',
    { records: { outbox: { value: { waiting: 0, since: null, reason: null, damaged: ['/d'] } } } },
    'outbox',
    'warn',
    /looked at it/,
  ],
  ['receipts/damaged', { records: { receipts: fault } }, 'receipts', 'warn', /only shown/],
  ['receipts/none', { records: { receipts: { value: null } } }, 'receipts', 'warn', /journalctl/],
  [
    'receipts/refused',
    { records: { refused: { at: 'then', code: 'POLICY_NAME', detail: 'ask for it' } } },
    'receipts',
    'fail',
    /ask for it/,
  ],
]

describe('the doctor', () => {
  it('finds nothing wrong on a healthy host', () => {
    const findings = diagnose(HEALTHY, INTENT)
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([])
    expect(isHealthy(findings)).toBe(true)
  })

  it.each(TABLE)('%s', (_, parts, id, level, remedy) => {
    const wrong = diagnose(host(parts), INTENT).filter((finding) => finding.level !== 'ok')
    expect(wrong.map((finding) => [finding.id, finding.level])).toEqual([[id, level]])
    expect(wrong[0]?.remedy).toMatch(remedy)
    expect(isHealthy(wrong)).toBe(level === 'warn')
  })

  it('tells nothing twice', () => {
    const text = { where: 'w', what: 'x', remedy: 'y' }
    const value = [{ code: 'PROXY_CONFIG_INVALID', ...text } as const]
    const findings = diagnose(host({ planes: { problems: { value } } }), INTENT)
    expect(isHealthy(findings)).toBe(true)
    expect(findings.filter(({ level }) => level === 'warn')).toEqual([])
  })

  it('warns a host that has not enrolled, and asks of it no receipt and no cloud', () => {
    const records = { enrolment: { value: null }, receipts: { value: null }, answer: null }
    const wrong = diagnose(host({ records }), INTENT).filter(({ level }) => level !== 'ok')
    expect(wrong.map(({ id, level }) => [id, level])).toEqual([['enrolment', 'warn']])
  })

  it('is content with a rule for the prefix of another uplink', () => {
    const rules = { value: [{ source: parsePrefix('2001:db8:2::/48'), table: '100' }] }
    const network = { uplinks: [uplink('eth0'), uplink('eth1', P2)], rules }
    expect(isHealthy(diagnose(host({ network }), INTENT))).toBe(true)
    const found = diagnose(host({ network }), INTENT).find(({ id }) => id === 'policy-routing')
    expect(found?.level).toBe('ok')
  })

  it('looks at nothing that the settings leave to others', () => {
    const planes = { ndppd: null, iptables: null }
    const ids = diagnose(host({ planes, network: { proxy: 'none' } }), INTENT).map(({ id }) => id)
    for (const id of ['ndppd', 'ndppd-config', 'proxy-ndp', 'iptables']) {
      expect(ids).not.toContain(id)
    }
  })

  it('has every finding in the guide, and every one in the table but the settings themselves', async () => {
    const guide = await readFile('docs/guides/doctor.md', 'utf8')
    const explained = [...guide.matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map(([, id]) => id)
    expect(explained).toEqual([...FINDING_IDS])
    const covered = new Set(TABLE.map(([, , id]) => id))
    expect(FINDING_IDS.filter((id) => !covered.has(id))).toEqual(['settings'])
  })
})
