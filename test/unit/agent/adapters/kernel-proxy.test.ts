import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseProxiedNeighbours } from '../../../../agent/adapters/ip-links.ts'
import { createKernelProxy } from '../../../../agent/adapters/kernel-proxy.ts'
import { parseAddress } from '../../../../shared/ipv6.ts'
import { scriptedCommands } from '../../../fakes/scripted-commands.ts'

let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sysctl-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function sysctl(name: string, value?: string): Promise<string> {
  const path = join(root, 'net/ipv6', name)
  if (value === undefined) return readFile(path, 'utf8')
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, `${value}\n`)
  return value
}

function proxy(answer: { exitCode?: number; stderr?: string } = {}) {
  const commands = scriptedCommands({ 'ip -6 -force -batch -': answer })
  const made = createKernelProxy({
    run: commands.run,
    readNeighbours: async () => [],
    uplinks: ['eth0'],
    sysctlRoot: root,
  })
  return { ...made, commands }
}

const address = parseAddress('2001:db8:2:2:1::5')
const target = { interface: 'eth0', address }

describe('the kernel proxy adapter', () => {
  it('tells our entries from those of others', async () => {
    const path = new URL('../../../fixtures/ip/ip-6.1.0-proxy.neigh.json', import.meta.url)
    expect(parseProxiedNeighbours(await readFile(path, 'utf8'))).toEqual([
      { interface: 'eth0', address: '2001:db8::5', isOurs: true },
      { interface: 'eth0', address: '2001:db8::6', isOurs: false },
      { interface: 'eth0', address: '2001:db8::7', isOurs: true },
    ])
    expect(parseProxiedNeighbours('')).toEqual([])
  })

  it('adds and removes with one batch, which the absence of what goes does not end', async () => {
    const host = proxy()
    await host.apply([
      { kind: 'neighbour-add', ...target },
      { kind: 'neighbour-remove', ...target },
    ])
    expect(host.commands.calls.map(({ input }) => input)).toEqual([
      'neigh replace proxy 2001:db8:2:2:1::5 dev eth0 protocol 174\n' +
        'neigh replace proxy 2001:db8:2:2:1::5 dev eth0 protocol 174\n' +
        'neigh del proxy 2001:db8:2:2:1::5 dev eth0\n',
    ])
  })

  it('says what ip said when a batch fails', async () => {
    const host = proxy({ exitCode: 1, stderr: 'Cannot find device "eth0"\n' })
    await expect(host.apply([{ kind: 'neighbour-add', ...target }])).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
      message: expect.stringContaining('Cannot find device'),
    })
  })

  it('switches proxying and its delay, and reads both back', async () => {
    await sysctl('conf/eth0/proxy_ndp', '0')
    await sysctl('neigh/eth0/proxy_delay', '80')
    const host = proxy()
    const setting = { interface: 'eth0', isReady: false, isWritable: true }
    expect((await host.read()).settings).toEqual([setting])
    await host.apply([{ kind: 'neighbour-enable', interface: 'eth0' }])
    expect(await sysctl('conf/eth0/proxy_ndp')).toBe('1\n')
    expect(await sysctl('neigh/eth0/proxy_delay')).toBe('0\n')
    expect((await host.read()).settings).toEqual([{ ...setting, isReady: true }])
    expect(host.commands.calls).toEqual([])
  })

  it('knows settings that cannot be written', async () => {
    const host = proxy()
    expect((await host.read()).settings).toMatchObject([{ isReady: false, isWritable: false }])
    await expect(
      host.apply([{ kind: 'neighbour-enable', interface: 'eth0' }]),
    ).rejects.toMatchObject({ message: expect.stringContaining('could not write 1 to') })
  })
})
