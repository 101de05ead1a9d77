import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../../agent/config.ts'

const unresolved = (): string => {
  throw new Error('nothing to resolve')
}
const parse = (yaml: string) => parseConfig(yaml, 'agent.yaml', unresolved)

const FULL = `
cloud: https://reprefix.example.org
interface: eth0
stateDirectory: /tmp/state
prefix: { length: 56, within: ["2001:db8::/32"], settle: 1s }
docker:
  socket: /run/docker.sock
  networks: { web: "0:0:0:1::/64", db: "0:0:0:2:1::/80" }
  settle: never
ndp: { backend: ndppd, config: /etc/n.conf, restart: [service, ndppd, restart] }
firewall: { backend: ip6tables, default: accept }
endpoints:
  - { container: nginx, dns: [WWW.example.org.], expose: [80/tcp, 53/udp] }
  - { address: "::211:32ff:fe12:3456", dns: [nas.example.org] }
`

describe('the settings of an agent', () => {
  it('gives every value in its parsed form', () => {
    const config = parse(FULL)
    expect(config.intent).toEqual({
      uplink: 'eth0',
      prefixLength: 56,
      within: ['2001:db8::/32'],
      settleMs: 1000,
      source: 'slaac',
      others: [],
      networks: { web: '0:0:0:1::/64', db: '::2:1:0:0:0/80' },
      networkUplinks: {},
      endpoints: [
        {
          container: 'nginx',
          dns: ['www.example.org'],
          expose: [
            { port: 80, protocol: 'tcp' },
            { port: 53, protocol: 'udp' },
          ],
        },
        { address: '::211:32ff:fe12:3456', dns: ['nas.example.org'], expose: [] },
      ],
      proxy: 'ndppd',
      firewall: { backend: 'ip6tables', default: 'accept' },
    })
    expect(config.cloud).toBe('https://reprefix.example.org')
    expect(config.dockerSocket).toBe('/run/docker.sock')
    expect(config.ndp).toEqual({
      configPath: '/etc/n.conf',
      restart: ['service', 'ndppd', 'restart'],
    })
    expect(config.paths.outbox).toBe('/tmp/state/outbox')
  })

  it('needs the interface alone and says the defaults for the rest', () => {
    const { intent, dockerSocket, ndp, paths } = parse('interface: eth0')
    expect(intent).toEqual({
      uplink: 'eth0',
      prefixLength: 64,
      within: ['2000::/3'],
      settleMs: 20,
      source: 'slaac',
      others: [],
      networks: {},
      networkUplinks: {},
      endpoints: [],
      proxy: 'ndppd',
      firewall: { backend: 'ip6tables', default: 'drop' },
    })
    expect(dockerSocket).toBe('/var/run/docker.sock')
    expect(ndp.restart).toEqual(['systemctl', 'restart', 'ndppd'])
    expect(paths.directory).toBe('/var/lib/reprefix')
  })

  it.each([
    ['slaac', 'slaac'],
    ['route', 'route'],
    ['{ file: /run/prefix }', { file: '/run/prefix' }],
    ['{ command: [/usr/local/bin/prefix, wan] }', { command: ['/usr/local/bin/prefix', 'wan'] }],
  ])('takes the source %s', (text, source) => {
    expect(parse(`interface: wan1\nprefix: { source: ${text} }`).intent.source).toEqual(source)
  })

  it('gives each of several uplinks what is said of it, the first being the main one', () => {
    const { intent } = parse(`
uplinks:
  - { interface: eth0, prefix: { settle: 50ms } }
  - { interface: wan1, prefix: { length: 56, within: ["2001:db8::/32"] } }
docker:
  networks: { web: "::1:0:0:0/80", iot: { subnet: "0:0:0:12::/64", uplink: wan1 } }
endpoints: [{ address: "::12:0:0:0:7", uplink: wan1, dns: [nas.example.org] }]
`)
    expect(intent).toMatchObject({
      uplink: 'eth0',
      prefixLength: 64,
      settleMs: 50,
      others: [{ uplink: 'wan1', prefixLength: 56, within: ['2001:db8::/32'] }],
      networks: { web: '::1:0:0:0/80', iot: '0:0:0:12::/64' },
      networkUplinks: { iot: 'wan1' },
      endpoints: [{ address: '::12:0:0:0:7', uplink: 'wan1' }],
    })
  })

  it('takes the default bridge as the network of that name', () => {
    const { intent, daemon } = parse('interface: eth0\ndocker: { defaultBridge: "::/80" }')
    expect(intent.networks).toEqual({ bridge: '::/80' })
    expect(daemon).toEqual({
      configPath: '/etc/docker/daemon.json',
      restart: ['systemctl', 'restart', 'docker'],
    })
  })

  it.each([
    ['never', { kind: 'never' }],
    ['now', { kind: 'now' }],
    ['on-restart', { kind: 'on-restart' }],
    ['window 23:30-05:00', { kind: 'window', from: 1410, to: 300 }],
  ])('takes docker.settle: %s', (text, settle) => {
    const yaml = `interface: eth0\ndocker: { settle: ${text} }`
    expect(parseConfig(yaml, 'agent.yaml', () => '').settle).toEqual(settle)
  })

  it.each([
    [
      'uplinks/beside-interface',
      'interface: eth0\nuplinks: [{ interface: eth1 }]',
      /interface: .*first/,
    ],
    [
      'uplinks/beside-prefix',
      'prefix: { length: 56 }\nuplinks: [{ interface: eth1 }]',
      /prefix: .*inside each/,
    ],
    ['uplinks/none', 'uplinks: []', /uplinks: must name at least one/],
    [
      'uplinks/twice',
      'uplinks: [{ interface: eth1 }, { interface: eth1 }]',
      /uplinks\.1\.interface: eth1 is named twice/,
    ],
    [
      'network/unknown-uplink',
      'interface: eth0\ndocker: { networks: { web: { subnet: "::1:0:0:0/80", uplink: eth1 } } }',
      /networks\.web\.uplink: eth1 is no uplink: use one of eth0/,
    ],
    [
      'network/unknown-member',
      'interface: eth0\ndocker: { networks: { web: { subnet: "::1:0:0:0/80", uplnk: eth1 } } }',
      /networks\.web: must be a subnet like/,
    ],
    [
      'network/overlap-on-another-uplink',
      'uplinks: [{ interface: eth0 }, { interface: eth1 }]\ndocker: { networks:' +
        ' { web: "::1:0:0:0/80", iot: { subnet: "::1:1:0:0/96", uplink: eth1 } } }',
      /networks\.iot: .*overlaps .* of network web/,
    ],
    [
      'endpoint/uplink-of-a-container',
      'interface: eth0\nendpoints: [{ container: a, uplink: eth0 }]',
      /endpoints\.0: has an uplink beside container/,
    ],
    [
      'source/unknown',
      'interface: eth0\nprefix: { source: dhcp }',
      /prefix\.source: must be slaac, route/,
    ],
    [
      'source/relative',
      'interface: eth0\nprefix: { source: { file: p } }',
      /prefix\.source\.file: .*absolute/,
    ],
    [
      'source/no-program',
      'interface: eth0\nprefix: { source: { command: [] } }',
      /prefix\.source: must/,
    ],
    ['yaml/broken', 'interface: [eth0', /agent\.yaml: .*\(line 1\)/],
    ['yaml/empty', '', /agent\.yaml: /],
    ['key/unknown', 'interface: eth0\nintreface: eth1', /intreface: is not known here.*line 2/],
    ['key/unknown-nested', 'interface: eth0\ndocker:\n  network: {}', /docker\.network: .*line 3/],
    ['interface/missing', 'cloud: https://a.example', /interface: is missing/],
    ['interface/too-long', 'interface: abcdefghijklmnop', /interface: .*network interface/],
    ['cloud/not-a-url', 'interface: eth0\ncloud: example', /cloud: .*not the URL of a cloud/],
    ['prefix/too-long', 'interface: eth0\nprefix: { length: 65 }', /prefix\.length: .*48 to 64/],
    [
      'prefix/within',
      'interface: eth0\nprefix: { within: ["2000::1/3"] }',
      /within\.0: .*2000::\/3/,
    ],
    ['prefix/settle', 'interface: eth0\nprefix: { settle: 1 }', /prefix\.settle: /],
    ['prefix/settle-unit', 'interface: eth0\nprefix: { settle: 1h }', /settle: .*100ms, 1s/],
    ['state/relative', 'interface: eth0\nstateDirectory: state', /stateDirectory: .*absolute/],
    ['suffix/not-one', 'interface: eth0\ndocker: { networks: { web: hello } }', /networks\.web: /],
    [
      'suffix/too-long',
      'interface: eth0\ndocker: { networks: { web: "0:0:0:1::/80" } }',
      /docker\.networks\.web: /,
    ],
    [
      'suffix/shorter-than-prefix',
      'interface: eth0\ndocker: { networks: { web: "::/60" } }',
      /docker\.networks\.web: /,
    ],
    [
      'suffix/overlap',
      'interface: eth0\ndocker: { networks: { web: "::1:0:0:0/80", db: "::1:1:0:0/96" } }',
      /docker\.networks\.db: .*overlaps .* of network web/,
    ],
    [
      'docker/settle',
      'interface: eth0\ndocker: { settle: soon }',
      /docker\.settle: is not a time to settle/,
    ],
    [
      'docker/default-bridge',
      'interface: eth0\ndocker: { defaultBridge: "::/80", networks: { bridge: "::/80" } }',
      /networks\.bridge: is said beside/,
    ],
    ['ndp/unknown', 'interface: eth0\nndp: { backend: radvd }', /ndp\.backend: /],
    ['firewall/unknown', 'interface: eth0\nfirewall: { backend: ufw }', /firewall\.backend: /],
    [
      'endpoint/both',
      'interface: eth0\nendpoints: [{ container: a, address: "::1" }]',
      /endpoints\.0: needs exactly one/,
    ],
    [
      'endpoint/neither',
      'interface: eth0\nendpoints: [{ dns: [a.example] }]',
      /endpoints\.0: needs/,
    ],
    [
      'endpoint/global-address',
      'interface: eth0\nendpoints: [{ address: "2001:db8::1", dns: [a.example] }]',
      /endpoints\.0\.address: .*did you mean ::1\?/,
    ],
    [
      'endpoint/name',
      'interface: eth0\nendpoints: [{ container: a, dns: ["a b"] }]',
      /endpoints\.0\.dns\.0: /,
    ],
    [
      'endpoint/port',
      'interface: eth0\nendpoints: [{ container: a, expose: [http] }]',
      /expose\.0: .*80\/tcp/,
    ],
    [
      'endpoint/port-range',
      'interface: eth0\nendpoints: [{ container: a, expose: [65536/tcp] }]',
      /expose\.0: .*1 to 65535/,
    ],
  ])('refuses %s', (_, yaml, message) => {
    expect(() => parse(yaml)).toThrow(message)
    expect(() => parse(yaml)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })
})
