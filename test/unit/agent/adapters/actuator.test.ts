import { describe, expect, it } from 'vitest'
import { createActuator } from '../../../../agent/adapters/actuator.ts'
import { createIproute } from '../../../../agent/adapters/iproute.ts'
import type { Step } from '../../../../agent/domain/step.ts'
import { parseAddress, parsePrefix } from '../../../../shared/ipv6.ts'
import { fakeProcesses } from '../../../fakes/process-table.ts'
import { recordedLog } from '../../../fakes/recorded-log.ts'
import { scriptedCommands } from '../../../fakes/scripted-commands.ts'

const inContainer = (pid: number, host: number) => ({
  container: `c${pid}`,
  pid,
  interface: 'eth0',
  address: parseAddress(`2001:db8:2:2:1::${host}`),
  length: 80,
})
const add = (pid: number, host: number): Step => ({
  kind: 'address-add',
  bridge: 'br-web',
  ...inContainer(pid, host),
})
const route: Step = {
  kind: 'route-add',
  subnet: parsePrefix('2001:db8:2:2:1::/80'),
  bridge: 'br-web',
}

const ZERO = '0'.repeat(32)
/** The line of /proc/net/ipv6_route for the route above. */
const ROUTED = `20010db8000200020001000000000000 50 ${ZERO} 00 ${ZERO} 00000400 00000001 00000000 00000001   br-web\n`

function actuator(
  script: Parameters<typeof scriptedCommands>[0],
  namespaces: Record<number, string | null> = {},
  routes = '',
) {
  const commands = scriptedCommands(script)
  const { log, lines } = recordedLog()
  const processes = fakeProcesses(namespaces)
  processes.state.routes = routes
  const changed: [number, boolean][] = []
  const parts = {
    run: commands.run,
    network: createIproute(commands.run, []),
    processes,
    ndppd: null,
    ip6tables: null,
    onContainerChanged: ({ pid }: { pid: number }, isDone: boolean) =>
      void changed.push([pid, isDone]),
    log,
  }
  return { ...createActuator(parts), commands, lines, changed }
}

describe('the actuator', () => {
  it('adds all addresses of a container in one batch, then flushes its neighbours', async () => {
    const host = actuator({ nsenter: {}, 'ip -6 -force -batch -': {} }, {}, ROUTED)
    const results = await host.apply([add(10, 1), add(10, 2), add(20, 3)])
    expect(results.map(({ outcome }) => outcome)).toEqual(['done', 'done', 'done'])
    expect(host.commands.texts()).toEqual([
      'nsenter -t 10 -n ip -6 -force -batch -',
      'nsenter -t 20 -n ip -6 -force -batch -',
      'ip -6 -force -batch -',
    ])
    expect(host.commands.calls[0]?.input).toBe(
      'address replace 2001:db8:2:2:1::1/80 dev eth0 nodad\n' +
        'address replace 2001:db8:2:2:1::2/80 dev eth0 nodad\n',
    )
    expect(host.commands.calls[2]?.input).toBe(
      'neigh flush to 2001:db8:2:2:1::1 dev br-web\n' +
        'neigh flush to 2001:db8:2:2:1::2 dev br-web\n' +
        'neigh flush to 2001:db8:2:2:1::3 dev br-web\n',
    )
  })

  it('has no neighbours to flush where no route leads to the address yet', async () => {
    const elsewhere = ROUTED.replace('br-web', 'br-other')
    const byDefault = ROUTED.replace('20010db8000200020001000000000000 50', `${ZERO} 00`)
    const host = actuator({ nsenter: {} }, {}, `${elsewhere}${byDefault}`)
    await host.apply([add(10, 1)])
    expect(host.commands.texts()).toEqual(['nsenter -t 10 -n ip -6 -force -batch -'])
  })

  it('enters containers in parallel', async () => {
    let inside = 0
    let most = 0
    const host = actuator({
      'ip -6': {},
      nsenter: async () => {
        inside += 1
        most = Math.max(most, inside)
        await new Promise((resolve) => setTimeout(resolve, 5))
        inside -= 1
        return {}
      },
    })
    await host.apply([add(10, 1), add(20, 2), add(30, 3)])
    expect(most).toBe(3)
  })

  it('says which line of a batch failed and why', async () => {
    const stderr = 'Error: ipv6: address is a multicast address.\nCommand failed -:2\n'
    const host = actuator({ nsenter: { exitCode: 1, stderr }, 'ip -6': {} })
    const results = await host.apply([add(10, 1), add(10, 2)])
    expect(results.map(({ outcome }) => outcome)).toEqual(['done', 'failed'])
    expect(results[1]?.error).toContain('multicast')
    expect(host.changed).toEqual([
      [10, true],
      [10, false],
    ])
    expect(host.lines.at(-1)).toMatchObject({
      level: 'error',
      fields: { event: 'step', outcome: 'failed' },
    })
  })

  it('has nothing to do in a container that has ended meanwhile', async () => {
    const host = actuator({}, { 10: null })
    expect(await host.apply([{ ...route, kind: 'address-remove', ...inContainer(10, 1) }])).toEqual(
      [expect.objectContaining({ outcome: 'done' })],
    )
    expect(host.commands.calls).toEqual([])
  })

  it('never enters its own namespace, however the pid came to lead there', async () => {
    const host = actuator({}, { 10: 'net:[1]' })
    const [result] = await host.apply([add(10, 1)])
    expect(result).toMatchObject({ outcome: 'failed', error: expect.stringContaining('host') })
    expect(host.commands.calls).toEqual([])
  })

  it('goes on with the other containers when one cannot be entered', async () => {
    const host = actuator({
      'ip -6': {},
      'nsenter -t 20': {},
      'nsenter -t 10': () => {
        throw new Error('nsenter did not finish')
      },
    })
    const results = await host.apply([add(10, 1), add(20, 2)])
    expect(results.map(({ outcome }) => outcome)).toEqual(['failed', 'done'])
  })

  it.each<[string, Step, string]>([
    ['route-add', route, 'route replace 2001:db8:2:2:1::/80 dev br-web proto 174'],
    [
      'route-move',
      { ...route, kind: 'route-move' },
      'route replace 2001:db8:2:2:1::/80 dev br-web proto 174',
    ],
    [
      'route-remove',
      { ...route, kind: 'route-remove' },
      'route del 2001:db8:2:2:1::/80 dev br-web proto 174',
    ],
    [
      'uplink-deprecate',
      {
        kind: 'uplink-deprecate',
        interface: 'eth0',
        address: parseAddress('2001:db8:1:1::5'),
        length: 64,
        validSeconds: 7200,
      },
      'address change 2001:db8:1:1::5/64 dev eth0 preferred_lft 0 valid_lft 7200',
    ],
  ])('renders %s for the host', async (_, step, line) => {
    const host = actuator({ 'ip -6 -force -batch -': {} })
    await host.apply([step])
    expect(host.commands.calls[0]?.input).toBe(`${line}\n`)
  })

  it('deprecates in the container without making the address eternal', async () => {
    const host = actuator({ nsenter: {} })
    await host.apply([
      { kind: 'address-deprecate', validSeconds: 60, ...inContainer(10, 1) },
      { kind: 'address-deprecate', validSeconds: null, ...inContainer(10, 2) },
      { kind: 'address-deprecate', validSeconds: 60, isLearnt: true, ...inContainer(10, 3) },
    ])
    expect(host.commands.calls[0]?.input).toBe(
      'address change 2001:db8:2:2:1::1/80 dev eth0 preferred_lft 0 valid_lft 60\n' +
        'address change 2001:db8:2:2:1::2/80 dev eth0 preferred_lft 0 valid_lft forever\n' +
        'address change 2001:db8:2:2:1::3/80 dev eth0 mngtmpaddr preferred_lft 0 valid_lft 60\n',
    )
  })

  it('takes a route or address that is gone already for removed', async () => {
    const host = actuator({
      ip: { exitCode: 1, stderr: 'RTNETLINK answers: No such process\nCommand failed -:1\n' },
      nsenter: {
        exitCode: 1,
        stderr: 'RTNETLINK answers: Cannot assign requested address\nCommand failed -:1\n',
      },
    })
    const results = await host.apply([
      { kind: 'address-remove', ...inContainer(10, 1) },
      { ...route, kind: 'route-remove' },
    ])
    expect(results.map(({ outcome }) => outcome)).toEqual(['done', 'done'])
  })
})
