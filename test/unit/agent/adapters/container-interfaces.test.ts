import { describe, expect, it } from 'vitest'
import { createContainerInterfaces } from '../../../../agent/adapters/container-interfaces.ts'
import { createIproute } from '../../../../agent/adapters/iproute.ts'
import { parseAddress } from '../../../../shared/ipv6.ts'
import { fakeProcesses } from '../../../fakes/process-table.ts'
import { scriptedCommands } from '../../../fakes/scripted-commands.ts'

const PID = 50
const MAC = '02:42:c6:33:64:40'
const LEARNT = parseAddress('2001:db8:1:1:42:c6ff:fe33:6440')
/** Two lasting addresses of Docker's on two interfaces, and one that the kernel has learnt. */
const SOME_LEARNT =
  'fd0000aa000100000000000000000101 08 50 00 82     eth0\n' +
  '20010db8000100010042c6fffe336440 08 40 00 00     eth0\n' +
  'fd0000aa000200000000000000000101 09 50 00 82     eth1\n'
const LEARNT_DEPRECATED = SOME_LEARNT.replace('08 40 00 00', '08 40 00 20')

const info = (local: string, more: object = {}) => ({
  family: 'inet6',
  local,
  prefixlen: 80,
  scope: 'global',
  ...more,
})
const link = (ifname: string, index: number, addr_info: readonly object[]) => ({
  ifindex: index,
  ifname,
  address: MAC,
  addr_info,
})
const learnt = (more: object) =>
  info(LEARNT, {
    prefixlen: 64,
    dynamic: true,
    mngtmpaddr: true,
    valid_life_time: 86_000,
    preferred_life_time: 14_000,
    ...more,
  })
const printed = (more: object = {}) =>
  JSON.stringify([
    link('eth0', 8, [info('fd00:aa:1::101'), learnt(more)]),
    link('eth1', 9, [info('fd00:aa:2::101')]),
  ])

function container(text: string, stdout = printed()) {
  const processes = fakeProcesses()
  processes.ifInet6.set(PID, text)
  const commands = scriptedCommands({ nsenter: { stdout } })
  const network = createIproute(commands.run, [])
  return { processes, commands, ...createContainerInterfaces(network, processes, () => 0) }
}
const at = (mac: string, dockerAddress: string | null) => ({
  mac,
  dockerAddress: dockerAddress === null ? null : parseAddress(dockerAddress),
})
const names = (found: readonly { readonly interface: string | null }[] | null) =>
  found?.map((one) => one.interface)

describe('the interface of an endpoint', () => {
  it('is found by the address that Docker gave it where it shares its MAC address', async () => {
    const { read } = container(SOME_LEARNT)
    const endpoints = [at('', 'fd00:aa:2::101'), at('', 'fd00:aa:1::101')]
    expect(names(await read(PID, endpoints))).toEqual(['eth1', 'eth0'])
  })

  it.each([
    ['also where Docker tells the shared one', at(MAC, 'fd00:aa:2::101'), 'eth1'],
    ['and is unknown where that address is not there', at(MAC, 'fd00:aa:3::101'), null],
    ['and where Docker gave it none', at('', null), null],
  ])('%s', async (_, endpoint, expected) => {
    const { read } = container(SOME_LEARNT)
    expect(names(await read(PID, [endpoint]))).toEqual([expected])
  })
})

describe('an address that the kernel has made from an announcement', () => {
  const isLearnt = (found: Awaited<ReturnType<ReturnType<typeof container>['read']>>) =>
    found?.[0]?.addresses.find(({ address }) => address === LEARNT)?.isLearnt
  const endpoints = [at('', 'fd00:aa:1::101')]

  it('is known as such', async () => {
    const { read } = container(SOME_LEARNT)
    const found = await read(PID, endpoints)
    expect(isLearnt(found)).toBe(true)
    expect(found?.[0]?.addresses.find(({ address }) => address !== LEARNT)?.isLearnt).toBe(
      undefined,
    )
  })

  it('is known as such without another look after it was deprecated', async () => {
    const text = printed({ deprecated: true, preferred_life_time: 0 })
    const { read, commands } = container(LEARNT_DEPRECATED, text)
    expect(isLearnt(await read(PID, endpoints))).toBe(true)
    expect(isLearnt(await read(PID, endpoints))).toBe(true)
    expect(commands.calls).toHaveLength(1)
  })

  it('is known as such after this agent has deprecated it', async () => {
    const { read, changed, commands } = container(LEARNT_DEPRECATED)
    changed(
      {
        kind: 'address-deprecate',
        container: 'c',
        pid: PID,
        interface: 'eth0',
        address: LEARNT,
        length: 64,
        validSeconds: 5000,
        isLearnt: true,
      },
      true,
    )
    expect(isLearnt(await read(PID, endpoints))).toBe(true)
    expect(commands.calls).toEqual([])
  })
})
