import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AgentProcess, prepareAgent } from './agent-process.ts'
import { inNamespace, run, tryRun } from './command.ts'
import { waitFor } from './deadline.ts'
import { describeLab, PREFIXES } from './harness.ts'
import { IMAGE } from './home-server.ts'
import { containerCommand, pageOf } from './image.ts'
import { createLab, type Lab } from './lab.ts'
import { usable } from './router.ts'

const { p1, p2, p3 } = PREFIXES
const SUBNETS = ['2001:db8:1:1:d::/80', '2001:db8:2:2:d::/80', '2001:db8:3:3:d::/80'] as const
const SETUP_TIMEOUT_MS = 120_000
const PATIENCE = { timeoutMs: 60_000 }

describeLab('an agent that settles the default bridge at once', () => {
  let lab: Lab
  let agent: AgentProcess
  let restart: string

  beforeAll(async () => {
    lab = await createLab({ containers: 0 })
    restart = join(lab.directory.path, 'restart-docker')
    await writeFile(restart, renderRestart(lab), { mode: 0o755 })
    await configure({ 'live-restore': false, ipv6: true, 'fixed-cidr-v6': SUBNETS[0] })
    const { api, configuration } = lab.home.docker
    await api.call('POST', '/containers/create?name=one', {
      Image: IMAGE,
      Cmd: containerCommand('one'),
      Labels: { 'reprefix.expose': '80/tcp' },
      HostConfig: { RestartPolicy: { Name: 'always' } },
    })
    await api.call('POST', '/containers/one/start')
    agent = await prepareAgent(lab, {
      cloud: 'https://cloud.invalid',
      docker: {
        ...{ settle: 'now', defaultBridge: '::d:0:0:0/80' },
        ...{ config: configuration, restart: [restart] },
      },
    })
    await lab.router.announce([usable(p1)])
    await agent.start()
    await agent.event('made', ({ event }) => event === 'made')
  }, SETUP_TIMEOUT_MS)
  afterAll(async () => {
    await agent?.stop()
    lab?.close()
  })

  /** Changes daemon.json and restarts Docker as a service manager would. */
  async function configure(more: object): Promise<void> {
    const { api, configuration } = lab.home.docker
    const before = JSON.parse(await readFile(configuration, 'utf8'))
    await writeFile(configuration, JSON.stringify({ ...before, ...more }, null, '\t'))
    await run(inNamespace(lab.namespaces.home, [restart]))
    const answers = () => api.call('GET', '/_ping').then(Boolean, () => undefined)
    await waitFor('answer of dockerd', answers, PATIENCE)
  }

  const settings = () => readFile(lab.home.docker.configuration, 'utf8')

  async function subnet(): Promise<string | undefined> {
    const { IPAM } = Object(await lab.home.docker.api.call('GET', '/networks/bridge'))
    const all: { Subnet: string }[] = IPAM.Config
    return all.map(({ Subnet }) => Subnet).find((text) => text.includes(':'))
  }

  async function one() {
    return Object(await lab.home.docker.api.call('GET', '/containers/one/json'))
  }

  /** The page of the only container at its address below a subnet, fetched from the internet. */
  async function untilReachedBelow(wanted: string): Promise<void> {
    const hosts = (await one()).NetworkSettings.GlobalIPv6Address.split(':d:')[1]
    const url = `http://[${wanted.replace('::/80', '')}:${hosts}]/`
    const argv = inNamespace(lab.namespaces.client, [
      'timeout',
      '2',
      'busybox',
      'wget',
      '-qO-',
      url,
    ])
    const look = async () =>
      (await tryRun(argv)).stdout.includes(pageOf('one')) ? true : undefined
    await waitFor(`the page at ${url}`, look, PATIENCE)
  }

  it('shows it in the plan, then restarts Docker, and is done', async () => {
    await agent.stop()
    const before = await settings()
    await lab.router.announce([usable(p2)])
    const planned = await agent.command(['plan', '--json'])
    expect(planned.code).toBe(3)
    const [from, to] = SUBNETS
    const row = { network: 'bridge', from, to, policy: 'now', isPermitted: true }
    expect(JSON.parse(planned.stdout).settle).toMatchObject([row])
    expect(await settings()).toBe(before)

    const seen = agent.events.length
    await agent.start()
    await agent.event('settled', ({ event }) => event === 'settled', seen, PATIENCE)
    expect(await settings()).toBe(before.replace(from, to))
    expect(await subnet()).toBe(to)
    await untilReachedBelow(to)
    await agent.stop()
    expect((await agent.command(['plan'])).code).toBe(0)
  })

  it('with live-restore edits the file, and restarts Docker once no container runs', async () => {
    await configure({ 'live-restore': true })
    await waitFor('the container', async () => ((await one()).State.Running ? true : undefined))
    const { Pid } = (await one()).State
    const seen = agent.events.length
    await agent.start()
    await lab.router.announce([usable(p3)])
    await agent.event('edit', ({ event }) => event === 'settle-edited', seen, PATIENCE)
    const [, from, to] = SUBNETS
    expect(JSON.parse(await settings())['fixed-cidr-v6']).toBe(to)
    expect(await subnet()).toBe(from)
    expect((await one()).State.Pid).toBe(Pid)
    await untilReachedBelow(to)

    // What only waits for Docker is no change that the agent would make.
    const planned = await agent.command(['plan', '--json'])
    expect(JSON.parse(planned.stdout).settle).toMatchObject([
      { network: 'bridge', isPermitted: false },
    ])
    expect(planned.code).toBe(0)

    await lab.home.docker.api.call('DELETE', '/containers/one?force=1')
    await agent.event('settled', ({ event }) => event === 'settled', seen, PATIENCE)
    expect(await subnet()).toBe(to)
  })
})

/** Ends dockerd and starts it again, and returns without waiting for its answer. */
function renderRestart({ directory, home: { docker } }: Lab): string {
  return `#!/bin/sh
set -e
old=$(cat ${docker.pidFile})
kill "$old"
while [ -d "/proc/$old" ]; do sleep 0.01; done
setsid ${docker.argv.join(' ')} </dev/null >>${join(directory.path, 'dockerd.log')} 2>&1 &
`
}
